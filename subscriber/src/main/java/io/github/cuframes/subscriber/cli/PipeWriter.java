package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.subscriber.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;

/**
 * Writes frames of any format as 4:2:0 of 8 bits, all of one size: that of the first, or the one asked for. A frame that is
 * of this format and size already goes from its slot (or, if that is on a GPU, its download) to the channel. Not thread-safe.
 */
final class PipeWriter {

    private static final byte[] FRAME = "FRAME\n".getBytes(StandardCharsets.US_ASCII);
    private static final Rational USUAL_RATE = new Rational(25, 1);

    private final WritableByteChannel channel;
    private final PipeFormat format;
    private final Rational rate;
    private final PixelFormat layout;
    private int width;
    private int height;
    private boolean begun;

    private final Resampler[] resamplers = new Resampler[3];
    private byte[] picture = {};
    private ByteBuffer staging = ByteBuffer.allocateDirect(0);
    private final HostPixels pixels = new HostPixels();

    /**
     * A writer.
     *
     * @param width of the output in pixels; 0 for that of the first frame
     * @param height likewise
     * @param rate frames a second for the header, or unknown for what the source announces
     */
    PipeWriter(WritableByteChannel channel, PipeFormat format, int width, int height, Rational rate) {
        this.channel = channel;
        this.format = format;
        this.layout = format == PipeFormat.NV12 ? PixelFormat.NV12 : PixelFormat.YUV420P;
        this.width = width;
        this.height = height;
        this.rate = rate;
    }

    /** Writes a frame and waits until the channel has taken all of it. */
    void write(Frame frame) throws IOException {
        if (!begun) {
            begin(frame);
        }
        pixels.look(frame);
        boolean headed = format == PipeFormat.Y4M;
        if (frame.format() == layout && frame.width() == width && frame.height() == height) {
            if (headed) {
                writeFully(ByteBuffer.wrap(FRAME));
            }
            for (int i = 0; i < frame.planeCount(); i++) {
                writePlane(frame, i);
            }
            return;
        }
        convert(frame);
        int header = headed ? FRAME.length : 0;
        ByteBuffer out = stage(header + picture.length);
        out.put(FRAME, 0, header).put(picture).flip();
        writeFully(out);
    }

    private void begin(Frame frame) throws IOException {
        begun = true;
        width = width == 0 ? frame.width() : width;
        height = height == 0 ? frame.height() : height;
        if (format == PipeFormat.Y4M) {
            Rational shown = rate.isKnown() ? rate : frame.frameRate().isKnown() ? frame.frameRate() : USUAL_RATE;
            String header = "YUV4MPEG2 W" + width + " H" + height + " F" + shown.numerator() + ":" + shown.denominator()
                    + " Ip A0:0 C420mpeg2 XCOLORRANGE=" + (isFullRange(frame) ? "FULL" : "LIMITED") + "\n";
            writeFully(ByteBuffer.wrap(header.getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static boolean isFullRange(Frame frame) {
        return frame.colour().fullRange() && !Component.isRgb(frame.format());
    }

    /** The slot's own bytes where rows follow each other, else rows put together: fewer calls of the system. */
    private void writePlane(Frame frame, int plane) throws IOException {
        ByteBuffer bytes = pixels.plane(plane);
        int pitch = pixels.pitch(plane);
        int rowBytes = frame.rowBytes(plane);
        if (pitch == rowBytes) {
            writeFully(bytes);
            return;
        }
        int rows = frame.rows(plane);
        ByteBuffer out = stage(rows * rowBytes);
        for (int row = 0; row < rows; row++) {
            out.put(row * rowBytes, bytes, row * pitch, rowBytes);
        }
        writeFully(out);
    }

    private ByteBuffer stage(int size) {
        if (staging.capacity() < size) {
            staging = ByteBuffer.allocateDirect(size);
        }
        return staging.clear().limit(size);
    }

    private void convert(Frame frame) {
        Component[] components = Component.isRgb(frame.format()) ? yuvOfRgb(frame) : Component.of(frame, pixels);
        int chromaWidth = (width + 1) / 2;
        int chromaHeight = (height + 1) / 2;
        int luma = width * height;
        int chroma = chromaWidth * chromaHeight;
        if (picture.length != luma + 2 * chroma) {
            picture = new byte[luma + 2 * chroma];
        }
        resample(0, components[0], width, height, 0, 1);
        for (int i = 1; i <= 2; i++) {
            boolean interleaved = layout == PixelFormat.NV12;
            int offset = interleaved ? luma + i - 1 : luma + (i - 1) * chroma;
            if (i < components.length) {
                resample(i, components[i], chromaWidth, chromaHeight, offset, interleaved ? 2 : 1);
            } else {
                for (int k = 0; k < chroma; k++) {
                    picture[offset + k * (interleaved ? 2 : 1)] = (byte) 128;
                }
            }
        }
    }

    private void resample(int index, Component source, int toWidth, int toHeight, int offset, int stride) {
        if (resamplers[index] == null || !resamplers[index].fits(source)) {
            resamplers[index] = new Resampler(source.width(), source.height(), toWidth, toHeight);
        }
        resamplers[index].run(source, picture, offset, stride);
    }

    private Component[] yuvOfRgb(Frame frame) {
        int columns = frame.width();
        int rows = frame.height();
        Component[] rgb = Component.of(frame, pixels);
        byte[][] yuv = new byte[3][columns * rows];
        int[][] line = new int[3][columns];
        Colour limited = new Colour(false, 2, 2, frame.colour().matrix());
        ColourMatrix matrix = ColourMatrix.of(limited, rows);
        for (int row = 0; row < rows; row++) {
            for (int i = 0; i < 3; i++) {
                rgb[i].readRow(row, line[i]);
            }
            for (int x = 0; x < columns; x++) {
                int value = matrix.toYuv(line[0][x], line[1][x], line[2][x]);
                yuv[0][row * columns + x] = (byte) (value >> 16);
                yuv[1][row * columns + x] = (byte) (value >> 8);
                yuv[2][row * columns + x] = (byte) value;
            }
        }
        return new Component[] {
            Component.of(yuv[0], columns, rows),
            Component.of(yuv[1], columns, rows),
            Component.of(yuv[2], columns, rows)
        };
    }

    private void writeFully(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
