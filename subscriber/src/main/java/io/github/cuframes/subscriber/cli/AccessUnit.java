package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.PacketConfig;
import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A packet of H.264 or HEVC as NAL units behind start codes (Annex B), from either form that sources give; a keyframe with its
 * parameter sets before it, so that decoding can begin at each. One object is used for all packets of a stream, not by several
 * threads at a time.
 */
final class AccessUnit {

    private static final byte[] START_CODE = {0, 0, 0, 1};

    private final boolean hevc;
    /** Bytes of the length before each NAL unit; 0: start codes are between them. */
    private final int lengthSize;

    private final byte[] parameterSets;
    private final boolean delimited;

    private byte[] in = {};
    private int end;
    private int nalAt;
    private int nalEnd;
    private int next;

    private byte[] out = {};
    private int length;

    /**
     * Prepares for packets.
     *
     * @param config of the packets, whose codec is H.264 or HEVC
     * @param delimited whether each access unit is to begin with a delimiter
     * @throws IllegalArgumentException if the extradata is damaged
     */
    AccessUnit(PacketConfig config, boolean delimited) {
        this.hevc = config.codec() == Codec.HEVC;
        this.delimited = delimited;
        ByteBuffer extradata = config.extradata();
        boolean record = extradata.hasRemaining() && extradata.get(0) == 1;
        try {
            lengthSize = record ? (extradata.get(hevc ? 21 : 4) & 3) + 1 : 0;
            parameterSets = record ? fromRecord(extradata) : copy(extradata);
        } catch (IndexOutOfBoundsException | BufferUnderflowException e) {
            throw new IllegalArgumentException("the stream's extradata is damaged: it ends too early", e);
        }
    }

    private static byte[] copy(ByteBuffer bytes) {
        byte[] copy = new byte[bytes.remaining()];
        bytes.get(copy);
        return copy;
    }

    private byte[] fromRecord(ByteBuffer record) {
        ByteArrayOutputStream sets = new ByteArrayOutputStream();
        if (hevc) {
            record.position(22);
            for (int arrays = record.get() & 0xFF; arrays > 0; arrays--) {
                record.get();
                addSets(record, record.getShort() & 0xFFFF, sets);
            }
        } else {
            record.position(5);
            addSets(record, record.get() & 0x1F, sets);
            addSets(record, record.get() & 0xFF, sets);
        }
        return sets.toByteArray();
    }

    private static void addSets(ByteBuffer record, int count, ByteArrayOutputStream sets) {
        for (int i = 0; i < count; i++) {
            byte[] set = new byte[record.getShort() & 0xFFFF];
            record.get(set);
            sets.writeBytes(START_CODE);
            sets.writeBytes(set);
        }
    }

    /**
     * Takes a packet; {@link #bytes()} and {@link #length()} have the outcome then.
     *
     * @return false if the packet is damaged: a NAL unit reaches beyond it, and what comes before that was taken
     */
    boolean take(ByteBuffer packet, boolean key) {
        load(packet);
        boolean needsSets = key && !hasParameterSets();
        length = 0;
        if (delimited) {
            putDelimiter();
        }
        rewind();
        boolean whole = true;
        while (next()) {
            if (nalEnd > end) {
                whole = false;
                break;
            }
            boolean delimiter = type() == (hevc ? 35 : 9);
            if (delimiter && delimited) {
                continue;
            }
            if (!delimiter && needsSets) {
                needsSets = false;
                put(parameterSets, 0, parameterSets.length);
            }
            put(START_CODE, 0, START_CODE.length);
            put(in, nalAt, nalEnd - nalAt);
        }
        return whole;
    }

    /** The access unit, from 0 to {@link #length()}; until the next packet. */
    byte[] bytes() {
        return out;
    }

    int length() {
        return length;
    }

    private void load(ByteBuffer packet) {
        end = packet.remaining();
        if (in.length < end) {
            in = new byte[end + end / 2];
        }
        packet.get(in, 0, end);
        rewind();
    }

    private void rewind() {
        next = lengthSize > 0 ? 0 : afterStartCode(0);
    }

    /** Whether there is a sequence's parameter set before the first slice. */
    private boolean hasParameterSets() {
        while (next() && nalEnd <= end) {
            int type = type();
            if (type == (hevc ? 33 : 7)) {
                return true;
            }
            if (hevc ? type < 32 : type >= 1 && type <= 5) {
                return false;
            }
        }
        return false;
    }

    private int type() {
        return hevc ? in[nalAt] >> 1 & 0x3F : in[nalAt] & 0x1F;
    }

    private void putDelimiter() {
        put(START_CODE, 0, START_CODE.length);
        // any kind of slice may follow
        byte[] delimiter = hevc ? new byte[] {0x46, 0x01, 0x50} : new byte[] {0x09, (byte) 0xF0};
        put(delimiter, 0, delimiter.length);
    }

    private void put(byte[] from, int at, int count) {
        if (out.length - length < count) {
            out = Arrays.copyOf(out, Math.max(length + count, 2 * out.length));
        }
        System.arraycopy(from, at, out, length, count);
        length += count;
    }

    /** Goes to the next NAL unit that is not empty; its end is beyond the packet's if the packet is damaged. */
    private boolean next() {
        while (next < end) {
            if (lengthSize > 0) {
                if (end - next < lengthSize) {
                    nalAt = next;
                    nalEnd = Integer.MAX_VALUE;
                    return true;
                }
                long size = 0;
                for (int i = 0; i < lengthSize; i++) {
                    size = size << Byte.SIZE | in[next + i] & 0xFF;
                }
                nalAt = next + lengthSize;
                nalEnd = (int) Math.min(Integer.MAX_VALUE, nalAt + size);
                next = nalEnd;
            } else {
                nalAt = next;
                next = afterStartCode(nalAt);
                nalEnd = next > end ? end : next - 3;
                while (nalEnd > nalAt && in[nalEnd - 1] == 0) {
                    nalEnd--;
                }
            }
            if (nalEnd > nalAt) {
                return true;
            }
        }
        return false;
    }

    /** The index behind the next 00 00 01, or beyond the end if there is none. */
    private int afterStartCode(int from) {
        for (int i = from; i + 2 < end; i++) {
            if (in[i] == 0 && in[i + 1] == 0 && in[i + 2] == 1) {
                return i + 3;
            }
        }
        return end + 1;
    }
}
