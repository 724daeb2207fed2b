package io.github.cuframes.protocol.layout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.ProtocolDocument;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The golden structures of {@code docs/protocol.md} are what the views write and read. */
class GoldenLayoutTest {

    private static final ProtocolDocument DOCUMENT = ProtocolDocument.INSTANCE;

    private static final long EPOCH = 0x1122334455667788L;
    private static final int SLOTS = 8;
    private static final int SUBSCRIBERS = 4;
    private static final int SLOT = 5;
    private static final int SUBSCRIBER = 1;
    private static final int SLOT_AT = RingHeader.SIZE + SLOT * SlotDescriptor.SIZE;
    private static final int METADATA_AT = RingHeader.SIZE + SLOTS * SlotDescriptor.SIZE + SLOT * FrameMetadata.SIZE;
    private static final int SUBSCRIBER_AT =
            RingHeader.SIZE + SLOTS * (SlotDescriptor.SIZE + FrameMetadata.SIZE) + SUBSCRIBER * SubscriberSlot.SIZE;

    private static final FrameLayout LAYOUT = new FrameLayout(
            PixelFormat.YUV420P,
            1918,
            1078,
            List.of(new PlaneLayout(0, 2048), new PlaneLayout(2_228_224, 1024), new PlaneLayout(2_785_280, 1025)),
            3_342_848);

    static ByteBuffer direct(int size) {
        return ByteBuffer.allocateDirect(size + Long.BYTES)
                .alignedSlice(Long.BYTES)
                .slice(0, size);
    }

    private static ByteBuffer writtenRing() {
        ByteBuffer bytes = direct(Ring.size(SLOTS, SUBSCRIBERS));
        Ring ring = Ring.create(
                bytes, SLOTS, SUBSCRIBERS, EPOCH, 4242, 1_700_000_000_123_456_789L, "cuframes-test 0.1", "front-door");
        ring.configured(
                3,
                MemoryKind.HOST,
                new StreamConfig(LAYOUT, new Rational(7, 90_000), new Rational(30_000, 1001), Colour.UNSPECIFIED));
        ring.sourceState(SourceState.STREAMING);
        ring.countLostNoSlot();
        ring.countLostNoSlot();
        ring.memory(41_943_040, 6, 4, 2);
        ring.published(1000, 5_000_000_000L, FrameFlag.COPIED.bit());
        ring.published(1001, 5_040_000_000L, FrameFlag.COPIED.bit() | FrameFlag.DISCONTINUITY.bit());
        ring.heartbeat(5_050_000_000L);

        ring.descriptor(SLOT).write(4, 3_342_848, LAYOUT, 3);
        ring.descriptor(SLOT).state(SlotState.PUBLISHED);
        ring.metadata(SLOT)
                .write(
                        1001,
                        90_090,
                        FrameMetadata.NO_TIME,
                        1_700_000_001_000_000_000L,
                        33_366_666,
                        3,
                        FrameFlag.KEY.bit() | FrameFlag.DISCONTINUITY.bit() | FrameFlag.COPIED.bit(),
                        2);
        ring.metadata(SLOT).publishNanos(5_040_000_000L);
        SubscriberSlot subscriber = ring.subscriber(SUBSCRIBER);
        subscriber.open(17, 4343, 1000, DeliveryMode.FIFO, 3, 5, "Türöffner");
        subscriber.state(PeerState.ACTIVE);
        subscriber.generation(3);
        subscriber.count(900, 898, 7, 1001, 5_041_000_000L, 2);
        return bytes;
    }

    private static ByteBuffer goldenRing() {
        ByteBuffer bytes = direct(Ring.size(SLOTS, SUBSCRIBERS));
        bytes.put(0, DOCUMENT.goldenStructure("RingHeader", RingHeader.SIZE));
        bytes.put(SLOT_AT, DOCUMENT.goldenStructure("SlotDescriptor", SlotDescriptor.SIZE));
        bytes.put(METADATA_AT, DOCUMENT.goldenStructure("FrameMetadata", FrameMetadata.SIZE));
        bytes.put(SUBSCRIBER_AT, DOCUMENT.goldenStructure("SubscriberSlot", SubscriberSlot.SIZE));
        return bytes;
    }

    private static ByteBuffer writtenPage() {
        ByteBuffer bytes = direct(SubscriberPage.SIZE);
        SubscriberPage page = SubscriberPage.create(bytes, EPOCH, 17);
        page.deliver(1, 1001, SLOT, 3, 2);
        page.publisherWaits(true);
        page.taken(1);
        page.sleeping(true);
        page.release(2, 1);
        return bytes;
    }

    static String dump(ByteBuffer bytes, int at, int size) {
        StringBuilder text = new StringBuilder();
        byte[] row = new byte[16];
        for (int i = 0; i < size; i += row.length) {
            bytes.get(at + i, row);
            text.append(
                    String.format("%04x: %s%n", i, HexFormat.ofDelimiter(" ").formatHex(row)));
        }
        return text.toString();
    }

    private static void assertGolden(String name, ByteBuffer written, int at, int size) {
        assertEquals(
                dump(ByteBuffer.wrap(DOCUMENT.goldenStructure(name, size)), 0, size), dump(written, at, size), name);
    }

    @Test
    void viewsWriteGoldenBytes() {
        ByteBuffer ring = writtenRing();
        assertGolden("RingHeader", ring, 0, RingHeader.SIZE);
        assertGolden("SlotDescriptor", ring, SLOT_AT, SlotDescriptor.SIZE);
        assertGolden("FrameMetadata", ring, METADATA_AT, FrameMetadata.SIZE);
        assertGolden("SubscriberSlot", ring, SUBSCRIBER_AT, SubscriberSlot.SIZE);
        assertGolden("SubscriberPage", writtenPage(), 0, SubscriberPage.SIZE);
    }

    @Test
    void viewsReadTheGoldenHeader() {
        Ring ring = Ring.open(goldenRing(), EPOCH);
        assertEquals(SLOTS, ring.slotCapacity());
        assertEquals(SUBSCRIBERS, ring.subscriberCapacity());
        assertFalse(ring.isClosed());
        assertEquals(EPOCH, ring.epoch());
        assertEquals(4242, ring.publisherPid());
        assertEquals(1_700_000_000_123_456_789L, ring.startedNanos());
        assertEquals("cuframes-test 0.1", ring.library());
        assertEquals("front-door", ring.key());
        assertEquals(1001, ring.newestSequence());
        assertEquals(5_040_000_000L, ring.newestPublishNanos());
        assertEquals(5_050_000_000L, ring.heartbeatNanos());
        assertEquals(3, ring.generation());
        assertEquals(Optional.of(SourceState.STREAMING), ring.sourceState());
        assertEquals(2, ring.lostNoSlot());
        assertEquals(2, ring.copied());
        assertEquals(1, ring.discontinuities());
        assertEquals(41_943_040, ring.memoryBytes());
        assertEquals(6, ring.slots());
        assertEquals(4, ring.slotsInUse());
        assertEquals(2, ring.subscribers());
        assertEquals(Optional.of(MemoryKind.HOST), ring.memoryKind());
        assertEquals(1918, ring.width());
        assertEquals(1078, ring.height());
        assertEquals(Optional.of(PixelFormat.YUV420P), ring.format());
        assertEquals(new Rational(30_000, 1001), ring.frameRate());
        ring.close();
        assertTrue(ring.isClosed());
    }

    @Test
    void viewsReadTheGoldenSlot() {
        Ring ring = Ring.open(goldenRing(), EPOCH);
        SlotDescriptor slot = ring.descriptor(SLOT);
        assertEquals(4, slot.slab(MemoryKind.HOST));
        assertEquals(4, slot.slab(MemoryKind.CUDA));
        assertEquals(3_342_848, slot.offsetInSlab(MemoryKind.HOST));
        assertEquals(3_342_848, slot.offsetInSlab(MemoryKind.CUDA));
        assertEquals(3, slot.generation());
        assertEquals(SlotState.PUBLISHED, slot.state());
        assertEquals(LAYOUT, slot.layout());

        FrameMetadata frame = ring.metadata(SLOT);
        assertEquals(1001, frame.sequence());
        assertEquals(90_090, frame.pts());
        assertEquals(FrameMetadata.NO_TIME, frame.ptsNanos());
        assertEquals(1_700_000_001_000_000_000L, frame.captureNanos());
        assertEquals(5_040_000_000L, frame.publishNanos());
        assertEquals(33_366_666, frame.durationNanos());
        assertEquals(3, frame.generation());
        assertEquals(0x23, frame.flags());
        assertEquals(2, frame.lostBefore());
    }

    @Test
    void aLegacyHandleStandsInTheGoldenSlot() {
        byte[] handle = new byte[SlotDescriptor.HANDLE_SIZE];
        for (int i = 0; i < handle.length; i++) {
            handle[i] = (byte) (0xA0 + i);
        }
        ByteBuffer written = writtenRing();
        SlotDescriptor slot = Ring.open(written, EPOCH).descriptor(SLOT);
        slot.write(handle, 4, 3_342_848, LAYOUT, 3);
        slot.state(SlotState.PUBLISHED);
        assertGolden("SlotDescriptorCudaIpc", written, SLOT_AT, SlotDescriptor.SIZE);

        ByteBuffer golden = goldenRing();
        golden.put(SLOT_AT, DOCUMENT.goldenStructure("SlotDescriptorCudaIpc", SlotDescriptor.SIZE));
        SlotDescriptor read = Ring.open(golden, EPOCH).descriptor(SLOT);
        assertArrayEquals(handle, read.legacyHandle());
        assertEquals(4, read.slab(MemoryKind.CUDA_IPC));
        assertEquals(3_342_848, read.offsetInSlab(MemoryKind.CUDA_IPC));
        assertEquals(3, read.generation());
        assertEquals(SlotState.PUBLISHED, read.state());
        assertEquals(LAYOUT, read.layout());

        slot.write(4, 3_342_848, LAYOUT, 3);
        slot.state(SlotState.PUBLISHED);
        assertGolden("SlotDescriptor", written, SLOT_AT, SlotDescriptor.SIZE);
        assertThrows(IllegalArgumentException.class, () -> slot.write(new byte[63], 4, 0, LAYOUT, 3));
    }

    @Test
    void viewsReadTheGoldenSubscriber() {
        SubscriberSlot subscriber = Ring.open(goldenRing(), EPOCH).subscriber(SUBSCRIBER);
        assertEquals(17, subscriber.id());
        assertEquals(Optional.of(PeerState.ACTIVE), subscriber.state());
        assertEquals(4343, subscriber.pid());
        assertEquals(1000, subscriber.uid());
        assertEquals(Optional.of(DeliveryMode.FIFO), subscriber.mode());
        assertEquals(3, subscriber.depth());
        assertEquals(5, subscriber.credits());
        assertEquals(900, subscriber.delivered());
        assertEquals(898, subscriber.released());
        assertEquals(7, subscriber.dropped());
        assertEquals(1001, subscriber.lastSequence());
        assertEquals(5_041_000_000L, subscriber.lastSeenNanos());
        assertEquals(2, subscriber.held());
        assertEquals(3, subscriber.generation());
        assertEquals("Türöffner", subscriber.name());
    }

    @Test
    void viewsReadTheGoldenPage() {
        ByteBuffer bytes = direct(SubscriberPage.SIZE);
        bytes.put(0, DOCUMENT.goldenStructure("SubscriberPage", SubscriberPage.SIZE));
        SubscriberPage page = SubscriberPage.open(bytes, EPOCH, 17);
        assertEquals(1, page.delivered());
        assertTrue(page.publisherWaits());
        assertEquals(1, page.taken());
        assertTrue(page.sleeping());
        assertEquals(1, page.released(2));
        assertEquals(0, page.released(1));
        assertEquals(1001, page.sequence(1));
        assertEquals(SLOT, page.slot(1));
        assertEquals(3, page.generation(1));
        assertEquals(2, page.lease(1));
    }
}
