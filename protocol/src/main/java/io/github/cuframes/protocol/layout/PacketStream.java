package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import java.nio.ByteBuffer;

/** The bytes of a {@link PacketRecord#STREAM} record: 64, then the extradata. */
public final class PacketStream {

    static final int CODEC_OFFSET = 0;
    static final int WIDTH_OFFSET = CODEC_OFFSET + Integer.BYTES;
    static final int HEIGHT_OFFSET = WIDTH_OFFSET + Integer.BYTES;
    static final int TIME_BASE_NUMERATOR_OFFSET = HEIGHT_OFFSET + Integer.BYTES;
    static final int TIME_BASE_DENOMINATOR_OFFSET = TIME_BASE_NUMERATOR_OFFSET + Integer.BYTES;
    static final int FRAME_RATE_NUMERATOR_OFFSET = TIME_BASE_DENOMINATOR_OFFSET + Integer.BYTES;
    static final int FRAME_RATE_DENOMINATOR_OFFSET = FRAME_RATE_NUMERATOR_OFFSET + Integer.BYTES;

    /** Bytes before the extradata. */
    public static final int SIZE = 64;

    private PacketStream() {}

    /** Bytes that {@link #write} writes. */
    public static int bytes(PacketConfig config) {
        return SIZE + config.extradata().remaining();
    }

    /** Writes it all. */
    public static void write(ByteBuffer at, int base, PacketConfig config) {
        for (int i = 0; i < SIZE; i += Long.BYTES) {
            Fields.putLong(at, base + i, 0);
        }
        Fields.putInt(at, base + CODEC_OFFSET, config.codec().code());
        Fields.putInt(at, base + WIDTH_OFFSET, config.width());
        Fields.putInt(at, base + HEIGHT_OFFSET, config.height());
        Fields.putInt(at, base + TIME_BASE_NUMERATOR_OFFSET, config.timeBase().numerator());
        Fields.putInt(at, base + TIME_BASE_DENOMINATOR_OFFSET, config.timeBase().denominator());
        Fields.putInt(at, base + FRAME_RATE_NUMERATOR_OFFSET, config.frameRate().numerator());
        Fields.putInt(
                at, base + FRAME_RATE_DENOMINATOR_OFFSET, config.frameRate().denominator());
        ByteBuffer extradata = config.extradata();
        at.put(base + SIZE, extradata, extradata.position(), extradata.remaining());
    }

    /**
     * Reads it.
     *
     * @param bytes of the record
     * @throws IllegalArgumentException if it makes no sense
     */
    public static PacketConfig read(ByteBuffer at, int base, int bytes) {
        if (bytes < SIZE) {
            throw new IllegalArgumentException("a stream's record has " + SIZE + " bytes at least, not " + bytes);
        }
        return new PacketConfig(
                Codec.ofCode(Fields.getInt(at, base + CODEC_OFFSET)),
                Fields.getInt(at, base + WIDTH_OFFSET),
                Fields.getInt(at, base + HEIGHT_OFFSET),
                new Rational(
                        Fields.getInt(at, base + TIME_BASE_NUMERATOR_OFFSET),
                        Fields.getInt(at, base + TIME_BASE_DENOMINATOR_OFFSET)),
                new Rational(
                        Fields.getInt(at, base + FRAME_RATE_NUMERATOR_OFFSET),
                        Fields.getInt(at, base + FRAME_RATE_DENOMINATOR_OFFSET)),
                at.slice(base + SIZE, bytes - SIZE));
    }
}
