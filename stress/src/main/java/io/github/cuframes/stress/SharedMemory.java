package io.github.cuframes.stress;

import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
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
    private static final byte[] ZEROS = new byte[SIZE + PacketPage.SIZE];
    private static final ByteBuffer POOL =
            ByteBuffer.allocateDirect(COUNT * SIZE + Long.BYTES).alignedSlice(Long.BYTES);
    /** What is used of a page of packets: its head and a record. The rest may be another page's, since nobody touches it. */
    private static final int PACKETS_USED = PacketPage.SIZE + 3 * PacketRecord.SIZE;

    private static final int PACKETS_SIZE = PacketPage.SIZE + PacketPage.MIN_CAPACITY;
    private static final ByteBuffer PACKETS_POOL = ByteBuffer.allocateDirect(
                    COUNT * PACKETS_USED + PACKETS_SIZE + Long.BYTES)
            .alignedSlice(Long.BYTES);
    private static final AtomicInteger NEXT = new AtomicInteger();

    /** Zeros for a page. */
    final ByteBuffer page;

    /** Zeros for a ring. */
    final ByteBuffer ring;

    /** The bytes of a slot. */
    final ByteBuffer frame;

    SharedMemory() {
        int at = (NEXT.getAndIncrement() & (COUNT - 1)) * SIZE;
        POOL.put(at, ZEROS, 0, SIZE);
        page = POOL.slice(at, SubscriberPage.SIZE);
        ring = POOL.slice(at + SubscriberPage.SIZE, RING_SIZE);
        frame = POOL.slice(at + SubscriberPage.SIZE + RING_SIZE, FRAME_SIZE).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Zeros for a page of packets, where the first record has room. */
    static ByteBuffer packets() {
        int at = (NEXT.getAndIncrement() & (COUNT - 1)) * PACKETS_USED;
        PACKETS_POOL.put(at, ZEROS, 0, PACKETS_USED);
        return PACKETS_POOL.slice(at, PACKETS_SIZE);
    }

    SubscriberPage newPage() {
        return SubscriberPage.create(page, 1, 1);
    }

    Ring newRing() {
        return Ring.create(ring, 1, 1, 1, 1, 1, "stress", "stress");
    }
}
