package io.github.cuframes.fuzz;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotDescriptor;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What both sides read in shared memory: a ring or a page with bytes of the fuzzer's is refused with an
 * IllegalArgumentException, or every field of it can be read and every geometry that it has lies inside its slot.
 */
public final class LayoutTarget {

    private static final long EPOCH = 0x0102_0304_0506_0708L;
    private static final int SLOTS = 3;
    private static final int SUBSCRIBERS = 2;
    private static final int RING_SIZE = Ring.size(SLOTS, SUBSCRIBERS);

    private static final ByteBuffer RING = aligned(RING_SIZE);
    private static final ByteBuffer PAGE = aligned(SubscriberPage.SIZE);
    private static final byte[] ZEROS = new byte[Math.max(RING_SIZE, SubscriberPage.SIZE)];

    private LayoutTarget() {}

    private static ByteBuffer aligned(int size) {
        ByteBuffer room = ByteBuffer.allocateDirect(size + Long.BYTES);
        return room.alignedSlice(Long.BYTES).slice(0, size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** One input: what to begin with, then places and what to write there. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int start = input.u8();
        ByteBuffer memory = (start & 1) == 0 ? RING : PAGE;
        memory.put(0, ZEROS, 0, memory.capacity());
        if ((start & 2) != 0) {
            if (memory == RING) {
                Ring.create(memory, SLOTS, SUBSCRIBERS, EPOCH, 1, 0, "fuzz", "cam");
            } else {
                SubscriberPage.create(memory, EPOCH, 1);
            }
        }
        if ((start & 4) != 0) {
            byte[] raw = input.rest();
            memory.put(0, raw, 0, Math.min(raw.length, memory.capacity()));
        }
        while (!input.isEmpty()) {
            int at = input.u16() % (memory.capacity() / Integer.BYTES) * Integer.BYTES;
            memory.putInt(at, input.edge());
        }
        if (memory == RING) {
            readRing();
        } else {
            readPage();
        }
    }

    private static void readRing() {
        Ring ring;
        try {
            ring = Ring.open(RING, EPOCH);
        } catch (IllegalArgumentException e) {
            return;
        }
        ring.key();
        ring.library();
        ring.sourceState();
        ring.memoryKind();
        ring.format();
        ring.frameRate();
        ring.isClosed();
        for (int i = 0; i < ring.slotCapacity(); i++) {
            readSlot(ring.descriptor(i), ring.metadata(i));
        }
        for (int i = 0; i < ring.subscriberCapacity(); i++) {
            SubscriberSlot account = ring.subscriber(i);
            account.name();
            account.state();
            account.mode();
            account.lastSeenNanos();
        }
    }

    private static void readSlot(SlotDescriptor descriptor, FrameMetadata metadata) {
        descriptor.state();
        descriptor.legacyHandle();
        for (MemoryKind kind : MemoryKind.values()) {
            descriptor.slab(kind);
            descriptor.offsetInSlab(kind);
        }
        metadata.sequence();
        metadata.lostBefore();
        FrameLayout layout;
        try {
            layout = descriptor.layout();
        } catch (IllegalArgumentException e) {
            return;
        }
        PixelFormat format = layout.format();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            long end = plane.offset()
                    + (long) plane.pitch() * (format.rows(i, layout.height()) - 1)
                    + format.rowBytes(i, layout.width());
            if (plane.offset() < 0
                    || plane.pitch() < 0
                    || end > layout.size()
                    || layout.size() > FrameLayout.MAX_SIZE) {
                throw new AssertionError("plane " + i + " lies outside its slot: " + layout);
            }
        }
    }

    private static void readPage() {
        SubscriberPage page;
        try {
            page = SubscriberPage.open(PAGE, EPOCH, 1);
        } catch (IllegalArgumentException e) {
            return;
        }
        page.sleeping();
        page.publisherWaits();
        page.taken();
        // what delivered() says is any number, and its entry is still inside
        for (long delivery : new long[] {page.delivered(), 1, Long.MAX_VALUE}) {
            if (delivery > 0) {
                page.slot(delivery);
                page.lease(delivery);
                page.generation(delivery);
                page.sequence(delivery);
            }
        }
        for (int lease = 0; lease < SubscriberPage.CAPACITY; lease++) {
            page.released(lease);
        }
    }
}
