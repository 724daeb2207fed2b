package io.github.cuframes.fuzz;

import static io.github.cuframes.fuzz.GreetingPublisher.KEY;
import static io.github.cuframes.fuzz.GreetingPublisher.bytes;
import static io.github.cuframes.fuzz.GreetingPublisher.failure;
import static io.github.cuframes.fuzz.GreetingPublisher.require;
import static io.github.cuframes.fuzz.GreetingPublisher.requireNoLeak;
import static io.github.cuframes.fuzz.GreetingPublisher.send;

import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.subscriber.Impatience;
import io.github.cuframes.subscriber.Packet;
import io.github.cuframes.subscriber.PacketSubscriber;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A subscriber of packets with a publisher that writes what the fuzzer says into the page - records, lies about records,
 * any numbers anywhere - and says what it says, between calls of {@link PacketSubscriber#next}. Allowed are packets whose every
 * byte can be read, no packet, and a {@link SubscriberException}; all at once, since nobody waits with a timeout of 0.
 */
public final class PacketSubscriberTarget {

    private static final long EPOCH = 7;
    private static final int SUBSCRIBERS = 1;
    private static final int DATA = PacketPage.MIN_CAPACITY;
    private static final int MOST_STEPS = 96;
    private static final int MOST_HELD = 8;
    private static final int LOOK = 2048;

    private static PacketSubscriberTarget instance;

    private final GreetingPublisher publisher = new GreetingPublisher();
    private final SharedFile ringFile = SharedFile.create(Ring.size(1, SUBSCRIBERS), SharedFile.Peer.READS);
    private final SharedFile pageFile = SharedFile.create(PacketPage.SIZE + DATA, SharedFile.Peer.READS_AND_WRITES);
    private final SharedFile shortFile = SharedFile.create(PacketPage.SIZE, SharedFile.Peer.READS_AND_WRITES);
    private final byte[] zeros = new byte[PacketPage.SIZE + DATA];

    private Message.Welcome welcome;

    private final List<Packet> held = new ArrayList<>();
    private final ByteBuffer packets = pageFile.buffer().duplicate().order(ByteOrder.LITTLE_ENDIAN);
    private PacketPage page;
    private long written;
    private long sequence;
    private long inputs;

    private PacketSubscriberTarget() throws IOException {}

    /** One input: a greeting, then steps. */
    public static void fuzzerTestOneInput(byte[] data) throws IOException {
        if (instance == null) {
            instance = new PacketSubscriberTarget();
        }
        instance.run(new Input(data));
    }

    private void run(Input input) throws IOException {
        String name = "input " + inputs;
        prepare();
        int odd = input.below(16);
        for (int patches = odd == 1 ? 2 : 0; patches > 0; patches--) {
            patch(input);
        }
        welcome = new Message.Welcome(
                ProtocolVersion.CURRENT,
                "fuzz",
                odd == 2 ? input.i64() : EPOCH,
                odd == 3 ? Math.max(1, input.edge()) : ringFile.size(),
                1,
                0,
                0,
                odd == 4 ? input.edge() & Integer.MAX_VALUE : pageFile.size());
        FileDescriptor[] files = {ringFile.descriptor(), (odd == 5 ? shortFile : pageFile).descriptor()};
        publisher.greetWith(new GreetingPublisher.Greeting(name, bytes(welcome, 2), files, false));
        ControlConnection serving = null;
        try (PacketSubscriber subscriber = Impatience.of(PacketSubscriber.builder(KEY))
                .runDirectory(publisher.directory())
                .name(name)
                .reconnect(false)
                .connectTimeout(Duration.ofMillis(100))
                .connect()) {
            serving = publisher.newest();
            steps(subscriber, serving, input);
        } catch (SubscriberException e) {
            require(e.getMessage().contains(KEY), "an exception that does not name the stream: " + e.getMessage());
        } finally {
            held.forEach(Packet::close);
            held.clear();
            publisher.end(serving);
        }
        if (++inputs % LOOK == 0) {
            requireNoLeak();
        }
    }

    /** Ring and page as a publisher would have made them. */
    private void prepare() {
        ringFile.buffer().put(0, zeros, 0, (int) ringFile.size());
        pageFile.buffer().put(0, zeros, 0, (int) pageFile.size());
        Ring.create(ringFile.buffer(), 1, SUBSCRIBERS, EPOCH, 1, 0, "fuzz", KEY);
        page = PacketPage.create(pageFile.buffer(), EPOCH, 1);
        written = 0;
        sequence = 0;
    }

    private void steps(PacketSubscriber subscriber, ControlConnection to, Input input) {
        for (int i = 0; i < MOST_STEPS && !input.isEmpty(); i++) {
            int step = input.u8();
            switch (step % 16) {
                case 0, 1, 2 -> packet(input.u16() % 4096, input.below(16) == 0 ? input.edge() : 1);
                case 3 -> stream(input);
                case 4 -> record(PacketRecord.PADDING, page.untilEnd(written) - PacketRecord.SIZE, false);
                case 5 -> record(input.u8(), input.u16() % 4096, false);
                case 6 -> record(1 + input.below(4), input.edge(), true);
                case 7 -> page.show(written += input.edge());
                case 8, 9 -> patch(input);
                case 10 -> patchHere(input);
                case 11 -> say(to, step, input);
                case 12 -> close(input);
                default -> next(subscriber, step >= 128);
            }
            if (step >= 64) {
                next(subscriber, step >= 128);
            }
        }
        next(subscriber, false);
    }

    private void say(ControlConnection to, int step, Input input) {
        Message message =
                switch (input.below(6)) {
                    case 0 -> new Message.Bye(ByeReason.values()[step % 3]);
                    case 1 -> failure();
                    case 2 -> welcome;
                    case 3 -> new Message.Request();
                    default -> new Message.Doorbell();
                };
        boolean again = message instanceof Message.Welcome;
        send(
                to,
                bytes(message, again ? 2 : 0),
                again ? new FileDescriptor[] {ringFile.descriptor(), pageFile.descriptor()} : new FileDescriptor[0]);
    }

    /** Where the next record begins; the fuzzer may have shown a place in the middle of one. */
    private int here() {
        return page.at(written & -PacketRecord.SIZE);
    }

    /** A packet as it should be, but for what the fuzzer adds to its number, as long as it fits before the end. */
    private void packet(int size, long step) {
        if (PacketRecord.length(size) <= page.untilEnd(written)) {
            sequence += step;
            PacketRecord.write(packets, here(), size, sequence, sequence, -sequence, 1, 0, 0, 1, 0);
            written += PacketRecord.length(size);
            page.show(written);
        }
    }

    /** What holds for the packets behind it, of any numbers. */
    private void stream(Input input) {
        int extradata = input.u8();
        int[] numbers = {1, 640, 360, 1, 90_000, 25, 1};
        if (input.below(4) == 0) {
            numbers[input.below(numbers.length)] = input.edge();
        }
        int at = here() + PacketRecord.SIZE;
        for (int i = 0; i < numbers.length && at + Integer.BYTES * numbers.length <= packets.capacity(); i++) {
            packets.putInt(at + i * Integer.BYTES, numbers[i]);
        }
        record(PacketRecord.STREAM, 64 + extradata, false);
    }

    /** The beginning of a record, which may reach beyond what there is; a lie is shown up to where honest ones end. */
    private void record(int kind, int size, boolean lie) {
        PacketRecord.write(packets, here(), kind, size);
        written += lie ? PacketRecord.SIZE : PacketRecord.length(size);
        page.show(written);
    }

    /** Changes a number anywhere in the page or the ring. */
    private void patch(Input input) {
        int where = input.u16();
        ByteBuffer memory = (where & 1) == 0 ? packets : ringFile.buffer().order(ByteOrder.LITTLE_ENDIAN);
        memory.putInt((where >> 1) % (memory.capacity() / Integer.BYTES) * Integer.BYTES, input.edge());
    }

    /** Changes a number of a record that was written lately, which may be held. */
    private void patchHere(Input input) {
        int at = page.at(Math.max(0, written - PacketRecord.SIZE * (1L + input.below(8))) & -PacketRecord.SIZE);
        packets.putInt(at + input.below(PacketRecord.SIZE / Integer.BYTES) * Integer.BYTES, input.edge());
    }

    private void close(Input input) {
        if (!held.isEmpty()) {
            Packet packet = held.remove(input.below(held.size()));
            packet.close();
            packet.close();
        }
    }

    private void next(PacketSubscriber subscriber, boolean keep) {
        Packet packet = subscriber.next(0);
        if (packet == null) {
            return;
        }
        ByteBuffer data = packet.data();
        require(data.remaining() == packet.size() && data.isReadOnly(), "a packet of another size than it says");
        long sum = packet.ptsNanos() + packet.dtsNanos() + packet.durationNanos() + packet.lostBefore();
        while (data.hasRemaining()) {
            sum += data.get();
        }
        require(packet.config().extradata().remaining() <= DATA, "extradata beyond the page, " + sum);
        held.add(packet);
        if (!keep || held.size() > MOST_HELD) {
            held.remove(0).close();
        }
    }
}
