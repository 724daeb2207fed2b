package io.github.cuframes.protocol.frame;

import java.util.Locale;
import java.util.Optional;

/**
 * How the samples of a frame lie in memory. The numbers are those of the wire and are never reused; 0 is not a format.
 *
 * <p>Samples of more than 8 bits are little-endian in 16-bit words.
 */
public enum PixelFormat {
    /** 4:2:0, a plane of Y and a plane of interleaved U and V, 8 bits. */
    NV12(1, 1, 1, plane(0, 0, 1), plane(1, 1, 2)),
    /** 4:2:0, planes Y, U, V, 8 bits. */
    YUV420P(2, 1, 1, plane(0, 0, 1), plane(1, 1, 1), plane(1, 1, 1)),
    /** 4:2:2, planes Y, U, V, 8 bits. */
    YUV422P(3, 1, 0, plane(0, 0, 1), plane(1, 0, 1), plane(1, 0, 1)),
    /** 4:4:4, planes Y, U, V, 8 bits. */
    YUV444P(4, 0, 0, plane(0, 0, 1), plane(0, 0, 1), plane(0, 0, 1)),
    /** One plane of Y, 8 bits. */
    GRAY8(5, 0, 0, plane(0, 0, 1)),
    /** 4:2:0, a plane of Y and a plane of interleaved U and V, 10 bits in the high bits of 16. */
    P010(6, 1, 1, plane(0, 0, 2), plane(1, 1, 4)),
    /** 4:2:0, planes Y, U, V, 10 bits in the low bits of 16. */
    YUV420P10(7, 1, 1, plane(0, 0, 2), plane(1, 1, 2), plane(1, 1, 2)),
    /** One plane, bytes R, G, B. */
    RGB24(8, 0, 0, plane(0, 0, 3)),
    /** One plane, bytes B, G, R. */
    BGR24(9, 0, 0, plane(0, 0, 3)),
    /** One plane, bytes R, G, B, A. */
    RGBA(10, 0, 0, plane(0, 0, 4)),
    /** One plane, bytes B, G, R, A. */
    BGRA(11, 0, 0, plane(0, 0, 4)),
    /** 4:2:2, planes Y, U, V, 10 bits in the low bits of 16. */
    YUV422P10(12, 1, 0, plane(0, 0, 2), plane(1, 0, 2), plane(1, 0, 2)),
    /** 4:4:4, planes Y, U, V, 10 bits in the low bits of 16. */
    YUV444P10(13, 0, 0, plane(0, 0, 2), plane(0, 0, 2), plane(0, 0, 2));

    /** The most planes that a format has. */
    public static final int MAX_PLANES = 4;

    private record Plane(int shiftX, int shiftY, int bytesPerColumn) {}

    private static final PixelFormat[] BY_CODE = new PixelFormat[values().length + 1];

    static {
        for (PixelFormat format : values()) {
            if (BY_CODE[format.code] != null) {
                throw new ExceptionInInitializerError("two pixel formats have the code " + format.code);
            }
            BY_CODE[format.code] = format;
        }
    }

    private final int code;
    private final int chromaShiftX;
    private final int chromaShiftY;
    private final Plane[] planes;

    PixelFormat(int code, int chromaShiftX, int chromaShiftY, Plane... planes) {
        this.code = code;
        this.chromaShiftX = chromaShiftX;
        this.chromaShiftY = chromaShiftY;
        this.planes = planes;
    }

    private static Plane plane(int shiftX, int shiftY, int bytesPerColumn) {
        return new Plane(shiftX, shiftY, bytesPerColumn);
    }

    /** The number of this format on the wire. */
    public int code() {
        return code;
    }

    /** The format with a wire number, or nothing for a number that this version does not know. */
    public static Optional<PixelFormat> ofCode(int code) {
        return code > 0 && code < BY_CODE.length ? Optional.of(BY_CODE[code]) : Optional.empty();
    }

    /** The number of planes, 1 to {@link #MAX_PLANES}. */
    public int planeCount() {
        return planes.length;
    }

    /** log2 of the horizontal subsampling of chroma. */
    public int chromaShiftX() {
        return chromaShiftX;
    }

    /** log2 of the vertical subsampling of chroma. */
    public int chromaShiftY() {
        return chromaShiftY;
    }

    /** The bytes of one row of a plane that carry samples (the pitch may be larger), for a frame {@code width} wide. */
    public int rowBytes(int plane, int width) {
        Plane p = planes[plane];
        return ceilShift(width, p.shiftX) * p.bytesPerColumn;
    }

    /** The rows of a plane, for a frame {@code height} high. */
    public int rows(int plane, int height) {
        return ceilShift(height, planes[plane].shiftY);
    }

    private static int ceilShift(int value, int shift) {
        return (value + (1 << shift) - 1) >> shift;
    }

    /** The name as commands print it: lower case, as FFmpeg spells it. */
    public String label() {
        return switch (this) {
            case P010, YUV420P10, YUV422P10, YUV444P10 -> name().toLowerCase(Locale.ROOT) + "le";
            case GRAY8 -> "gray";
            default -> name().toLowerCase(Locale.ROOT);
        };
    }
}
