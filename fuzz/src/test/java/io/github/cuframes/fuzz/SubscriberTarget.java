package io.github.cuframes.fuzz;

import static io.github.cuframes.fuzz.GreetingPublisher.KEY;
import static io.github.cuframes.fuzz.GreetingPublisher.bytes;
import static io.github.cuframes.fuzz.GreetingPublisher.failure;
import static io.github.cuframes.fuzz.GreetingPublisher.isClosed;
import static io.github.cuframes.fuzz.GreetingPublisher.require;
import static io.github.cuframes.fuzz.GreetingPublisher.requireNoLeak;
import static io.github.cuframes.fuzz.GreetingPublisher.send;

import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Impatience;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A subscriber with a publisher that does what the fuzzer says: greetings, messages, descriptors, and writes into ring
 * and page, between calls of {@link Subscriber#next}. Allowed are frames whose every byte can be read, no frame, and a
 * {@link SubscriberException}; all at once, since nobody waits with a timeout of 0.
 */
public final class SubscriberTarget {

    private static final int SLOTS = 4;
    private static final int SUBSCRIBERS = 2;
    private static final long EPOCH = 7;
    private static final int SLAB_SIZE = 4 * 4096;
    private static final int MOST_STEPS = 64;
    private static final int LOOK = 2048;
    private static final DeliveryPolicy[] POLICIES = {
        DeliveryPolicy.latest(), DeliveryPolicy.fifo(3), DeliveryPolicy.lossless()
    };
    private static final StreamConfig CONFIG = new StreamConfig(
            FrameLayout.of(PixelFormat.NV12, 32, 16, 64),
            new Rational(1, 90_000),
            new Rational(25, 1),
            Colour.UNSPECIFIED);

    private static SubscriberTarget instance;

    private final GreetingPublisher publisher = new GreetingPublisher();
    private final SharedFile ringFile = file(Ring.size(SLOTS, SUBSCRIBERS), SharedFile.Peer.READS);
    private final SharedFile pageFile = file(SubscriberPage.SIZE, SharedFile.Peer.READS_AND_WRITES);
    private final SharedFile slab = file(SLAB_SIZE, SharedFile.Peer.READS);
    private final SharedFile shortFile = file(8, SharedFile.Peer.READS);
    private final FileInputStream device = new FileInputStream("/dev/null");
    private final FileDescriptor[] files = {
        ringFile.descriptor(), pageFile.descriptor(), slab.descriptor(), shortFile.descriptor(), device.getFD()
    };

    private final byte[] zeros = new byte[SLAB_SIZE];
    private final List<Frame> held = new ArrayList<>();
    private Ring ring;
    private SubscriberPage page;
    private long delivered;
    private long sequence;
    private long inputs;

    private SubscriberTarget() throws IOException {}

    private static SharedFile file(long size, SharedFile.Peer peer) throws IOException {
        return SharedFile.create(size, peer);
    }

    /** One input: a greeting, then steps. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException, InterruptedException {
        if (instance == null) {
            instance = new SubscriberTarget();
        }
        instance.run(new Input(data));
    }

    private void run(Input input) throws IOException, InterruptedException {
        prepare();
        String name = "input " + inputs;
        boolean raw = input.below(4) == 0;
        int credits = input.below(8) == 0 ? input.edge() : 4;
        Message.Welcome welcome =
                new Message.Welcome(ProtocolVersion.CURRENT, "fuzz", EPOCH, ringFile.size(), 1, 0, credits);
        publisher.greetWith(
                raw
                        ? new GreetingPublisher.Greeting(name, raw(input), some(input), true)
                        : new GreetingPublisher.Greeting(
                                name, bytes(welcome, 2), new FileDescriptor[] {files[0], files[1]}, false));
        DeliveryPolicy policy = POLICIES[input.below(POLICIES.length)];
        for (int patches = input.below(8); patches > 4; patches--) {
            patch(input);
        }
        ControlConnection serving = null;
        try (Subscriber subscriber = Impatience.of(Subscriber.builder(KEY))
                .runDirectory(publisher.directory())
                .policy(policy)
                .name(name)
                .reconnect(false)
                .connectTimeout(Duration.ofMillis(100))
                .connect()) {
            serving = publisher.newest();
            steps(subscriber, serving, input);
        } catch (SubscriberException e) {
            require(e.getMessage().contains(KEY), "an exception that does not name the stream: " + e.getMessage());
        } finally {
            held.forEach(Frame::close);
            held.clear();
            publisher.end(serving);
        }
        if (++inputs % LOOK == 0) {
            requireNoLeak();
        }
    }

    /** Ring, page and slab as a publisher would have made them. */
    private void prepare() {
        for (SharedFile file : List.of(ringFile, pageFile)) {
            file.buffer().put(0, zeros, 0, (int) file.size());
        }
        ring = Ring.create(ringFile.buffer(), SLOTS, SUBSCRIBERS, EPOCH, 1, 0, "fuzz", KEY);
        ring.configured(1, MemoryKind.HOST, CONFIG);
        for (int i = 0; i < SLOTS; i++) {
            ring.descriptor(i).write(0, i * 4096L, CONFIG.layout(), 1);
        }
        page = SubscriberPage.create(pageFile.buffer(), EPOCH, 1);
        delivered = 0;
        sequence = 0;
    }

    private FileDescriptor[] some(Input input) {
        FileDescriptor[] some = new FileDescriptor[input.below(4)];
        for (int i = 0; i < some.length; i++) {
            some[i] = files[input.below(files.length)];
        }
        return some;
    }

    /** Changes a number in the ring or the page; what two processes share a page of is read at any moment. */
    private void patch(Input input) {
        int where = input.u16();
        ByteBuffer memory = (where & 1) == 0 ? ringFile.buffer() : pageFile.buffer();
        memory.order(ByteOrder.LITTLE_ENDIAN)
                .putInt((where >> 1) % (memory.capacity() / Integer.BYTES) * Integer.BYTES, input.edge());
    }

    /** A message of any content, or just bytes. */
    private static byte[] raw(Input input) {
        int type = input.u8();
        byte[] body = input.take(input.u8());
        if (type >= 128) {
            return body;
        }
        int lie = input.below(8);
        return ByteBuffer.allocate(MessageCodec.HEADER_SIZE + body.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(lie == 7 ? input.edge() : body.length)
                .putShort((short) (type % 12))
                .putShort((short) (lie < 4 ? lie : 0))
                .put(body)
                .array();
    }

    private void steps(Subscriber subscriber, ControlConnection to, Input input) {
        for (int i = 0; i < MOST_STEPS && !input.isEmpty(); i++) {
            int step = input.u8();
            switch (step % 16) {
                case 0, 1 -> patch(input);
                case 2 -> send(to, raw(input), some(input));
                case 3, 4 -> send(to, bytes(memory(1, CONFIG, new Message.Slab(0, SLAB_SIZE)), 1), files[2]);
                case 5 -> {
                    Message.Memory memory = anyMemory(input);
                    send(to, bytes(memory, memory.slabs().size()), slabs(memory, input));
                }
                case 6, 7, 8 -> {
                    int slot = input.below(SLOTS);
                    write(slot, 1);
                    deliver(sequence, slot, 1, slot);
                }
                case 9 -> {
                    write(input.below(SLOTS), input.below(4));
                    deliver(input.below(16), input.edge(), input.below(4), input.edge());
                }
                case 10 -> send(to, bytes(new Message.Doorbell(), 0));
                case 11 -> send(to, bytes(step < 128 ? new Message.Bye(ByeReason.values()[step % 3]) : failure(), 0));
                case 12 -> {
                    if (!held.isEmpty()) {
                        held.remove(0).close();
                    }
                }
                case 13 -> drain(to);
                default -> next(subscriber, step >= 128);
            }
            if (step >= 64) {
                next(subscriber, step >= 128);
            }
        }
        next(subscriber, false);
    }

    private void write(int slot, int generation) {
        ring.metadata(slot).write(++sequence, sequence, sequence, 0, 0, generation, 0, 0);
        ring.published(sequence, sequence, 0);
    }

    private void deliver(long frame, int slot, int generation, int lease) {
        page.deliver(++delivered, frame, slot, generation, lease);
    }

    private static Message.Memory memory(int generation, StreamConfig config, Message.Slab... slabs) {
        return new Message.Memory(generation, MemoryKind.HOST, Optional.empty(), config, List.of(slabs));
    }

    private static Message.Memory anyMemory(Input input) {
        Message.Slab[] slabs = new Message.Slab[input.below(4)];
        for (int i = 0; i < slabs.length; i++) {
            slabs[i] = new Message.Slab(input.below(8), Math.max(1, input.edge()));
        }
        StreamConfig config = input.below(2) == 0
                ? CONFIG
                : new StreamConfig(
                        FrameLayout.of(
                                PixelFormat.values()[input.below(PixelFormat.values().length)],
                                1 + input.u8(),
                                1 + input.u8(),
                                8),
                        CONFIG.timeBase(),
                        CONFIG.frameRate(),
                        CONFIG.colour());
        return memory(Math.max(1, input.edge()), config, slabs);
    }

    private FileDescriptor[] slabs(Message.Memory memory, Input input) {
        FileDescriptor[] some = new FileDescriptor[memory.slabs().size()];
        for (int i = 0; i < some.length; i++) {
            some[i] = files[input.below(8) == 0 ? input.below(files.length) : 2];
        }
        return some;
    }

    /** What the subscriber has said. */
    private static void drain(ControlConnection from) {
        try {
            while (from.receive(0) == ReceiveStatus.MESSAGE) {
                Message message = MessageCodec.decode(from.type(), from.body());
                require(message != null, "the subscriber sends what this version does not know");
            }
        } catch (IOException e) {
            require(isClosed(e), "the subscriber sends what is no message: " + e);
        }
    }

    private void next(Subscriber subscriber, boolean keep) {
        Frame frame;
        try {
            frame = subscriber.next(0);
        } catch (IllegalStateException e) {
            require(!held.isEmpty(), "all credits are used, it says, and no frame is held: " + e.getMessage());
            held.remove(0).close();
            return;
        }
        if (frame == null) {
            return;
        }
        long sum = 0;
        for (int i = 0; i < frame.planeCount(); i++) {
            ByteBuffer plane = frame.plane(i);
            require(
                    plane.capacity() >= (frame.rows(i) - 1L) * frame.pitch(i) + frame.rowBytes(i),
                    "a plane is shorter than its rows");
            for (int at = 0; at < plane.capacity(); at++) {
                sum += plane.get(at);
            }
        }
        require(sum == 0, "bytes that nobody has written into the slab: it was read outside");
        if (keep) {
            held.add(frame);
        } else {
            frame.close();
        }
    }
}
