package io.github.cuframes.protocol.layout;

import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a slot's frame is: 64 bytes in the ring, one for each slot, written by the publisher.
 *
 * <pre>
 *   0        8        16       24       32       40       48   52   56   60   64
 *   +--------+--------+--------+--------+--------+--------+----+----+----+----+
 *   |sequence|  pts   |ptsNanos|capture |publish |duration|gen.|flag|lost|  0 |
 *   +--------+--------+--------+--------+--------+--------+----+----+----+----+
 * </pre>
 *
 * <p>Plain accesses: the publisher writes while nobody has a lease on the slot, and a reader comes here only through a
 * {@link QueueEntry} that it found with an acquiring load of {@link SubscriberPage#delivered()}. A publisher that has ended a
 * lease writes all the same, which {@link #take} notices.
 */
public final class FrameMetadata {

    /** Stands for a time that is not known. */
    public static final long NO_TIME = Long.MIN_VALUE;

    static final int SEQUENCE_OFFSET = 0;
    static final int PTS_OFFSET = SEQUENCE_OFFSET + Long.BYTES;
    static final int PTS_NANOS_OFFSET = PTS_OFFSET + Long.BYTES;
    static final int CAPTURE_NANOS_OFFSET = PTS_NANOS_OFFSET + Long.BYTES;
    static final int PUBLISH_NANOS_OFFSET = CAPTURE_NANOS_OFFSET + Long.BYTES;
    static final int DURATION_NANOS_OFFSET = PUBLISH_NANOS_OFFSET + Long.BYTES;
    static final int GENERATION_OFFSET = DURATION_NANOS_OFFSET + Long.BYTES;
    static final int FLAGS_OFFSET = GENERATION_OFFSET + Integer.BYTES;
    static final int LOST_BEFORE_OFFSET = FLAGS_OFFSET + Integer.BYTES;
    static final int RESERVED_OFFSET = LOST_BEFORE_OFFSET + Integer.BYTES;

    /** Bytes of the structure. */
    public static final int SIZE = RESERVED_OFFSET + Integer.BYTES;

    private final ByteBuffer ring;
    private final int base;

    FrameMetadata(ByteBuffer ring, int base) {
        this.ring = ring;
        this.base = base;
    }

    /** Room for what {@link #take} takes. */
    public static FrameMetadata outsideOfRing() {
        return new FrameMetadata(ByteBuffer.allocateDirect(SIZE).order(ByteOrder.LITTLE_ENDIAN), 0);
    }

    /**
     * Copies what a ring says of a frame; the subscriber's side.
     *
     * @param from of the ring
     * @param frame the number of the frame
     * @return whether all of it is of that frame; if not, the publisher has ended the lease and uses the slot again
     */
    public boolean take(FrameMetadata from, long frame) {
        ring.put(base, from.ring, from.base, SIZE);
        // Pairs with the fence in write(): whoever saw something of the next frame sees its number now.
        VarHandle.loadLoadFence();
        return sequence() == frame && from.sequence() == frame;
    }

    /** Number of the frame in its epoch, from 1. */
    public long sequence() {
        return Fields.getLong(ring, base + SEQUENCE_OFFSET);
    }

    /** Presentation time in ticks of the stream's time base, or {@link #NO_TIME}. */
    public long pts() {
        return Fields.getLong(ring, base + PTS_OFFSET);
    }

    /** Presentation time in nanoseconds, or {@link #NO_TIME}. */
    public long ptsNanos() {
        return Fields.getLong(ring, base + PTS_NANOS_OFFSET);
    }

    /** Wall clock of the camera in nanoseconds since 1970, or {@link #NO_TIME}. */
    public long captureNanos() {
        return Fields.getLong(ring, base + CAPTURE_NANOS_OFFSET);
    }

    /** CLOCK_MONOTONIC at publication, in nanoseconds. */
    public long publishNanos() {
        return Fields.getLong(ring, base + PUBLISH_NANOS_OFFSET);
    }

    /** For how long to show the frame, in nanoseconds; 0 when unknown. */
    public long durationNanos() {
        return Fields.getLong(ring, base + DURATION_NANOS_OFFSET);
    }

    /** The generation of the slot. */
    public int generation() {
        return Fields.getInt(ring, base + GENERATION_OFFSET);
    }

    /** Bits of {@link io.github.cuframes.protocol.frame.FrameFlag}. */
    public int flags() {
        return Fields.getInt(ring, base + FLAGS_OFFSET);
    }

    /** Frames that the publisher knows it lost since the frame before. */
    public int lostBefore() {
        return Fields.getInt(ring, base + LOST_BEFORE_OFFSET);
    }

    /** Writes all but the time of publication; the publisher's side. Times may be {@link #NO_TIME}. */
    public void write(
            long sequence,
            long pts,
            long ptsNanos,
            long captureNanos,
            long durationNanos,
            int generation,
            int flags,
            int lostBefore) {
        Fields.putLong(ring, base + SEQUENCE_OFFSET, sequence);
        // Pairs with the fence in take().
        VarHandle.storeStoreFence();
        Fields.putLong(ring, base + PTS_OFFSET, pts);
        Fields.putLong(ring, base + PTS_NANOS_OFFSET, ptsNanos);
        Fields.putLong(ring, base + CAPTURE_NANOS_OFFSET, captureNanos);
        Fields.putLong(ring, base + DURATION_NANOS_OFFSET, durationNanos);
        Fields.putInt(ring, base + GENERATION_OFFSET, generation);
        Fields.putInt(ring, base + FLAGS_OFFSET, flags);
        Fields.putInt(ring, base + LOST_BEFORE_OFFSET, lostBefore);
        Fields.putInt(ring, base + RESERVED_OFFSET, 0);
    }

    /** Writes the time of publication, the last thing before the frame is delivered; the publisher's side. */
    public void publishNanos(long nanos) {
        Fields.putLong(ring, base + PUBLISH_NANOS_OFFSET, nanos);
    }
}
