package io.github.cuframes.protocol.frame;

import java.util.Locale;

/** How packets are coded. The numbers are those of the wire and are never reused. */
public enum Codec {
    /** A number that this version does not know. */
    UNKNOWN(0),
    /** ITU-T H.264, AVC. */
    H264(1),
    /** ITU-T H.265, HEVC. */
    HEVC(2),
    /** AOMedia Video 1. */
    AV1(3),
    /** VP8. */
    VP8(4),
    /** VP9. */
    VP9(5),
    /** MPEG-4 part 2. */
    MPEG4(6),
    /** MPEG-2 video. */
    MPEG2(7),
    /** JPEG pictures. */
    MJPEG(8);

    private final int code;

    Codec(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The name as FFmpeg has it, but for {@link #MPEG2}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The codec with a wire number, {@link #UNKNOWN} for one that this version does not know. */
    public static Codec ofCode(int code) {
        return code > 0 && code < values().length ? values()[code] : UNKNOWN;
    }
}
