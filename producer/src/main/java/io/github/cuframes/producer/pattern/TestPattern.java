package io.github.cuframes.producer.pattern;

import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Draws the test pattern: colour bars, a block that moves between the upper and the middle strip of the
 * {@link FrameCode}, the frame number in digits between the middle and the lower one.
 *
 * <p>Every visible sample is written each time, because slots come back in any order; rows are copied from ones made
 * beforehand. Immutable, and rendering allocates nothing, so that threads may share an instance.
 */
public final class TestPattern {

    /** What the samples mean: BT.709, limited range. */
    public static final Colour COLOUR = new Colour(false, 1, 1, 1);

    private static final int BLACK = 16;
    private static final int WHITE = 235;
    private static final int NEUTRAL = 128;
    private static final int DIGITS = 10;
    private static final int MIN_DIGITS = 6;
    private static final int ADVANCE = DigitFont.WIDTH + 1;

    // white, yellow, cyan, green, magenta, red, blue, black at 75 %: Y, U, V
    private static final int[][] BARS = {
        {180, 128, 128}, {168, 44, 136}, {145, 147, 44}, {133, 63, 52},
        {63, 193, 204}, {51, 109, 212}, {28, 212, 120}, {16, 128, 128},
    };

    private final FrameLayout layout;
    private final int tag;
    private final int cell;
    private final int dot;
    private final int digitsTop;
    private final int blockTop;
    private final byte[] bars;
    private final byte[] block;
    private final byte[] ink;
    private final byte[] paper;
    private final byte[][] colour;
    private final byte[][] colourBesideCode;

    /**
     * A pattern for slots of a layout.
     *
     * @param layout {@link PixelFormat#YUV420P} or {@link PixelFormat#NV12}, at least 160x120
     * @param tag tells streams apart in the frame code, 0 to 65535
     * @throws IllegalArgumentException if the pattern cannot be drawn in that layout
     */
    public TestPattern(FrameLayout layout, int tag) {
        if (layout.format() != PixelFormat.YUV420P && layout.format() != PixelFormat.NV12) {
            throw new IllegalArgumentException("the test pattern is drawn in yuv420p or nv12, not "
                    + layout.format().label());
        }
        this.layout = layout;
        this.tag = tag;
        int width = layout.width();
        int height = layout.height();
        if (width < FrameCode.MIN_WIDTH || height < FrameCode.MIN_HEIGHT) {
            throw new IllegalArgumentException("the test pattern takes at least " + FrameCode.MIN_WIDTH + "x"
                    + FrameCode.MIN_HEIGHT + ", not " + width + "x" + height);
        }
        if ((tag & ~0xFFFF) != 0) {
            throw new IllegalArgumentException("a stream tag is 0 to 65535, not " + tag);
        }
        cell = FrameCode.cell(width, height);
        int strip = FrameCode.ROWS * cell;
        int middle = FrameCode.stripTop(1, width, height);
        int bottom = FrameCode.stripTop(2, width, height);
        int gap = bottom - middle - strip;
        // one dot of margin around the digits
        dot = Math.max(
                1, Math.min(height / 90, Math.min(gap / (DigitFont.HEIGHT + 2), width / (DIGITS * ADVANCE + 2))));
        digitsTop = middle + strip + (gap - digitsHeight()) / 2;
        blockTop = strip + (middle - strip - cell) / 2;

        bars = lumaBars(width);
        block = new byte[2 * width];
        ink = filled(dot, WHITE);
        paper = filled((DIGITS * ADVANCE + 2) * dot, BLACK);
        Arrays.fill(block, (byte) BLACK);
        Arrays.fill(block, width, width + 2 * cell, (byte) WHITE);
        int quiet = Math.max(FrameCode.COLUMNS * cell, paper.length);
        colour = chromaRows(0);
        colourBesideCode = chromaRows(quiet);
    }

    private static byte[] filled(int length, int value) {
        byte[] samples = new byte[length];
        Arrays.fill(samples, (byte) value);
        return samples;
    }

    private static byte[] lumaBars(int width) {
        byte[] row = new byte[width];
        for (int x = 0; x < width; x++) {
            row[x] = (byte) BARS[x * BARS.length / width][0];
        }
        return row;
    }

    /** A row for each plane of chroma, without colour in the first {@code quiet} columns of the picture. */
    private byte[][] chromaRows(int quiet) {
        PixelFormat format = layout.format();
        int planes = format.planeCount() - 1;
        byte[][] rows = new byte[planes][];
        for (int plane = 0; plane < planes; plane++) {
            rows[plane] = new byte[format.rowBytes(plane + 1, layout.width())];
            for (int i = 0; i < rows[plane].length; i++) {
                boolean interleaved = format == PixelFormat.NV12;
                int x = (interleaved ? i / 2 : i) << format.chromaShiftX();
                int component = interleaved ? 1 + i % 2 : 1 + plane;
                rows[plane][i] = (byte) (x < quiet ? NEUTRAL : BARS[x * BARS.length / layout.width()][component]);
            }
        }
        return rows;
    }

    private int digitsHeight() {
        return (DigitFont.HEIGHT + 2) * dot;
    }

    /** The layout that this pattern is for. */
    public FrameLayout layout() {
        return layout;
    }

    /**
     * Draws a frame.
     *
     * @param slot bytes of a slot of {@link #layout()}; only absolute puts are used
     * @param number the frame's number; its low 32 bits are drawn
     */
    public void render(ByteBuffer slot, long number) {
        renderLuma(slot, number);
        for (int plane = 1; plane < layout.planes().size(); plane++) {
            renderChroma(slot, plane);
        }
        PlaneLayout luma = layout.planes().get(0);
        renderDigits(slot, luma, number & 0xFFFF_FFFFL);
        FrameCode.write(slot, luma.offset(), luma.pitch(), layout.width(), layout.height(), (int) number, tag);
    }

    private void renderLuma(ByteBuffer slot, long number) {
        PlaneLayout luma = layout.planes().get(0);
        int width = layout.width();
        int blockLeft = (int) ((number & 0xFFFF_FFFFL) * (cell / 4) % width);
        for (int y = 0; y < layout.height(); y++) {
            int at = luma.offset() + y * luma.pitch();
            if (y >= blockTop && y < blockTop + cell) {
                slot.put(at, block, width - blockLeft, width);
            } else {
                slot.put(at, bars, 0, width);
            }
        }
    }

    private void renderChroma(ByteBuffer slot, int index) {
        PlaneLayout plane = layout.planes().get(index);
        int shift = layout.format().chromaShiftY();
        int rows = layout.format().rows(index, layout.height());
        for (int row = 0; row < rows; row++) {
            byte[] samples = (isQuiet(row << shift) ? colourBesideCode : colour)[index - 1];
            slot.put(plane.offset() + row * plane.pitch(), samples, 0, samples.length);
        }
    }

    private boolean isQuiet(int y) {
        for (int strip = 0; strip < FrameCode.STRIPS; strip++) {
            int top = FrameCode.stripTop(strip, layout.width(), layout.height());
            if (y >= top && y < top + FrameCode.ROWS * cell) {
                return true;
            }
        }
        return y >= digitsTop && y < digitsTop + digitsHeight();
    }

    private void renderDigits(ByteBuffer slot, PlaneLayout luma, long number) {
        int digits = MIN_DIGITS;
        for (long rest = number / 1_000_000; rest > 0; rest /= 10) {
            digits++;
        }
        int paperWidth = (digits * ADVANCE + 1) * dot;
        for (int y = 0; y < digitsHeight(); y++) {
            slot.put(luma.offset() + (digitsTop + y) * luma.pitch(), paper, 0, paperWidth);
        }
        long rest = number;
        for (int place = digits - 1; place >= 0; place--) {
            renderDigit(slot, luma, (int) (rest % 10), (1 + place * ADVANCE) * dot);
            rest /= 10;
        }
    }

    private void renderDigit(ByteBuffer slot, PlaneLayout luma, int digit, int left) {
        for (int dotY = 0; dotY < DigitFont.HEIGHT; dotY++) {
            for (int dotX = 0; dotX < DigitFont.WIDTH; dotX++) {
                if (DigitFont.dot(digit, dotX, dotY)) {
                    int at = luma.offset() + (digitsTop + (1 + dotY) * dot) * luma.pitch() + left + dotX * dot;
                    for (int y = 0; y < dot; y++) {
                        slot.put(at + y * luma.pitch(), ink, 0, dot);
                    }
                }
            }
        }
    }
}
