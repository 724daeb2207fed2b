package io.github.cuframes.fuzz;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * A publisher with up to four clients that do what the fuzzer says - bytes, messages, descriptors, writes into their
 * pages, ends - between frames, and one well-behaved subscriber, which must get every frame. All clients leave after
 * an input; then the publisher must have exactly what it had before.
 *
 * <p>The publisher stays from input to input, since only so there are thousands a second.
 */
public final class PublisherTarget {

    private static final String KEY = "cam";
    private static final int CLIENTS = 4;
    private static final int MOST_STEPS = 32;
    private static final int WELCOME = 2;
    private static final int MOST_GENERATIONS = 2;
    private static final long MAX_MEMORY = 1 << 20;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);
    private static final StreamConfig[] CONFIGS = {config(8), config(16)};

    /** Every so many inputs the process is looked at for leaks. */
    private static final int LOOK = 2048;

    private static final int MOST_DESCRIPTORS = 256;
    private static final int MOST_THREADS = 64;

    private static PublisherTarget instance;

    private final Publisher publisher;
    private final Path socket;
    private final GoodSubscriber good;
    private final RawSocket[] clients = new RawSocket[CLIENTS];
    private final FrameInfo info = new FrameInfo();
    private long inputs;

    private PublisherTarget() throws IOException {
        Path directory = Files.createTempDirectory("cuframes-fuzz");
        publisher = Publisher.builder(KEY)
                .runDirectory(directory)
                .maxSubscribers(CLIENTS)
                .maxCredits(4)
                .maxMemory(MAX_MEMORY)
                .open();
        socket = directory.resolve(KEY + ".sock");
        publisher.configure(CONFIGS[0], 1);
        good = new GoodSubscriber(socket);
    }

    private static StreamConfig config(int width) {
        return new StreamConfig(
                FrameLayout.of(PixelFormat.GRAY8, width, 8, 8),
                new Rational(1, 1000),
                new Rational(25, 1),
                Colour.UNSPECIFIED);
    }

    /** One input: a sequence of steps. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        if (instance == null) {
            instance = new PublisherTarget();
        }
        instance.run(new Input(data));
    }

    private void run(Input input) throws IOException {
        int generations = 0;
        for (int i = 0; i < MOST_STEPS && !input.isEmpty(); i++) {
            int step = input.u8();
            if (step == 255 && generations++ < MOST_GENERATIONS) {
                publisher.configure(CONFIGS[input.below(CONFIGS.length)], 1);
            } else if (step >= 240) {
                publish();
            } else {
                act(step / CLIENTS, step % CLIENTS, input);
            }
        }
        RawSocket.finish(clients);
        for (int i = 0; i < CLIENTS; i++) {
            if (clients[i] != null) {
                end(i);
            }
        }
        publish();
        verify();
    }

    private void act(int what, int who, Input input) throws IOException {
        if (clients[who] == null) {
            clients[who] = new RawSocket(socket);
        }
        RawSocket client = clients[who];
        switch (what % 16) {
            case 0 -> client.send(input.take(input.u8()));
            case 1 -> client.send(frame(input.u16() % 12, input.take(input.u8()), input.edge(), input.below(4)));
            case 2 -> client.send(bytes(hello(input)));
            case 3, 4 -> subscribe(client, input);
            case 5 -> client.send(bytes(new Message.Ack(input.edge() & Integer.MAX_VALUE)));
            case 6 -> client.send(repeat(bytes(new Message.Request()), 1 + input.below(32)));
            case 7 -> client.send(bytes(new Message.Bye(ByeReason.CLOSING)));
            case 8 -> client.send(bytes(new Message.Failure(ProtocolVersion.CURRENT, ErrorCode.INTERNAL, "fuzz")));
            case 9, 10 -> write(client, 256 + input.below(128) * Long.BYTES / 2, input.edge());
            case 11 -> write(client, input.u16() % SubscriberPage.SIZE, input.i64());
            case 12 -> releaseAll(client);
            case 13 -> client.send(input.take(1 + input.below(16)), some(client, input.below(4)));
            case 14 -> write(client, 264, 1); // it sleeps
            default -> {
                if (input.below(2) == 0) {
                    client.finish();
                }
                end(who);
            }
        }
    }

    private void end(int who) throws IOException {
        clients[who].close();
        clients[who] = null;
    }

    private static Message hello(Input input) {
        DeliveryMode[] modes = DeliveryMode.values();
        return new Message.Hello(
                new ProtocolVersion(1 + input.below(8) / 7, input.below(4)),
                "fuzz",
                input.below(8) == 7 ? "another" : KEY,
                "fuzz",
                input.below(4) == 3 ? Role.OBSERVER : Role.SUBSCRIBER,
                modes[input.below(modes.length)],
                input.edge() & Integer.MAX_VALUE,
                input.edge() & Integer.MAX_VALUE,
                input.u8(),
                input.edge(),
                List.of());
    }

    /** A handshake as it should be; what comes after it is the fuzzer's. */
    private static void subscribe(RawSocket client, Input input) throws IOException {
        boolean answered = client.isFresh();
        boolean latest = input.below(2) == 0;
        client.send(bytes(new Message.Hello(
                ProtocolVersion.CURRENT,
                "fuzz",
                KEY,
                "fuzz",
                Role.SUBSCRIBER,
                latest ? DeliveryMode.LATEST : DeliveryMode.FIFO,
                latest ? 0 : 1,
                1 + input.below(4),
                MemoryKind.HOST.bit(),
                0,
                List.of())));
        while (answered && client.received().size() < 2 && client.receive()) {
            if (client.in().position() >= MessageCodec.HEADER_SIZE && MessageCodec.type(client.in(), 0) != WELCOME) {
                return; // refused
            }
        }
        client.send(bytes(new Message.Ack(0)));
    }

    private static FileDescriptor page(RawSocket client) {
        return client.received().size() < 2 ? null : client.received().get(1);
    }

    private static void write(RawSocket client, int at, long value) throws IOException {
        if (page(client) != null) {
            int place = Math.min(at & -Integer.BYTES, SubscriberPage.SIZE - Long.BYTES);
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            writing(client).getChannel().write(bytes.putLong(0, value), place);
        }
    }

    /** Not closed: the descriptor is the client's. */
    private static FileOutputStream writing(RawSocket client) {
        return new FileOutputStream(page(client));
    }

    private static void releaseAll(RawSocket client) throws IOException {
        if (page(client) != null) {
            for (int lease = 0; lease < 4; lease++) {
                write(client, 384 + lease * Long.BYTES, lease + 1);
            }
        }
    }

    private static FileDescriptor[] some(RawSocket client, int count) {
        return client.received().stream().limit(count).toArray(FileDescriptor[]::new);
    }

    private static byte[] bytes(Message message) {
        ByteBuffer encoded = MessageCodec.encode(message, 0);
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    private static byte[] repeat(byte[] bytes, int times) {
        ByteBuffer all = ByteBuffer.allocate(bytes.length * times);
        for (int i = 0; i < times; i++) {
            all.put(bytes);
        }
        return all.array();
    }

    /** A message with a body of any content; now and then its length is a lie. */
    private static byte[] frame(int type, byte[] body, int length, int lie) {
        return ByteBuffer.allocate(MessageCodec.HEADER_SIZE + body.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(lie == 3 ? length : body.length)
                .putShort((short) type)
                .putShort((short) (lie == 2 ? length : 0))
                .put(body)
                .array();
    }

    private void publish() throws IOException {
        Slot slot = publisher.acquire();
        if (slot == null) {
            throw new AssertionError("the writer found no free slot: " + publisher.counters());
        }
        long number = publisher.counters().published() + 1;
        for (int i = 0; i < slot.layout().size(); i++) {
            slot.buffer().put(i, (byte) (number + i));
        }
        long sequence = slot.publish(info.reset().pts(number, number));
        slot.release();
        good.take(sequence);
    }

    private void verify() throws IOException {
        await("all clients are gone", () -> publisher.counters().subscribers() == 1);
        PublisherCounters counters = publisher.counters();
        good.request();
        await("the leases of the dead have ended", () -> publisher.counters().slotsInUse() <= 1);
        require(counters.lostNoSlot() == 0, counters);
        require(counters.memoryBytes() <= MAX_MEMORY, counters);
        require(counters.slots() <= 2 + CLIENTS * 4 + 16, counters);
        if (++inputs % LOOK == 0) {
            require(new File("/proc/self/fd").list().length < MOST_DESCRIPTORS, "descriptors leak");
            require(Thread.activeCount() < MOST_THREADS, "threads leak");
        }
    }

    private void await(String what, BooleanSupplier condition) {
        long begin = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - begin > PATIENCE) {
                throw new AssertionError("not in time: " + what + "; " + publisher.counters());
            }
            Thread.yield();
        }
    }

    private static void require(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    /** Keeps to the protocol, and takes each frame on the thread that has published it. */
    private static final class GoodSubscriber {

        private final ControlConnection connection;
        private final ByteBuffer request = direct(new Message.Request());
        private final Map<Integer, ImportedMemory> slabs = new HashMap<>();
        private int generation;
        private Ring ring;
        private SubscriberPage page;
        private long taken;

        GoodSubscriber(Path socket) throws IOException {
            connection = ControlConnection.connect(socket, Duration.ofSeconds(20));
            send(direct(new Message.Hello(
                    ProtocolVersion.CURRENT,
                    "good",
                    KEY,
                    "good",
                    Role.SUBSCRIBER,
                    DeliveryMode.FIFO,
                    2,
                    2,
                    MemoryKind.HOST.bit(),
                    0,
                    List.of())));
            receive();
            send(direct(new Message.Ack(0)));
            long begin = System.nanoTime();
            while (ring.subscriber(0).state().orElseThrow() != PeerState.ACTIVE) {
                require(System.nanoTime() - begin < PATIENCE, "the good subscriber does not become active");
                Thread.onSpinWait();
            }
        }

        private static ByteBuffer direct(Message message) {
            ByteBuffer encoded = MessageCodec.encode(message, 0);
            return ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip();
        }

        private void send(ByteBuffer message) throws IOException {
            connection.send(message, PATIENCE);
        }

        void request() throws IOException {
            send(request.rewind());
        }

        private void receive() throws IOException {
            require(connection.receive(PATIENCE) == ReceiveStatus.MESSAGE, "the good subscriber was cut off");
            Message message = MessageCodec.decode(connection.type(), connection.body());
            List<FileDescriptor> files = connection.takeDescriptors();
            if (message instanceof Message.Welcome welcome) {
                ring = Ring.open(
                        ImportedFile.readOnly(files.get(0), welcome.ringSize()).buffer(), welcome.epoch());
                page = SubscriberPage.open(
                        ImportedFile.readWrite(files.get(1), SubscriberPage.SIZE)
                                .buffer(),
                        welcome.epoch(),
                        welcome.subscriberId());
            } else if (message instanceof Message.Memory memory) {
                if (memory.generation() != generation) {
                    generation = memory.generation();
                    slabs.values().forEach(ImportedMemory::close);
                    slabs.clear();
                }
                for (int i = 0; i < files.size(); i++) {
                    Message.Slab slab = memory.slabs().get(i);
                    slabs.put(slab.id(), ImportedMemory.map(MemoryKind.HOST, files.get(i), slab.size()));
                }
            } else {
                files.forEach(Descriptors::close);
                throw new AssertionError("the good subscriber was told " + message);
            }
        }

        /** The frame that was published just now. */
        void take(long sequence) throws IOException {
            require(page.delivered() == ++taken, "a frame was not delivered to the good subscriber");
            require(page.sequence(taken) == sequence, "another frame was delivered than the one published");
            int slot = page.slot(taken);
            int number = ring.descriptor(slot).slab(MemoryKind.HOST);
            while (!slabs.containsKey(number)) {
                receive();
            }
            FrameLayout layout = ring.descriptor(slot).layout();
            ByteBuffer bytes =
                    slabs.get(number).slice(ring.descriptor(slot).offsetInSlab(MemoryKind.HOST), layout.size());
            for (int i = 0; i < layout.size(); i++) {
                require(bytes.get(i) == (byte) (sequence + i), "frame " + sequence + " is torn or another");
            }
            page.taken(taken);
            page.release(page.lease(taken), taken);
        }
    }
}
