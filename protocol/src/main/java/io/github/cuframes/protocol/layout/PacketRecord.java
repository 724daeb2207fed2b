package io.github.cuframes.protocol.layout;

import java.nio.ByteBuffer;

/**
 * What stands in a {@link PacketPage}: 64 bytes, then the record's own, then as many as fill up a multiple of 64.
 *
 * <pre>
 *   0    4    8        16       24       32       40       48       56   60   64
 *   +----+----+--------+--------+--------+--------+--------+--------+----+----+-------------
 *   |kind|size|sequence|  pts   |  dts   |duration|capture |publish |flag|lost| size bytes …
 *   +----+----+--------+--------+--------+--------+--------+--------+----+----+-------------
 * </pre>
 *
 * <p>Plain accesses: a record is complete when {@link PacketPage#written()} is beyond it.
 */
public final class PacketRecord {

    /** Nothing: the bytes up to the end of the page's data, where the next record does not fit. */
    public static final int PADDING = 1;

    /** What holds for the packets behind it, see {@link PacketStream}. */
    public static final int STREAM = 2;

    /** A packet. */
    public static final int PACKET = 3;

    static final int KIND_OFFSET = 0;
    static final int BYTES_OFFSET = KIND_OFFSET + Integer.BYTES;
    static final int SEQUENCE_OFFSET = BYTES_OFFSET + Integer.BYTES;
    static final int PTS_OFFSET = SEQUENCE_OFFSET + Long.BYTES;
    static final int DTS_OFFSET = PTS_OFFSET + Long.BYTES;
    static final int DURATION_OFFSET = DTS_OFFSET + Long.BYTES;
    static final int CAPTURE_NANOS_OFFSET = DURATION_OFFSET + Long.BYTES;
    static final int PUBLISH_NANOS_OFFSET = CAPTURE_NANOS_OFFSET + Long.BYTES;
    static final int FLAGS_OFFSET = PUBLISH_NANOS_OFFSET + Long.BYTES;
    static final int LOST_BEFORE_OFFSET = FLAGS_OFFSET + Integer.BYTES;

    /** Bytes before a record's own; every record begins at a multiple of it. */
    public static final int SIZE = LOST_BEFORE_OFFSET + Integer.BYTES;

    private PacketRecord() {}

    /** Bytes that a record takes with so many of its own. */
    public static long length(int bytes) {
        return SIZE + (((long) bytes + SIZE - 1) & -SIZE);
    }

    /** Kind and size, with zeros for the rest; for records that are no packets. */
    public static void write(ByteBuffer at, int base, int kind, int bytes) {
        write(at, base, bytes, 0, 0, 0, 0, 0, 0, 0, 0);
        Fields.putInt(at, base + KIND_OFFSET, kind);
    }

    /** A packet's; times in ticks of the stream's time base or in nanoseconds, {@link FrameMetadata#NO_TIME} if unknown. */
    public static void write(
            ByteBuffer at,
            int base,
            int bytes,
            long sequence,
            long pts,
            long dts,
            long duration,
            long captureNanos,
            long publishNanos,
            int flags,
            int lostBefore) {
        Fields.putInt(at, base + KIND_OFFSET, PACKET);
        Fields.putInt(at, base + BYTES_OFFSET, bytes);
        Fields.putLong(at, base + SEQUENCE_OFFSET, sequence);
        Fields.putLong(at, base + PTS_OFFSET, pts);
        Fields.putLong(at, base + DTS_OFFSET, dts);
        Fields.putLong(at, base + DURATION_OFFSET, duration);
        Fields.putLong(at, base + CAPTURE_NANOS_OFFSET, captureNanos);
        Fields.putLong(at, base + PUBLISH_NANOS_OFFSET, publishNanos);
        lost(at, base, flags, lostBefore);
    }

    /** Says what one reader alone has lost before a packet. */
    public static void lost(ByteBuffer at, int base, int flags, int lostBefore) {
        Fields.putInt(at, base + FLAGS_OFFSET, flags);
        Fields.putInt(at, base + LOST_BEFORE_OFFSET, lostBefore);
    }

    /** {@link #PADDING}, {@link #STREAM}, {@link #PACKET}, or what a later version has. */
    public static int kind(ByteBuffer at, int base) {
        return Fields.getInt(at, base + KIND_OFFSET);
    }

    /** The record's own bytes; unchecked. */
    public static int bytes(ByteBuffer at, int base) {
        return Fields.getInt(at, base + BYTES_OFFSET);
    }

    /** Number of the packet in its epoch, from 1. */
    public static long sequence(ByteBuffer at, int base) {
        return Fields.getLong(at, base + SEQUENCE_OFFSET);
    }

    /** Presentation time in ticks, or {@link FrameMetadata#NO_TIME}. */
    public static long pts(ByteBuffer at, int base) {
        return Fields.getLong(at, base + PTS_OFFSET);
    }

    /** Decoding time in ticks, or {@link FrameMetadata#NO_TIME}. */
    public static long dts(ByteBuffer at, int base) {
        return Fields.getLong(at, base + DTS_OFFSET);
    }

    /** Ticks, 0 when unknown. */
    public static long duration(ByteBuffer at, int base) {
        return Fields.getLong(at, base + DURATION_OFFSET);
    }

    /** Wall clock of the camera in nanoseconds since 1970, or {@link FrameMetadata#NO_TIME}. */
    public static long captureNanos(ByteBuffer at, int base) {
        return Fields.getLong(at, base + CAPTURE_NANOS_OFFSET);
    }

    /** CLOCK_MONOTONIC in nanoseconds when the publisher had it. */
    public static long publishNanos(ByteBuffer at, int base) {
        return Fields.getLong(at, base + PUBLISH_NANOS_OFFSET);
    }

    /** Bits of {@link io.github.cuframes.protocol.frame.FrameFlag}. */
    public static int flags(ByteBuffer at, int base) {
        return Fields.getInt(at, base + FLAGS_OFFSET);
    }

    /** Packets that this reader was not given since the one before. */
    public static int lostBefore(ByteBuffer at, int base) {
        return Fields.getInt(at, base + LOST_BEFORE_OFFSET);
    }
}
