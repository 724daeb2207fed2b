package io.github.cuframes.conformance.subscriber;

import static io.github.cuframes.conformance.Check.of;
import static io.github.cuframes.conformance.Check.slow;
import static io.github.cuframes.conformance.subscriber.Hosted.hosted;
import static io.github.cuframes.conformance.subscriber.Hosted.in;
import static io.github.cuframes.conformance.subscriber.Hosted.streaming;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Proc;
import io.github.cuframes.conformance.Skipped;
import io.github.cuframes.memory.Descriptors;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Shared memory and MEMORY messages. */
final class MemoryChecks {

    private static final long MEMORY_NANOS = 5_000_000_000L;
    private static final long A_WHILE_NANOS = 200_000_000L;

    private MemoryChecks() {}

    static List<Check<SubscriberUnderTest>> all() {
        return List.of(
                hosted("unnamed-bytes", MemoryChecks::unnamedBytes),
                of("descriptor-checked", MemoryChecks::descriptorChecked),
                streaming("unknown-flags", MemoryChecks::unknownFlags),
                streaming("page-writers", MemoryChecks::pageWriters),
                streaming("slab-file", MemoryChecks::slabFile),
                streaming("unsealed", MemoryChecks::unsealed),
                of("generation-number", MemoryChecks::generationNumber),
                streaming("generation-change", MemoryChecks::generationChange),
                hosted("slots-added", MemoryChecks::slotsAdded),
                streaming("memory-no-slab", guest -> {
                    guest.memory(1);
                    guest.expectAck(1);
                    guest.exchange(3);
                }),
                streaming("memory-awaited", MemoryChecks::memoryAwaited),
                slow("memory-missing", MemoryChecks::memoryMissing),
                streaming("ack-generation", MemoryChecks::ackGeneration),
                of("memory-unreachable", MemoryChecks::memoryUnreachable),
                of("stream-range", MemoryChecks::streamRange),
                hosted("reserved", MemoryChecks::reserved));
    }

    private static void unnamedBytes(Host host) throws Exception {
        Guest guest = host.greet();
        host.ring.fillUnnamed(0x5A);
        host.account().fillUnnamed(0x5A);
        guest.page.fillUnnamed(0x5A);
        for (int i = 1; i <= 64; i++) {
            guest.entry(i).fillUnnamed(0x5A);
        }
        int slab = host.allocate(1, 0, Host.SLOTS);
        for (int slot = 0; slot < Host.SLOTS; slot++) {
            host.descriptor(slot).fillUnnamed(0x5A);
            host.metadata(slot).fillUnnamed(0x5A);
        }
        guest.welcome();
        guest.expectAck(0);
        guest.memory(1, slab);
        guest.expectAck(1);
        guest.exchange(10);
    }

    private interface Damage {
        void to(Host host, int slot);
    }

    private static void descriptorChecked(SubscriberUnderTest subject) throws Exception {
        refusesSlot(subject, "a slot that ends beyond its slab", (host, slot) -> host.descriptor(slot)
                .put("offsetInSlab", Host.SLAB_SIZE - Host.SLOT_SIZE + 1));
        refusesSlot(
                subject, "a slot at 2^63", (host, slot) -> host.descriptor(slot).put("offsetInSlab", Long.MIN_VALUE));
        refusesSlot(subject, "a slot at 2^63 - 1", (host, slot) -> host.descriptor(slot)
                .put("offsetInSlab", Long.MAX_VALUE));
        refusesSlot(subject, "a slotSize of 2^62", (host, slot) -> host.descriptor(slot)
                .put("slotSize", 1L << 62));
        refusesSlot(subject, "a plane that ends beyond its slot", (host, slot) -> host.descriptor(slot)
                .put("planes", 1, (long) Host.PITCH << Integer.SIZE | Host.SLOT_SIZE));
    }

    private static void refusesSlot(SubscriberUnderTest subject, String what, Damage damage) throws Exception {
        in(what, subject, host -> {
            Guest guest = host.stream();
            guest.exchange(1);
            damage.to(host, 5);
            host.descriptor(5); // its slot's bytes are not written: they may be nowhere
            host.sequence++;
            host.metadata(5).put("sequence", host.sequence);
            host.metadata(5).put("generation", 1);
            guest.prepare(5, 1);
            host.showNewest(host.sequence);
            guest.show();
            guest.expectBreach(1, 9);
        });
    }

    private static void unknownFlags(Guest guest) throws Exception {
        for (int i = 0; i < 3; i++) {
            long sequence = guest.host.write(i, 1);
            guest.host.metadata(i).put("flags", 0xFFFFFFC1L);
            int lease = guest.prepare(i, 1);
            guest.host.showNewest(sequence);
            guest.show();
            guest.awaitReleased(lease);
        }
    }

    private static void pageWriters(Guest guest) throws Exception {
        byte[] before = guest.page.copy();
        guest.exchange(20);
        byte[] after = guest.page.copy();
        // of the publisher's: constants, publisherWaits, and everything that is reserved
        for (int[] range : new int[][] {{0, 128}, {136, 256}, {896, 1024}, {3072, 4096}}) {
            Failed.unless(
                    Arrays.equals(before, range[0], range[1], after, range[0], range[1]),
                    "the publisher's bytes " + range[0] + " to " + range[1] + " as it left them",
                    "others");
        }
        Failed.unlessEqual("delivered as the publisher left it:", guest.delivered, guest.page.get("delivered"));
        for (long number = 1; number <= guest.delivered; number++) {
            Failed.unlessEqual(
                    "the queue's sequence numbers", number, guest.entry(number).get("sequence"));
        }
    }

    private static void slabFile(Guest guest) throws Exception {
        guest.exchange(1);
        long pid = guest.line.peerPid();
        if (pid == 0 || pid == ProcessHandle.current().pid()) {
            throw new Skipped("the subscriber's mappings cannot be told from others: it is in another namespace, or in"
                    + " the suite's own process");
        }
        List<String> rights;
        try {
            rights = Proc.mappings(pid, Proc.inode(Descriptors.path(guest.files(41)[0])));
        } catch (IOException e) {
            throw new Skipped("the subscriber's mappings cannot be read: " + e);
        }
        Failed.unless(!rights.isEmpty(), "the slab mapped", "no mapping of it");
        for (String right : rights) {
            Failed.unless(right.equals("r--s"), "the slab mapped shared and read-only, r--s", right);
        }
    }

    /** A slab as it should be, but in a file that its owner could cut short. */
    private static void unsealed(Guest guest) throws Exception {
        int slab = guest.host.allocate(2, 8, Host.SLOTS);
        Path path = Files.createTempFile("cuframes-conformance", ".slab");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(guest.host.slab(slab).size());
            guest.line.send(Line.message("MEMORY", guest.host.memory(2, slab), 1), file.getFD());
        } finally {
            Files.delete(path);
        }
        guest.expectBreach(1, 9);
    }

    private static void generationNumber(SubscriberUnderTest subject) throws Exception {
        in("generation 0", subject, host -> {
            Guest guest = host.stream();
            guest.memory(host.memory(0));
            guest.expectBreach();
        });
        in("generation 1 after 2", subject, host -> {
            Guest guest = host.stream();
            guest.memory(2, host.allocate(2, 8, Host.SLOTS));
            guest.expectAck(2);
            guest.memory(1);
            guest.expectBreach();
        });
    }

    private static void generationChange(Guest guest) throws Exception {
        guest.exchange(3);
        int width = Host.WIDTH - 8;
        int slab = guest.host.allocate(2, 0, Host.SLOTS, width);
        guest.memory(guest.host.memory(2, Host.stream(width), slab), slab);
        guest.expectAck(2);
        guest.exchange(20, 2);
        slab = guest.host.allocate(3, 0, Host.SLOTS);
        guest.memory(3, slab);
        guest.expectAck(3);
        guest.exchange(3, 3);
    }

    private static void slotsAdded(Host host) throws Exception {
        Guest guest = host.greet();
        guest.welcome();
        guest.expectAck(0);
        guest.memory(1, host.allocate(1, 0, 8));
        guest.expectAck(1);
        guest.exchange(8);
        guest.memory(1, host.allocate(1, 8, Host.SLOTS));
        guest.expectAck(1);
        guest.exchange(20);
    }

    private static int deliverUnknown(Guest guest) throws Exception {
        guest.exchange(1);
        return guest.host.allocate(2, 8, Host.SLOTS);
    }

    private static void memoryAwaited(Guest guest) throws Exception {
        int slab = deliverUnknown(guest);
        int lease = guest.deliver(9, 2);
        guest.drain(A_WHILE_NANOS);
        Failed.unlessEqual("deliveries taken before their MEMORY", 1, guest.page.get("taken"));
        guest.memory(2, slab);
        guest.expectAck(2);
        guest.awaitReleased(lease);
        guest.deliver(10, 2);
        guest.awaitTaken(3);
    }

    private static void memoryMissing(SubscriberUnderTest subject) throws Exception {
        Hosted.with(subject, Hosted.FIFO, host -> {
            Guest guest = host.stream();
            deliverUnknown(guest);
            long begin = System.nanoTime();
            guest.deliver(9, 2);
            Incoming incoming;
            do {
                incoming = guest.line.next(MEMORY_NANOS + subject.patience().toNanos());
            } while (incoming != null && incoming.is("REQUEST"));
            Failed.unless(
                    incoming != null && (incoming.isEnd() || incoming.is("ERROR")),
                    "the end after 5 s without MEMORY",
                    incoming);
            if (incoming.is("ERROR")) {
                Failed.unlessEqual("ERROR", 1, incoming.body().intAt("ERROR", 0));
            }
            long waited = System.nanoTime() - begin;
            Failed.unless(waited > MEMORY_NANOS * 9 / 10, "5 s of patience", waited / 1_000_000 + " ms");
            Failed.unlessEqual("deliveries taken without their MEMORY", 1, guest.page.get("taken"));
        });
    }

    /** Two announcements at once: the last is acknowledged, no other than these are, and none twice. */
    private static void ackGeneration(Guest guest) throws Exception {
        guest.exchange(1);
        int first = guest.host.allocate(2, 8, 12);
        int second = guest.host.allocate(3, 12, Host.SLOTS);
        guest.line.send(
                Line.concat(
                        Line.message("MEMORY", guest.host.memory(2, first), 1),
                        Line.message("MEMORY", guest.host.memory(3, second), 1)),
                guest.files(first, second));
        int last = 1;
        while (last < 3) {
            Incoming incoming = guest.line.next();
            if (incoming == null || !incoming.is("REQUEST")) {
                Failed.unless(
                        incoming != null && incoming.is("ACK"), "ACK 2 or 3", incoming == null ? "nothing" : incoming);
                int generation = incoming.body().intAt("GENERATION", 0);
                Failed.unless(generation > last && generation <= 3, "ACK of a generation after " + last, generation);
                last = generation;
            }
        }
        guest.awaitReleased(guest.deliver(13, 3));
        guest.deliver(14, 3);
        guest.awaitTaken(3); // an ACK more would be found here
    }

    private static void memoryUnreachable(SubscriberUnderTest subject) throws Exception {
        in("a slab larger than its file", subject, host -> {
            Guest guest = host.stream();
            int slab = host.allocate(2, 0, Host.SLOTS);
            Body body = host.memory(2).ints("SLAB", slab, 0, Host.SLAB_SIZE * 64, 0);
            guest.memory(body, slab);
            guest.expectBreach(1, 9);
        });
        in("memory of a kind that it has not offered", subject, host -> {
            Guest guest = host.stream();
            if ((guest.hello.intAt("MEMORY_KINDS", 0) & 1 << 2) != 0) {
                return; // it would have to fail with its driver
            }
            int slab = host.allocate(2, 0, Host.SLOTS);
            byte[] stream = changed(12, 2);
            guest.memory(host.memory(2, stream, slab).raw("GPU", new byte[16]), slab);
            guest.expectBreach(1, 9);
        });
    }

    /** STREAM with another 4-byte number at an offset. */
    private static byte[] changed(int at, int value) {
        byte[] stream = Host.stream(Host.WIDTH);
        ByteBuffer.wrap(stream).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
        return stream;
    }

    private static void streamRange(SubscriberUnderTest subject) throws Exception {
        for (int[] wrong : new int[][] {
            {0, 0}, {0, 32_769}, {0, -1}, {4, 0}, {4, 32_769}, {20, 0}, {28, 0}, {44, 1}, {48, -8}, {56, Host.SLOT_SIZE}
        }) {
            in("STREAM with " + wrong[1] + " at " + wrong[0], subject, host -> {
                Guest guest = host.stream();
                guest.memory(host.memory(2, changed(wrong[0], wrong[1])));
                guest.expectBreach(1, 9);
            });
        }
    }

    private static void reserved(Host host) throws Exception {
        Guest guest = host.greet();
        guest.welcome();
        guest.expectAck(0);
        int slab = host.allocate(1, 0, Host.SLOTS);
        Body body = host.memory(1, changed(36, 0x5A5A5A5A)).ints("SLAB", slab, 0x5A5A5A5A, Host.SLAB_SIZE, 0);
        guest.memory(body, slab);
        guest.expectAck(1);
        guest.exchange(3);
    }
}
