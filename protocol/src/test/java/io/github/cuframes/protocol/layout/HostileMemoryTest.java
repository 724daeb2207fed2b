package io.github.cuframes.protocol.layout;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Mapped memory that another process wrote wrongly is refused with a sentence, and nothing is read outside it. */
class HostileMemoryTest {

    private static final long EPOCH = 42;
    private static final int SLOTS = 4;
    private static final int SUBSCRIBERS = 2;

    private static ByteBuffer ring() {
        ByteBuffer bytes = GoldenLayoutTest.direct(Ring.size(SLOTS, SUBSCRIBERS));
        Ring.create(bytes, SLOTS, SUBSCRIBERS, EPOCH, 1, 1, "test", "key");
        return bytes;
    }

    private static String refusal(ByteBuffer ring, long epoch) {
        return assertThrows(IllegalArgumentException.class, () -> Ring.open(ring, epoch))
                .getMessage();
    }

    @Test
    void rightRingIsOpened() {
        assertEquals(SLOTS, Ring.open(ring(), EPOCH).slotCapacity());
        ByteBuffer closed = ring();
        Ring.open(closed, EPOCH).close();
        assertTrue(Ring.open(closed, EPOCH).isClosed());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0x50465543, does not begin with CUFR",
        "4, 2, of version 2.0",
        "4, 0x10000, of version 0.1",
        "8, 0, has not finished it",
        "8, 3, has not finished it",
        "8, -1, has not finished it",
        "16, 41, another publisher's",
        "20, 1, another publisher's",
        "32, 0, it has 0 slots",
        "32, -1, it has -1 slots",
        "32, 4097, it has 4097 slots",
        "32, 2147483647, slots",
        "36, 0, subscriber slots",
        "36, 1025, subscriber slots",
        "36, -2147483648, subscriber slots",
        "32, 4096, does not fit",
        "36, 1024, does not fit"
    })
    void doctoredHeaderIsRefused(int offset, String value, String why) {
        ByteBuffer ring = ring();
        ring.putInt(offset, Integer.decode(value));
        String refusal = refusal(ring, EPOCH);
        assertTrue(refusal.contains(why), refusal);
    }

    /** A publisher that has ended a lease writes what the slot's next frame is. */
    @Test
    void metadataOfAnotherFrameAreNotTaken() {
        FrameMetadata written = Ring.create(
                        GoldenLayoutTest.direct(Ring.size(SLOTS, SUBSCRIBERS)),
                        SLOTS,
                        SUBSCRIBERS,
                        EPOCH,
                        1,
                        1,
                        "test",
                        "key")
                .metadata(2);
        FrameMetadata taken = FrameMetadata.outsideOfRing();
        written.write(7, 70, 700, 7000, 70000, 3, 5, 9);
        written.publishNanos(77);
        assertTrue(taken.take(written, 7));
        written.write(8, 80, 800, 8000, 80000, 4, 6, 10);
        assertEquals(
                List.of(7L, 70L, 700L, 7000L, 77L, 70000L, 3, 5, 9),
                List.of(
                        taken.sequence(),
                        taken.pts(),
                        taken.ptsNanos(),
                        taken.captureNanos(),
                        taken.publishNanos(),
                        taken.durationNanos(),
                        taken.generation(),
                        taken.flags(),
                        taken.lostBefore()));
        assertFalse(taken.take(written, 7));
        assertTrue(taken.take(written, 8));
    }

    @Test
    void anotherMinorVersionIsOpened() {
        ByteBuffer ring = ring();
        ring.putShort(RingHeader.MINOR_OFFSET, (short) 0xFFFF);
        Ring.open(ring, EPOCH);
    }

    @ParameterizedTest
    @ValueSource(
            ints = {
                RingHeader.SLOT_DESCRIPTORS_AT_OFFSET,
                RingHeader.FRAME_METADATA_AT_OFFSET,
                RingHeader.SUBSCRIBER_SLOTS_AT_OFFSET
            })
    void tablesOutsideTheFileAreRefused(int field) {
        int size = Ring.size(SLOTS, SUBSCRIBERS);
        for (int at :
                new int[] {0, 8, 504, -8, Integer.MIN_VALUE, Integer.MAX_VALUE - 7, size, size - 8, 516, 1 << 30}) {
            ByteBuffer ring = ring();
            ring.putInt(field, at);
            String refusal = refusal(ring, EPOCH);
            assertTrue(refusal.contains("does not fit"), refusal);
        }
    }

    @Test
    void ringSizeIsChecked() {
        long size = Ring.size(SLOTS, SUBSCRIBERS);
        for (long wrong : new long[] {0, -1, 511, size + 1, Long.MIN_VALUE, Long.MAX_VALUE, size + (1L << 32)}) {
            ByteBuffer ring = ring();
            ring.putLong(RingHeader.RING_SIZE_OFFSET, wrong);
            String refusal = refusal(ring, EPOCH);
            assertTrue(refusal.contains("it is said to have"), refusal);
        }
        ByteBuffer short8 = ring();
        short8.putLong(RingHeader.RING_SIZE_OFFSET, size - 8);
        assertTrue(refusal(short8, EPOCH).contains("does not fit into " + (size - 8)));
    }

    @Test
    void ringMayBeSmallerThanItsFile() {
        ByteBuffer file = GoldenLayoutTest.direct(1 << 16);
        Ring.create(file, SLOTS, SUBSCRIBERS, EPOCH, 1, 1, "test", "key");
        assertEquals(SUBSCRIBERS, Ring.open(file, EPOCH).subscriberCapacity());
    }

    @Test
    void fileThatIsTooSmallIsRefused() {
        assertTrue(refusal(GoldenLayoutTest.direct(511), EPOCH).contains("needs 512 bytes"));
        assertTrue(refusal(GoldenLayoutTest.direct(0), EPOCH).contains("needs 512 bytes"));
        assertTrue(refusal(ByteBuffer.allocate(4096), EPOCH).contains("direct memory"));
        assertTrue(refusal(GoldenLayoutTest.direct(4100).slice(4, 4096), EPOCH).contains("multiple of 8"));
    }

    @Test
    void ringThatCannotBeMadeIsRefused() {
        for (int slots : new int[] {0, -1, Ring.MAX_SLOTS + 1}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Ring.create(GoldenLayoutTest.direct(8192), slots, 1, EPOCH, 1, 1, "test", "key"));
        }
        for (int subscribers : new int[] {0, -1, Ring.MAX_SUBSCRIBERS + 1}) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> Ring.create(GoldenLayoutTest.direct(8192), 1, subscribers, EPOCH, 1, 1, "test", "key"));
        }
        assertThrows(
                IllegalArgumentException.class,
                () -> Ring.create(GoldenLayoutTest.direct(Ring.size(2, 2) - 1), 2, 2, EPOCH, 1, 1, "test", "key"));
    }

    @Test
    void largestRingFits() {
        ByteBuffer bytes = GoldenLayoutTest.direct(Ring.size(Ring.MAX_SLOTS, Ring.MAX_SUBSCRIBERS));
        Ring.create(bytes, Ring.MAX_SLOTS, Ring.MAX_SUBSCRIBERS, EPOCH, 1, 1, "test", "key");
        Ring ring = Ring.open(bytes, EPOCH);
        ring.subscriber(Ring.MAX_SUBSCRIBERS - 1).count(1, 2, 3, 4, 5, 6);
        assertEquals(6, ring.subscriber(Ring.MAX_SUBSCRIBERS - 1).held());
        assertEquals(0, ring.metadata(Ring.MAX_SLOTS - 1).sequence());
    }

    @Test
    void textsAreCutBetweenCharacters() {
        ByteBuffer bytes = GoldenLayoutTest.direct(Ring.size(1, 1));
        Ring ring = Ring.create(bytes, 1, 1, EPOCH, 1, 1, "ä".repeat(16) + "b", "x" + "ä".repeat(40));
        assertEquals("ä".repeat(16), ring.library());
        assertEquals("x" + "ä".repeat(31), ring.key());
        // All 64 bytes without a NUL, and a byte that no UTF-8 has.
        for (int i = 0; i < RingHeader.KEY_SIZE; i++) {
            bytes.put(RingHeader.KEY_OFFSET + i, (byte) 0xFF);
        }
        assertEquals("\uFFFD".repeat(64), ring.key());
    }

    @ParameterizedTest
    @CsvSource({
        "128, 0",
        "128, -1",
        "128, 32769",
        "128, 2147483647",
        "132, 0",
        "132, -2147483648",
        "132, 32769",
        "136, 0",
        "136, 14",
        "136, -1",
        "136, 2147483647",
        "144, -1",
        "144, -2147483648",
        "144, 2147483647",
        "148, 0",
        "148, 639",
        "148, -640",
        "148, 2147483647",
        "152, 2147483647",
        "152, -1",
        "156, 639",
        "156, -2147483648",
        "156, 2147483647",
        "176, 0",
        "176, 1000",
        "180, 1",
        "180, -1",
        "180, -2147483648"
    })
    void hostileGeometryIsRefused(int offset, int value) {
        ByteBuffer bytes = ring();
        Ring ring = Ring.open(bytes, EPOCH);
        FrameLayout layout = FrameLayout.of(PixelFormat.NV12, 640, 480, 64);
        ring.descriptor(2).write(0, 0, layout, 1);
        assertEquals(layout, ring.descriptor(2).layout());

        bytes.putInt(RingHeader.SIZE + 2 * SlotDescriptor.SIZE + offset, value);
        assertThrows(IllegalArgumentException.class, () -> ring.descriptor(2).layout());
    }

    @Test
    void geometryOfNoiseLiesInsideItsSlot() {
        ByteBuffer bytes = ring();
        SlotDescriptor slot = Ring.open(bytes, EPOCH).descriptor(0);
        Random random = new Random(3);
        int accepted = 0;
        for (int i = 0; i < 200_000; i++) {
            for (int at = 0; at < SlotDescriptor.SIZE; at += Integer.BYTES) {
                // Small numbers, so that some are right; now and then one from the whole range.
                int value = random.nextInt(16) == 0 ? random.nextInt() : random.nextInt(64);
                bytes.putInt(RingHeader.SIZE + at, value);
            }
            bytes.putInt(RingHeader.SIZE + SlotDescriptor.FORMAT_OFFSET, random.nextInt(15));
            bytes.putLong(RingHeader.SIZE + SlotDescriptor.SLOT_SIZE_OFFSET, random.nextInt(10_000));
            slot.state();
            try {
                FrameLayout layout = slot.layout();
                accepted++;
                for (int plane = 0; plane < layout.planes().size(); plane++) {
                    long start = layout.planes().get(plane).offset();
                    long rows = layout.format().rows(plane, layout.height());
                    long row = layout.format().rowBytes(plane, layout.width());
                    long end = start + (rows - 1) * layout.planes().get(plane).pitch() + row;
                    assertTrue(start >= 0 && row > 0 && rows > 0 && end <= layout.size(), layout.toString());
                }
            } catch (IllegalArgumentException e) {
                assertTrue(!e.getMessage().isEmpty());
            }
        }
        assertTrue(accepted > 1000, "too few geometries were right: " + accepted);
    }

    @Test
    void retiredSlotHasNoGeometry() {
        assertThrows(
                IllegalArgumentException.class,
                () -> Ring.open(ring(), EPOCH).descriptor(0).layout());
    }

    @Test
    void unknownNumbersAreNoStates() {
        ByteBuffer bytes = ring();
        Ring ring = Ring.open(bytes, EPOCH);
        for (int number : new int[] {-1, 99, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            for (int at = RingHeader.NEWEST_SEQUENCE_OFFSET; at < bytes.capacity(); at += Integer.BYTES) {
                bytes.putInt(at, number);
            }
            assertTrue(ring.sourceState().isEmpty());
            assertTrue(ring.memoryKind().isEmpty());
            assertTrue(ring.format().isEmpty());
            assertEquals(SlotState.UNUSED, ring.descriptor(0).state());
            assertTrue(ring.subscriber(0).state().isEmpty());
            assertTrue(ring.subscriber(0).mode().isEmpty());
            ring.frameRate();
            ring.subscriber(0).name();
        }
    }

    @Test
    void doctoredPageIsRefused() {
        int[][] changes = {
            {0, SubscriberPage.MAGIC + 1}, {4, 2}, {8, 43}, {12, 1}, {16, 8}, {20, 1}, {24, 32}, {28, 128}
        };
        for (int[] change : changes) {
            ByteBuffer page = GoldenLayoutTest.direct(SubscriberPage.SIZE);
            SubscriberPage.create(page, EPOCH, 7);
            SubscriberPage.open(page, EPOCH, 7);
            page.putInt(change[0], change[1]);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> SubscriberPage.open(page, EPOCH, 7),
                    () -> change[1] + " at " + change[0]);
        }
    }

    @Test
    void anotherPageIsRefused() {
        ByteBuffer page = GoldenLayoutTest.direct(SubscriberPage.SIZE);
        SubscriberPage.create(page, EPOCH, 7);
        assertThrows(IllegalArgumentException.class, () -> SubscriberPage.open(page, EPOCH + 1, 7));
        assertThrows(IllegalArgumentException.class, () -> SubscriberPage.open(page, EPOCH, 8));
        ByteBuffer small = GoldenLayoutTest.direct(SubscriberPage.SIZE - 1);
        assertThrows(IllegalArgumentException.class, () -> SubscriberPage.open(small, EPOCH, 7));
        ByteBuffer heap = ByteBuffer.allocate(SubscriberPage.SIZE);
        assertThrows(IllegalArgumentException.class, () -> SubscriberPage.open(heap, EPOCH, 7));
    }

    @Test
    void queueGoesRoundInsideThePage() {
        ByteBuffer bytes = GoldenLayoutTest.direct(SubscriberPage.SIZE);
        SubscriberPage page = SubscriberPage.create(bytes, EPOCH, 7);
        for (long n : new long[] {1, 63, 64, 65, 128, 129, Long.MAX_VALUE}) {
            page.deliver(n, n * 10, 3, 4, 5);
            assertEquals(n * 10, page.sequence(n));
            int entry = SubscriberPage.QUEUE_OFFSET + (int) ((n - 1) % SubscriberPage.CAPACITY) * QueueEntry.SIZE;
            assertEquals(n * 10, bytes.getLong(entry));
            assertEquals(n, page.delivered());
        }
    }
}
