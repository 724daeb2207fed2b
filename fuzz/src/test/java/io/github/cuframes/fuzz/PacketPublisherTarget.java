package io.github.cuframes.fuzz;

import io.github.cuframes.producer.publish.PacketPublisher;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.subscriber.Packet;
import io.github.cuframes.subscriber.PacketSubscriber;
import java.io.File;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A publisher of packets with up to three clients that write what the fuzzer says into their pages and say what it says,
 * between packets of any size, and one well-behaved reader, which must get every packet that it can get. All clients
 * leave after an input; publisher and reader stay.
 */
public final class PacketPublisherTarget {

    private static final String KEY = "cam";
    private static final int CLIENTS = 3;
    private static final int MOST_STEPS = 48;
    private static final int WELCOME = 2;
    /** The least, which makes the smallest pages. */
    private static final long MEMORY = 8 << 16;

    private static final int PAGE = 4096 + (1 << 16);
    private static final int RELEASED = 256;
    private static final int SLEEPING = 264;
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(20);
    private static final int LOOK = 2048;
    private static final int MOST_DESCRIPTORS = 256;

    private static PacketPublisherTarget instance;

    private final Publisher publisher;
    private final PacketPublisher packets;
    private final Path socket;
    private final PacketSubscriber good;
    private final RawSocket[] clients = new RawSocket[CLIENTS];
    private final ByteBuffer data;
    private PacketConfig config;
    private long number;
    /** Whether the good reader gets what is no keyframe, and what it has missed. */
    private boolean reading;

    private boolean begun;
    private int lost;
    private long inputs;

    private PacketPublisherTarget() throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("cuframes-fuzz");
        publisher = Publisher.builder(KEY)
                .runDirectory(directory)
                .packetMemory(MEMORY)
                .open();
        packets = publisher.packets().orElseThrow();
        data = ByteBuffer.allocateDirect(packets.maxPacketBytes() + 1);
        socket = directory.resolve(KEY + ".sock");
        begin(0);
        good = PacketSubscriber.builder(KEY)
                .runDirectory(directory)
                .reconnect(false)
                .connectTimeout(Duration.ofSeconds(20))
                .connect();
        publisher.awaitSubscribers(1);
    }

    private static PacketConfig config(int extradata) {
        return new PacketConfig(
                Codec.H264, 640, 360, new Rational(1, 90_000), new Rational(25, 1), ByteBuffer.allocate(extradata));
    }

    private void begin(int extradata) {
        config = config(extradata);
        packets.begin(config);
        reading = false;
    }

    /** One input: a sequence of steps. */
    public static void fuzzerTestOneInput(byte[] bytes) throws IOException, InterruptedException {
        if (instance == null) {
            instance = new PacketPublisherTarget();
        }
        instance.run(new Input(bytes));
    }

    private void run(Input input) throws IOException {
        for (int i = 0; i < MOST_STEPS && !input.isEmpty(); i++) {
            int step = input.u8();
            if (step >= 248) {
                begin(input.below(4) * 3000);
            } else if (step >= 192) {
                publish(input.u16() % (data.capacity() + 1), step % 4 == 0);
            } else {
                act(step / CLIENTS, step % CLIENTS, input);
            }
        }
        RawSocket.finish(clients);
        for (int i = 0; i < CLIENTS; i++) {
            end(i);
        }
        publish(1, true);
        long begin = System.nanoTime();
        while (packets.counters().readers() != 1) {
            require(System.nanoTime() - begin < PATIENCE, "clients that are gone are counted as readers");
            Thread.yield();
        }
        require(packets.counters().memoryBytes() == PAGE, packets.counters());
        if (++inputs % LOOK == 0) {
            require(new File("/proc/self/fd").list().length < MOST_DESCRIPTORS, "descriptors leak");
        }
    }

    private void end(int who) throws IOException {
        if (clients[who] != null) {
            clients[who].close();
            clients[who] = null;
        }
    }

    private void act(int what, int who, Input input) throws IOException {
        if (clients[who] == null) {
            clients[who] = new RawSocket(socket);
            subscribe(clients[who]);
        }
        RawSocket client = clients[who];
        switch (what % 16) {
            case 0, 1, 2 -> write(client, RELEASED, input.u16() * 64L);
            case 3 -> write(client, RELEASED, input.i64());
            case 4 -> write(client, RELEASED, input.edge());
            case 5 -> write(client, SLEEPING, input.edge());
            case 6, 7 -> write(client, input.u16() % PAGE, input.i64());
            case 8 -> write(client, 128, input.edge());
            case 9 -> client.send(bytes(new Message.Request()));
            case 10 -> client.send(bytes(new Message.Ack(input.edge() & Integer.MAX_VALUE)));
            case 11 -> client.send(bytes(new Message.Bye(ByeReason.CLOSING)));
            case 12 -> client.send(bytes(hello()));
            case 13 -> client.send(input.take(input.u8()));
            case 14 -> client.send(bytes(new Message.Ack(0)));
            default -> end(who);
        }
    }

    private static Message hello() {
        return new Message.Hello(
                ProtocolVersion.CURRENT,
                "fuzz",
                KEY,
                "fuzz",
                Role.PACKETS,
                DeliveryMode.LATEST,
                0,
                0,
                MemoryKind.HOST.bit(),
                0,
                List.of());
    }

    private static void subscribe(RawSocket client) throws IOException {
        client.send(bytes(hello()));
        while (client.received().size() < 2 && client.receive()) {
            if (client.in().position() >= MessageCodec.HEADER_SIZE && MessageCodec.type(client.in(), 0) != WELCOME) {
                return; // refused
            }
        }
        client.send(bytes(new Message.Ack(0)));
    }

    private static void write(RawSocket client, int at, long value) throws IOException {
        FileDescriptor page =
                client.received().size() < 2 ? null : client.received().get(1);
        if (page != null) {
            ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            // not closed: the descriptor is the client's
            new FileOutputStream(page)
                    .getChannel()
                    .write(bytes.putLong(0, value), Math.min(at & -Integer.BYTES, PAGE - Long.BYTES));
        }
    }

    private static byte[] bytes(Message message) {
        ByteBuffer encoded = MessageCodec.encode(message, 0);
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    /** Publishes a packet, and has the good reader take it if it is to get it. */
    private void publish(int size, boolean key) {
        number++;
        data.clear().limit(size);
        for (int i = 0; i < size; i += 61) {
            data.put(i, (byte) (number + i));
        }
        packets.publish(number, number, 1, 0, key ? FrameFlag.KEY.bit() : 0, data);
        boolean fits = size <= packets.maxPacketBytes();
        if (fits && (key || reading)) {
            take(size, key);
            begun = true;
            reading = true;
            lost = 0;
        } else {
            lost += begun ? 1 : 0;
            reading = false;
            require(good.next(0) == null, "a packet came that could not be decoded");
        }
    }

    private void take(int size, boolean key) {
        try (Packet packet = good.next(PATIENCE)) {
            require(packet != null, "packet " + number + " did not come");
            require(packet.sequence() == number && packet.size() == size && packet.isKey() == key, packet);
            require(packet.lostBefore() == lost && packet.breaksStream() == lost > 0, packet + ", lost " + lost);
            require(packet.config().equals(config), "packet " + number + " comes with what holds for others");
            ByteBuffer read = packet.data();
            for (int i = 0; i < size; i += 61) {
                require(read.get(i) == (byte) (number + i), packet + " is torn or another");
            }
        }
    }

    private static void require(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
