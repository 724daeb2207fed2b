package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Codec;
import java.util.Arrays;

/**
 * An MPEG transport stream (ISO/IEC 13818-1) of one video stream of H.264 or HEVC: tables before each keyframe, a PES packet for
 * each access unit, its clock in the first transport packet of each. Not thread-safe.
 */
final class TransportStream {

    /** Stands for a time that is not known. */
    static final long NO_TIME = Long.MIN_VALUE;

    private static final int PACKET_SIZE = 188;
    private static final int HEADER_SIZE = 4;
    private static final int PAYLOAD_SIZE = PACKET_SIZE - HEADER_SIZE;
    private static final int TABLE_PID = 0x1000;
    private static final int VIDEO_PID = 0x100;

    /** A packet arrives so long before it is decoded, in parts of 90,000 of a second. */
    private static final long ARRIVES_BEFORE = 45_000;

    /** Bytes of an adaptation field with a clock. */
    private static final int CLOCK_SIZE = 8;

    private byte[] out = new byte[64 << 10];
    private int length;

    private int tableCounter;
    private int programCounter;
    private int videoCounter;

    private Codec codec = Codec.UNKNOWN;
    private int version = -1;
    private long lastClock = NO_TIME;

    private final byte[] header = new byte[19];

    /** What was written since {@link #clear()}, from 0 to {@link #length()}. */
    byte[] bytes() {
        return out;
    }

    int length() {
        return length;
    }

    /** Forgets what was written. */
    void clear() {
        length = 0;
    }

    /**
     * Writes an access unit.
     *
     * @param bytes from 0 to size, with start codes and beginning with a delimiter
     * @param pts presentation time in parts of 90,000 of a second, or {@link #NO_TIME}
     * @param dts decoding time, likewise
     * @param breaks whether times do not go on from the access unit before
     */
    void write(Codec coded, byte[] bytes, int size, long pts, long dts, boolean key, boolean breaks) {
        if (coded != codec) {
            codec = coded;
            version = version + 1 & 0x1F;
            putTables();
        } else if (key) {
            putTables();
        }
        long clock = clock(dts != NO_TIME ? dts : pts, breaks);
        int headerSize = pesHeader(pts, dts == NO_TIME ? pts : dts);
        int total = headerSize + size;
        for (int at = 0; at < total; ) {
            boolean first = at == 0;
            boolean timed = first && clock != NO_TIME;
            int flags = first ? (breaks ? 0x80 : 0) | (key ? 0x40 : 0) : 0;
            int adaptation = timed ? CLOCK_SIZE : flags != 0 ? 2 : 0;
            int payload = Math.min(PAYLOAD_SIZE - adaptation, total - at);
            adaptation = PAYLOAD_SIZE - payload;
            putHeader(VIDEO_PID, first, adaptation > 0, videoCounter);
            videoCounter = videoCounter + 1 & 0xF;
            putAdaptation(adaptation, flags, timed ? clock : NO_TIME);
            int fromHeader = Math.max(0, Math.min(headerSize - at, payload));
            put(header, at, fromHeader);
            put(bytes, at + fromHeader - headerSize, payload - fromHeader);
            at += payload;
        }
    }

    /** The clock that goes with an access unit: it never goes back but at a break. */
    private long clock(long time, boolean breaks) {
        if (time == NO_TIME || !breaks && lastClock != NO_TIME && time <= lastClock) {
            return NO_TIME;
        }
        lastClock = time;
        return time - ARRIVES_BEFORE;
    }

    /** Prepares the PES header; its size. */
    private int pesHeader(long pts, long dts) {
        boolean timed = pts != NO_TIME;
        boolean both = timed && dts != pts;
        int times = both ? 10 : timed ? 5 : 0;
        byte[] start = {0, 0, 1, (byte) 0xE0, 0, 0, (byte) 0x84, (byte) (both ? 0xC0 : timed ? 0x80 : 0), (byte) times};
        System.arraycopy(start, 0, header, 0, start.length);
        if (timed) {
            putTime(start.length, both ? 3 : 2, pts);
        }
        if (both) {
            putTime(start.length + 5, 1, dts);
        }
        return start.length + times;
    }

    private void putTime(int at, int mark, long time) {
        header[at] = (byte) (mark << 4 | (int) (time >> 29) & 0x0E | 1);
        header[at + 1] = (byte) (time >> 22);
        header[at + 2] = (byte) (time >> 14 | 1);
        header[at + 3] = (byte) (time >> 7);
        header[at + 4] = (byte) (time << 1 | 1);
    }

    private void putTables() {
        putTable(0, tableCounter, new byte[] {
            0x00, (byte) 0xB0, 13, 0, 1, (byte) 0xC1, 0, 0, 0, 1, (byte) (0xE0 | TABLE_PID >> 8), (byte) TABLE_PID
        });
        tableCounter = tableCounter + 1 & 0xF;
        int streamType = codec == Codec.HEVC ? 0x24 : 0x1B;
        byte pidHigh = (byte) (0xE0 | VIDEO_PID >> 8);
        putTable(TABLE_PID, programCounter, new byte[] {
            0x02,
            (byte) 0xB0,
            18,
            0,
            1,
            (byte) (0xC1 | version << 1),
            0,
            0,
            pidHigh,
            (byte) VIDEO_PID,
            (byte) 0xF0,
            0,
            (byte) streamType,
            pidHigh,
            (byte) VIDEO_PID,
            (byte) 0xF0,
            0
        });
        programCounter = programCounter + 1 & 0xF;
    }

    private void putTable(int pid, int counter, byte[] section) {
        putHeader(pid, true, false, counter);
        int begin = length;
        put(new byte[] {0}, 0, 1);
        put(section, 0, section.length);
        int sum = checksum(section);
        put(new byte[] {(byte) (sum >> 24), (byte) (sum >> 16), (byte) (sum >> 8), (byte) sum}, 0, 4);
        fill(begin + PAYLOAD_SIZE - length);
    }

    /** The CRC of tables: bits from the left, all ones at first. */
    private static int checksum(byte[] bytes) {
        int sum = -1;
        for (byte value : bytes) {
            sum ^= value << 24;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                sum = sum << 1 ^ (sum < 0 ? 0x04C11DB7 : 0);
            }
        }
        return sum;
    }

    private void putHeader(int pid, boolean begins, boolean adapted, int counter) {
        reserve(PACKET_SIZE);
        out[length++] = 0x47;
        out[length++] = (byte) ((begins ? 0x40 : 0) | pid >> 8);
        out[length++] = (byte) pid;
        out[length++] = (byte) ((adapted ? 0x30 : 0x10) | counter);
    }

    /** An adaptation field of so many bytes in all, filled up. */
    private void putAdaptation(int size, int flags, long clock) {
        if (size == 0) {
            return;
        }
        int endOfField = length + size;
        out[length++] = (byte) (size - 1);
        if (size > 1) {
            out[length++] = (byte) (flags | (clock == NO_TIME ? 0 : 0x10));
        }
        if (clock != NO_TIME) {
            out[length++] = (byte) (clock >> 25);
            out[length++] = (byte) (clock >> 17);
            out[length++] = (byte) (clock >> 9);
            out[length++] = (byte) (clock >> 1);
            out[length++] = (byte) (clock << 7 | 0x7E);
            out[length++] = 0;
        }
        fill(endOfField - length);
    }

    private void fill(int count) {
        Arrays.fill(out, length, length + count, (byte) 0xFF);
        length += count;
    }

    private void put(byte[] from, int at, int count) {
        if (count > 0) {
            System.arraycopy(from, at, out, length, count);
            length += count;
        }
    }

    private void reserve(int count) {
        if (out.length - length < count) {
            out = Arrays.copyOf(out, 2 * out.length);
        }
    }
}
