package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.subscriber.Frame;
import java.nio.ByteBuffer;

/**
 * One component of a picture (Y, U, V, R, G or B), wherever it lies, as samples of 8 bits. Not thread-safe.
 *
 * @param plane holds it; only absolute gets are used
 * @param offset bytes from the beginning of a row to its first sample
 * @param stride bytes from one sample to the next
 * @param pitch bytes from one row to the next
 * @param shift bits to drop from a 16-bit word to get 8; 0 for samples of one byte
 * @param width samples in a row
 * @param height rows
 */
record Component(ByteBuffer plane, int offset, int stride, int pitch, int shift, int width, int height) {

    /**
     * The components of a frame in the order of its format's name, alpha left out.
     *
     * @param pixels of the frame, which bound how long the components are valid
     */
    static Component[] of(Frame frame, HostPixels pixels) {
        PixelFormat format = frame.format();
        return switch (format) {
            case NV12, P010 ->
                new Component[] {
                    planar(frame, pixels, 0), interleaved(frame, pixels, 1, 0), interleaved(frame, pixels, 1, 1)
                };
            case YUV420P, YUV422P, YUV444P, YUV420P10, YUV422P10, YUV444P10 ->
                new Component[] {planar(frame, pixels, 0), planar(frame, pixels, 1), planar(frame, pixels, 2)};
            case GRAY8 -> new Component[] {planar(frame, pixels, 0)};
            case RGB24 -> packed(frame, pixels, 3, 0, 1, 2);
            case BGR24 -> packed(frame, pixels, 3, 2, 1, 0);
            case RGBA -> packed(frame, pixels, 4, 0, 1, 2);
            case BGRA -> packed(frame, pixels, 4, 2, 1, 0);
            default -> throw new IllegalArgumentException("pictures of " + format.label() + " cannot be converted");
        };
    }

    static boolean isRgb(PixelFormat format) {
        return switch (format) {
            case RGB24, BGR24, RGBA, BGRA -> true;
            default -> false;
        };
    }

    /** A component of bytes without gaps. */
    static Component of(byte[] samples, int width, int height) {
        return new Component(ByteBuffer.wrap(samples), 0, 1, width, 0, width, height);
    }

    private static Component planar(Frame frame, HostPixels pixels, int plane) {
        int shift = shift(frame.format());
        int size = shift == 0 ? 1 : 2;
        return new Component(
                pixels.plane(plane),
                0,
                size,
                pixels.pitch(plane),
                shift,
                frame.rowBytes(plane) / size,
                frame.rows(plane));
    }

    private static Component interleaved(Frame frame, HostPixels pixels, int plane, int index) {
        int shift = shift(frame.format());
        int size = shift == 0 ? 1 : 2;
        return new Component(
                pixels.plane(plane),
                index * size,
                2 * size,
                pixels.pitch(plane),
                shift,
                frame.rowBytes(plane) / (2 * size),
                frame.rows(plane));
    }

    private static Component[] packed(Frame frame, HostPixels pixels, int stride, int... offsets) {
        Component[] components = new Component[offsets.length];
        for (int i = 0; i < offsets.length; i++) {
            components[i] = new Component(
                    pixels.plane(0), offsets[i], stride, pixels.pitch(0), 0, frame.width(), frame.height());
        }
        return components;
    }

    private static int shift(PixelFormat format) {
        return switch (format) {
            case P010 -> 8;
            case YUV420P10, YUV422P10, YUV444P10 -> 2;
            default -> 0;
        };
    }

    /** Reads a row into the beginning of an array, 0 to 255 each. */
    void readRow(int row, int[] samples) {
        int at = row * pitch + offset;
        if (shift == 0) {
            for (int i = 0; i < width; i++) {
                samples[i] = plane.get(at + i * stride) & 0xFF;
            }
        } else {
            int half = 1 << (shift - 1);
            for (int i = 0; i < width; i++) {
                int low = plane.get(at + i * stride) & 0xFF;
                int high = plane.get(at + i * stride + 1) & 0xFF;
                samples[i] = Math.min(255, ((high << 8 | low) + half) >> shift);
            }
        }
    }
}
