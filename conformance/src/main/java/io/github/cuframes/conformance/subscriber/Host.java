package io.github.cuframes.conformance.subscriber;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Structure;
import io.github.cuframes.conformance.View;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import java.io.IOException;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A publisher whose every byte a check can choose, and a subscriber that was started for it. Its tables are where ours never
 * are: the header says where, and a subscriber has to look. One thread at a time.
 */
final class Host implements AutoCloseable {

    static final int SLOTS = 16;
    static final int WIDTH = 62;
    static final int HEIGHT = 46;
    static final int PITCH = 64;
    /** Of NV12 with a tail behind it. */
    static final int SLOT_SIZE = PITCH * (HEIGHT + HEIGHT / 2) + 96;

    /** Where the first slot is in its slab. */
    static final int FIRST_SLOT = 128;

    static final int SLAB_SIZE = FIRST_SLOT + SLOTS * SLOT_SIZE;

    private static final Structure HEADER = Document.structure("RingHeader");
    private static final Structure DESCRIPTOR = Document.structure("SlotDescriptor");
    private static final Structure METADATA = Document.structure("FrameMetadata");
    private static final Structure SUBSCRIBER = Document.structure("SubscriberSlot");
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration STEP = Duration.ofMillis(100);
    private static final int GAP = 136;
    private static final int SUBSCRIBERS = 3;
    private static final int SUBSCRIBERS_AT = HEADER.size() + GAP;
    private static final int METADATA_AT = SUBSCRIBERS_AT + SUBSCRIBERS * SUBSCRIBER.size() + GAP;
    private static final int DESCRIPTORS_AT = METADATA_AT + SLOTS * METADATA.size() + GAP;
    static final int RING_SIZE = DESCRIPTORS_AT + SLOTS * DESCRIPTOR.size() + GAP;

    final SubscriberUnderTest subject;
    final String key;
    final long epoch;
    final SharedFile ringFile;
    final View ring;
    long sequence;

    private final Path directory;
    private final ControlServer server;
    private final Selector selector;
    private final List<SharedFile> slabs = new ArrayList<>();
    private final List<Guest> guests = new ArrayList<>();
    private final SubscriberUnderTest.Running running;

    /** Listens, and starts a subscriber with a policy. */
    Host(SubscriberUnderTest subject, String policy) throws IOException {
        this.subject = subject;
        this.epoch = new SecureRandom().nextLong() | 1;
        Path fixed = subject.fixedSocket().orElse(null);
        this.directory = fixed == null ? Files.createTempDirectory("cfc") : null;
        Path socket = fixed == null ? directory.resolve("cam.sock") : fixed;
        this.key = socket.getFileName().toString().replaceFirst("\\.sock$", "");
        this.ringFile = SharedFile.create(RING_SIZE, SharedFile.Peer.READS);
        this.ring = new View(ringFile.buffer(), 0, HEADER);
        writeRing();
        this.server = ControlServer.bind(socket, ControlServer.Access.DEFAULT);
        this.selector = ControlServer.openSelector();
        server.register(selector, null);
        this.running = subject.start(socket.toAbsolutePath().getParent(), key, policy);
    }

    private void writeRing() {
        ring.put("magic", Body.MAGIC);
        ring.put("major", 1);
        ring.put("minor", 1);
        ring.put("publisherPid", ProcessHandle.current().pid());
        ring.put("epoch", epoch);
        ring.put("ringSize", RING_SIZE);
        ring.put("slotCapacity", SLOTS);
        ring.put("subscriberCapacity", SUBSCRIBERS);
        ring.put("slotDescriptorsAt", DESCRIPTORS_AT);
        ring.put("frameMetadataAt", METADATA_AT);
        ring.put("subscriberSlotsAt", SUBSCRIBERS_AT);
        ring.put("startedNanos", TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis()));
        ring.putText("library", "cuframes-conformance");
        ring.putText("key", key);
        ring.put("heartbeatNanos", System.nanoTime());
        ring.put("sourceState", 2);
        ring.put("frameRateDenominator", 1);
        ring.put("state", 1);
    }

    View descriptor(int slot) {
        return new View(ringFile.buffer(), DESCRIPTORS_AT + slot * DESCRIPTOR.size(), DESCRIPTOR);
    }

    View metadata(int slot) {
        return new View(ringFile.buffer(), METADATA_AT + slot * METADATA.size(), METADATA);
    }

    View account() {
        return new View(ringFile.buffer(), SUBSCRIBERS_AT, SUBSCRIBER);
    }

    /** Allocates a slab and gives slots of it to a generation. */
    int allocate(int generation, int from, int to) throws IOException {
        return allocate(generation, from, to, WIDTH);
    }

    int allocate(int generation, int from, int to, int width) throws IOException {
        slabs.add(SharedFile.create(SLAB_SIZE, SharedFile.Peer.READS));
        int number = 40 + slabs.size();
        for (int slot = from; slot < to; slot++) {
            View descriptor = descriptor(slot);
            descriptor.put("slab", number);
            descriptor.put("offsetInSlab", FIRST_SLOT + slot * SLOT_SIZE);
            descriptor.put("width", width);
            descriptor.put("height", HEIGHT);
            descriptor.put("format", 1);
            descriptor.put("state", 1);
            descriptor.put("planes", 0, (long) PITCH << Integer.SIZE);
            descriptor.put("planes", 1, (long) PITCH << Integer.SIZE | PITCH * HEIGHT);
            descriptor.put("slotSize", SLOT_SIZE);
            descriptor.put("generation", generation);
        }
        ring.put("memoryKind", 1);
        ring.put("width", width);
        ring.put("height", HEIGHT);
        ring.put("format", 1);
        ring.put("slots", to);
        ring.put("memoryBytes", (long) slabs.size() * SLAB_SIZE);
        ring.put("generation", generation);
        return number;
    }

    SharedFile slab(int number) {
        return slabs.get(number - 41);
    }

    /** STREAM as it should be. */
    static byte[] stream(int width) {
        return Line.concat(
                Body.intBytes(width, HEIGHT, 1, 1, 1, 90_000, 25, 1, 0x02020200, 0),
                Body.longBytes(
                        SLOT_SIZE, (long) PITCH << Integer.SIZE, (long) PITCH << Integer.SIZE | PITCH * HEIGHT, 0, 0));
    }

    /** MEMORY as it should be. */
    Body memory(int generation, int... numbers) {
        return memory(generation, stream(WIDTH), numbers);
    }

    Body memory(int generation, byte[] stream, int... numbers) {
        Body body = new Body().ints("GENERATION", generation).raw("STREAM", stream);
        for (int number : numbers) {
            body.ints("SLAB", number, 0, SLAB_SIZE, 0);
        }
        return body;
    }

    /** The next number, in a slot's metadata and bytes; {@code newestSequence} is left as it is. */
    long write(int slot, int generation) {
        sequence++;
        for (int i = 0; i < SLOT_SIZE; i++) {
            slabs.get((int) descriptor(slot).get("slab") - 41)
                    .buffer()
                    .put((int) descriptor(slot).get("offsetInSlab") + i, (byte) (sequence + i));
        }
        View metadata = metadata(slot);
        metadata.put("sequence", sequence);
        metadata.put("pts", sequence * 3_600);
        metadata.put("ptsNanos", sequence * 40_000_000);
        metadata.put("captureNanos", Long.MIN_VALUE);
        metadata.put("publishNanos", System.nanoTime());
        metadata.put("generation", generation);
        metadata.put("flags", 1);
        return sequence;
    }

    /** Shows a number as the newest. */
    void showNewest(long newest) {
        ring.put("newestPublishNanos", System.nanoTime());
        ring.put("heartbeatNanos", System.nanoTime());
        ring.put("newestSequence", newest);
    }

    /** Waits for a connection; for the first one also as long as a program may take to start. */
    Guest accept() throws Failed, IOException {
        Guest guest = accept(subject.patience());
        long deadline = System.nanoTime() + START.toNanos();
        while (guest == null && guests.isEmpty() && running.isAlive() && deadline - System.nanoTime() > 0) {
            guest = accept(STEP);
        }
        Failed.unless(guest != null, "a connection of the subscriber", "none in time");
        return guest;
    }

    /** Waits for a connection; null if there is none. */
    Guest accept(Duration patience) throws IOException {
        long deadline = System.nanoTime() + patience.toNanos();
        while (true) {
            ControlConnection connection = server.accept();
            if (connection != null) {
                Guest guest = new Guest(this, Line.accepted(connection, subject.patience()), guests.size() + 1);
                guests.add(guest);
                return guest;
            }
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return null;
            }
            selector.select(Math.max(1, left / 1_000_000));
            selector.selectedKeys().clear();
        }
    }

    /** Waits for the connection and its HELLO. */
    Guest greet() throws Failed, IOException {
        Guest guest = accept();
        guest.expectHello();
        return guest;
    }

    /** The usual beginning: all slots as generation 1, mapped and acknowledged. */
    Guest stream() throws Failed, IOException {
        Guest guest = greet();
        guest.welcome();
        guest.expectAck(0);
        guest.memory(1, allocate(1, 0, SLOTS));
        guest.expectAck(1);
        return guest;
    }

    /** Ends the subscriber and everything that it was given. */
    @Override
    public void close() throws IOException {
        running.close();
        for (Guest guest : guests) {
            guest.close();
        }
        selector.close();
        server.close();
        ringFile.close();
        slabs.forEach(SharedFile::close);
        if (directory != null) {
            Files.deleteIfExists(directory.resolve(key + ".lock"));
            Files.delete(directory);
        }
    }
}
