package io.github.cuframes.protocol.frame;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * What holds for packets until it changes.
 *
 * @param codec how they are coded
 * @param width of the pictures in pixels; 0 when the source does not say
 * @param height likewise
 * @param timeBase seconds of one tick of a packet's times
 * @param frameRate pictures a second as the source announces them, or unknown
 * @param extradata what a decoder wants before the first packet, as the source gives it: for H.264 and HEVC a record as in
 *     MP4 files (then every NAL unit of a packet has its length before it) or parameter sets behind start codes (then so has
 *     every NAL unit); at most {@link #MAX_EXTRADATA} bytes. Read-only, and the caller's to move through.
 */
public record PacketConfig(
        Codec codec, int width, int height, Rational timeBase, Rational frameRate, ByteBuffer extradata) {

    /** The most bytes of extradata. */
    public static final int MAX_EXTRADATA = 16_384;

    /** Copies the extradata, and checks the rest. */
    public PacketConfig {
        Objects.requireNonNull(codec, "codec");
        Objects.requireNonNull(timeBase, "timeBase");
        Objects.requireNonNull(frameRate, "frameRate");
        check(width >= 0 && width <= FrameLayout.MAX_DIMENSION, "width", width);
        check(height >= 0 && height <= FrameLayout.MAX_DIMENSION, "height", height);
        check(extradata.remaining() <= MAX_EXTRADATA, "size of extradata", extradata.remaining());
        if (!timeBase.isKnown()) {
            throw new IllegalArgumentException("packets need a time base");
        }
        extradata = ByteBuffer.allocate(extradata.remaining())
                .put(extradata.duplicate())
                .flip()
                .asReadOnlyBuffer();
    }

    private static void check(boolean valid, String what, int value) {
        if (!valid) {
            throw new IllegalArgumentException("packets: " + what + " " + value + " is out of range");
        }
    }

    @Override
    public ByteBuffer extradata() {
        return extradata.duplicate();
    }
}
