package io.github.cuframes.protocol.layout;

/**
 * A delivery: 32 bytes in the queue of a {@link SubscriberPage}, written by the publisher.
 *
 * <pre>
 *   0              8        12           16      20     24             32
 *   +--------------+--------+------------+-------+------+--------------+
 *   |   sequence   |  slot  | generation | lease |  0   |      0       |
 *   +--------------+--------+------------+-------+------+--------------+
 * </pre>
 */
public final class QueueEntry {

    static final int SEQUENCE_OFFSET = 0;
    static final int SLOT_OFFSET = SEQUENCE_OFFSET + Long.BYTES;
    static final int GENERATION_OFFSET = SLOT_OFFSET + Integer.BYTES;
    static final int LEASE_OFFSET = GENERATION_OFFSET + Integer.BYTES;
    static final int RESERVED_OFFSET = LEASE_OFFSET + Integer.BYTES;

    /** Bytes of the structure. */
    public static final int SIZE = RESERVED_OFFSET + Integer.BYTES + Long.BYTES;

    private QueueEntry() {}
}
