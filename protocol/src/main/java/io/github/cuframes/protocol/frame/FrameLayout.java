package io.github.cuframes.protocol.frame;

import java.util.ArrayList;
import java.util.List;

/**
 * The geometry of a slot: every frame of one generation has the same.
 *
 * @param format the samples
 * @param width columns that are meant to be seen
 * @param height rows that are meant to be seen
 * @param planes one entry a plane of the format
 * @param size bytes of the slot; every plane lies inside
 */
public record FrameLayout(PixelFormat format, int width, int height, List<PlaneLayout> planes, long size) {

    /** The largest width and height, in pixels. */
    public static final int MAX_DIMENSION = 32_768;

    /** The largest slot, in bytes. */
    public static final long MAX_SIZE = 1L << 31;

    /** Checks that the planes are those of the format and lie inside the slot. */
    public FrameLayout {
        planes = List.copyOf(planes);
        checkDimension(width, "width");
        checkDimension(height, "height");
        check(size > 0 && size <= MAX_SIZE, "slot size", size);
        check(planes.size() == format.planeCount(), "number of planes", planes.size());
        for (int i = 0; i < planes.size(); i++) {
            PlaneLayout plane = planes.get(i);
            check(plane.offset() >= 0, "plane offset", plane.offset());
            check(plane.pitch() >= format.rowBytes(i, width), "plane pitch", plane.pitch());
            long end = plane.offset() + (long) plane.pitch() * (format.rows(i, height) - 1) + format.rowBytes(i, width);
            check(end <= size, "end of plane " + i, end);
        }
    }

    private static void checkDimension(int value, String what) {
        check(value > 0 && value <= MAX_DIMENSION, what, value);
    }

    private static void check(boolean valid, String what, long value) {
        if (!valid) {
            throw new IllegalArgumentException("frame layout: " + what + " " + value + " is out of range");
        }
    }

    /**
     * The usual layout: planes one after the other.
     *
     * @param pitchAlignment a power of two, in bytes, that every pitch and plane offset is a multiple of
     */
    public static FrameLayout of(PixelFormat format, int width, int height, int pitchAlignment) {
        return padded(format, width, height, width, height, pitchAlignment, 0);
    }

    /**
     * A layout with room around the picture, for decoders that write whole blocks.
     *
     * @param codedWidth columns that may be written, at least {@code width}
     * @param codedHeight rows that may be written, at least {@code height}
     * @param pitchAlignment a power of two, in bytes, that every pitch and plane offset is a multiple of
     * @param tail bytes after each plane that may be overwritten
     */
    public static FrameLayout padded(
            PixelFormat format, int width, int height, int codedWidth, int codedHeight, int pitchAlignment, int tail) {
        checkDimension(codedWidth, "coded width");
        checkDimension(codedHeight, "coded height");
        List<PlaneLayout> planes = new ArrayList<>();
        long offset = 0;
        for (int i = 0; i < format.planeCount(); i++) {
            long pitch = align(format.rowBytes(i, codedWidth), pitchAlignment);
            check(offset < MAX_SIZE, "plane offset", offset);
            planes.add(new PlaneLayout((int) offset, Math.toIntExact(pitch)));
            offset = align(offset + pitch * format.rows(i, codedHeight) + tail, pitchAlignment);
        }
        return new FrameLayout(format, width, height, planes, offset);
    }

    private static long align(long value, int alignment) {
        return (value + alignment - 1) & -alignment;
    }
}
