package io.github.cuframes.stress;

import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A ring with one slot and one subscriber, a page and a slot's bytes, all zero.
 *
 * <p>They are used over and over in turn, because jcstress makes millions of states and the memory of direct buffers
 * comes back too slowly for that. There are four times as many as {@link StoreOrderCheck} lets live at a time.
 */
final class SharedMemory {

    /** Bytes of the frame in the slot. */
    static final int FRAME_SIZE = 64;

    private static final int RING_SIZE = Ring.size(1, 1);
    private static final int SIZE = SubscriberPage.SIZE + RING_SIZE + FRAME_SIZE;
    private static final int COUNT = 4 * StoreOrderCheck.LIVE_STATES;
    private static final byte[] ZEROS = new byte[SIZE];
    private static final ByteBuffer POOL =
            ByteBuffer.allocateDirect(COUNT * SIZE + Long.BYTES).alignedSlice(Long.BYTES);
    private static final AtomicInteger NEXT = new AtomicInteger();

    /** Zeros for a page. */
    final ByteBuffer page;

    /** Zeros for a ring. */
    final ByteBuffer ring;

    /** The bytes of a slot. */
    final ByteBuffer frame;

    SharedMemory() {
        int at = (NEXT.getAndIncrement() & (COUNT - 1)) * SIZE;
        POOL.put(at, ZEROS);
        page = POOL.slice(at, SubscriberPage.SIZE);
        ring = POOL.slice(at + SubscriberPage.SIZE, RING_SIZE);
        frame = POOL.slice(at + SubscriberPage.SIZE + RING_SIZE, FRAME_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    }

    SubscriberPage newPage() {
        return SubscriberPage.create(page, 1, 1);
    }

    Ring newRing() {
        return Ring.create(ring, 1, 1, 1, 1, 1, "stress", "stress");
    }
}
