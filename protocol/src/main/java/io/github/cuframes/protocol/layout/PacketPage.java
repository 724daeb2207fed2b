package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.ProtocolVersion;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * What the publisher shares with one subscriber of packets, and nobody else: 4096 bytes, then a ring of records. What the
 * publisher writes and what the subscriber writes lie two cache lines apart.
 *
 * <pre>
 *      0  magic, version, epoch, subscriber's id, capacity        publisher, once
 *    128  written                                                 publisher
 *    256  released, sleeping                                      subscriber
 *   4096  data[capacity]: records                                 publisher
 * </pre>
 *
 * <p>Positions count bytes from 0 and never wrap; the byte of position p is {@code data[p % capacity]}. A record lies in one
 * piece: where it would reach beyond the end, a record of padding fills what is left.
 *
 * <p>Guarantees: what lies before {@code written}, as seen with acquire, is complete, and does not change until
 * {@code released} is stored beyond it with release. Each side has one thread on the page at a time, but for
 * {@link #release}, which has a lock of its callers'.
 */
public final class PacketPage {

    /** The bytes "CUFK". */
    public static final int MAGIC = 0x4B465543;

    /** The least bytes of data. */
    public static final int MIN_CAPACITY = 65_536;

    /** The most bytes of data. */
    public static final int MAX_CAPACITY = 1 << 30;

    static final int MAGIC_OFFSET = 0;
    static final int MAJOR_OFFSET = MAGIC_OFFSET + Integer.BYTES;
    static final int MINOR_OFFSET = MAJOR_OFFSET + Short.BYTES;
    static final int EPOCH_OFFSET = MINOR_OFFSET + Short.BYTES;
    static final int SUBSCRIBER_ID_OFFSET = EPOCH_OFFSET + Long.BYTES;
    static final int CAPACITY_OFFSET = SUBSCRIBER_ID_OFFSET + Long.BYTES;
    static final int WRITTEN_OFFSET = 128;
    static final int RELEASED_OFFSET = 256;
    static final int SLEEPING_OFFSET = RELEASED_OFFSET + Long.BYTES;

    /** Bytes before the data. */
    public static final int SIZE = 4096;

    private final ByteBuffer page;
    private final int capacity;

    private PacketPage(ByteBuffer page, int capacity) {
        this.page = page;
        this.capacity = capacity;
    }

    /** Whether there can be a page with so many bytes of data: a power of two. */
    public static boolean isCapacity(long bytes) {
        return bytes >= MIN_CAPACITY && bytes <= MAX_CAPACITY && Long.bitCount(bytes) == 1;
    }

    /** Writes the constant part of a page of zeros; the publisher's side. */
    public static PacketPage create(ByteBuffer zeros, long epoch, long subscriberId) {
        ByteBuffer page = Fields.checked(zeros, "a page of packets", SIZE + MIN_CAPACITY);
        int capacity = page.capacity() - SIZE;
        if (!isCapacity(capacity)) {
            throw new IllegalArgumentException("a page of packets cannot have " + capacity + " bytes of data");
        }
        Fields.putShort(page, MAJOR_OFFSET, ProtocolVersion.CURRENT.major());
        Fields.putShort(page, MINOR_OFFSET, ProtocolVersion.CURRENT.minor());
        Fields.putLong(page, EPOCH_OFFSET, epoch);
        Fields.putLong(page, SUBSCRIBER_ID_OFFSET, subscriberId);
        Fields.putLong(page, CAPACITY_OFFSET, capacity);
        // Pairs with the acquire in open(): whoever sees the magic sees the rest.
        Fields.putIntRelease(page, MAGIC_OFFSET, MAGIC);
        return new PacketPage(page, capacity);
    }

    /**
     * Checks the constant part; the subscriber's side.
     *
     * @throws IllegalArgumentException if this is not the page of that subscriber
     */
    public static PacketPage open(ByteBuffer mapped, long epoch, long subscriberId) {
        ByteBuffer page = Fields.checked(mapped, "a page of packets", SIZE + MIN_CAPACITY);
        // Pairs with the release in create().
        if (Fields.getIntAcquire(page, MAGIC_OFFSET) != MAGIC) {
            throw new IllegalArgumentException("this is not a page of packets: it does not begin with CUFK");
        }
        long capacity = Fields.getLong(page, CAPACITY_OFFSET);
        if (Fields.getShort(page, MAJOR_OFFSET) != ProtocolVersion.CURRENT.major()
                || Fields.getLong(page, EPOCH_OFFSET) != epoch
                || Fields.getLong(page, SUBSCRIBER_ID_OFFSET) != subscriberId
                || !isCapacity(capacity)
                || capacity > page.capacity() - SIZE) {
            throw new IllegalArgumentException("the page of packets is another subscriber's, or another version's");
        }
        return new PacketPage(page, (int) capacity);
    }

    /** Bytes of data. */
    public int capacity() {
        return capacity;
    }

    /** The whole page, for {@link PacketRecord} and what stands behind it; its position and limit are not to be changed. */
    public ByteBuffer buffer() {
        return page;
    }

    /** Where a position is in the {@link #buffer()}. */
    public int at(long position) {
        return SIZE + (int) (position & (capacity - 1));
    }

    /** Bytes from a position to the end of the data. */
    public int untilEnd(long position) {
        return capacity - (int) (position & (capacity - 1));
    }

    /** Up to where there are records; the subscriber's side. */
    public long written() {
        // Pairs with the release in show(): the records before it are complete.
        return Fields.getLongAcquire(page, WRITTEN_OFFSET);
    }

    /** Shows the records before a position; the publisher's side. */
    public void show(long position) {
        // Pairs with the acquire in written().
        Fields.putLongRelease(page, WRITTEN_OFFSET, position);
    }

    /** Says that records before a position have been done with; the subscriber's side. */
    public void release(long position) {
        // Pairs with the acquire in released(): all reads of the records happen before.
        Fields.putLongRelease(page, RELEASED_OFFSET, position);
    }

    /** Up to where the subscriber has done with records; the publisher's side, which has to check it. */
    public long released() {
        // Pairs with the release in release().
        return Fields.getLongAcquire(page, RELEASED_OFFSET);
    }

    /**
     * Says that the subscriber is about to block on its socket, or no longer; the subscriber's side. After {@code true}
     * it must look at {@link #written()} once more before it blocks.
     */
    public void sleeping(boolean sleeping) {
        Fields.putIntRelease(page, SLEEPING_OFFSET, sleeping ? 1 : 0);
        if (sleeping) {
            // Pairs with the fence in sleeping(): either the publisher sees this, or we see its records.
            VarHandle.fullFence();
        }
    }

    /** Whether the subscriber wants a doorbell; the publisher's side, after {@link #show}. */
    public boolean sleeping() {
        // Pairs with the fence in sleeping(boolean).
        VarHandle.fullFence();
        return Fields.getIntAcquire(page, SLEEPING_OFFSET) != 0;
    }
}
