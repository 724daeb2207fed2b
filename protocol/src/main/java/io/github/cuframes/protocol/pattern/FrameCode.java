package io.github.cuframes.protocol.pattern;

import io.github.cuframes.protocol.frame.FrameLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * A frame number written into the luma plane as black and white cells that survive lossy coding, three times over, so
 * that a picture made of parts of two frames is seen to be one. {@code docs/test-pattern.md} says the same for readers
 * in other languages.
 *
 * <p><b>Cells.</b> A cell is a square of {@code cell = 8 * max(1, min(width / 640, height / 360))} luma samples
 * (integer division): 8 up to 1279x719, 16 at 1280x720, 24 at 1920x1080, 48 at 3840x2160. So a picture scaled between
 * whole multiples of 640x360 stays readable. Black is 16, white is 235. The picture is at least 160x120.
 *
 * <p><b>Strips.</b> A strip is 18 cells wide and 4 cells high; its left edge is column 0 of the picture. The same strip
 * stands at three places; its uppermost row is
 *
 * <pre>
 *   top     0
 *   middle  (height - 4 * cell) / 2, rounded down to a multiple of cell
 *   bottom  height - 4 * cell
 * </pre>
 *
 * <p><b>Bits.</b> White is 1, the most significant bit is on the left. Columns 0 and 17 frame the strip:
 *
 * <pre>
 *   column  0   1 ... 16               17
 *   row 0   1   number, bits 31..16    0
 *   row 1   0   number, bits 15..0     1
 *   row 2   1   stream tag, 16 bits    0
 *   row 3   0   CRC, 16 bits           1
 * </pre>
 *
 * The CRC is CRC-16/IBM-3740 (polynomial 0x1021, initial value 0xFFFF, not reflected, no final xor) over six bytes: the
 * number, then the tag, both big-endian.
 *
 * <p><b>Reading.</b> A cell's value is the mean of 16 samples, those at {@code cell / 4 + i * cell / 8}, i = 0..3, in
 * both directions. A strip is present if the darkest of its four white framing cells is at least 64 above the brightest
 * of its four black ones; a cell is 1 if it is above the middle between these two. What {@link #read} says of the three
 * strips together:
 *
 * <pre>
 *   all three have a valid CRC and are equal      the code
 *   two have a valid CRC and differ               TORN
 *   none is present                               NO_CODE
 *   anything else                                 DAMAGED
 * </pre>
 *
 * A tear that runs through one strip and leaves the other two equal thus reads as DAMAGED.
 *
 * <p>Stateless; no method allocates, moves a buffer's position or looks at its position or limit except to stay inside.
 */
public final class FrameCode {

    /** The narrowest picture that holds a code, in luma samples. */
    public static final int MIN_WIDTH = 160;

    /** The lowest picture that holds a code, in luma samples. */
    public static final int MIN_HEIGHT = 120;

    /** Cells of a strip, from left to right. */
    public static final int COLUMNS = 18;

    /** Cells of a strip, from top to bottom. */
    public static final int ROWS = 4;

    /** Strips of a picture. */
    public static final int STRIPS = 3;

    /** {@link #read} found no strip: this is not a picture of the test pattern, or not at the size it was made in. */
    public static final long NO_CODE = -1;

    /** {@link #read} found strips, but not three that are whole. */
    public static final long DAMAGED = -2;

    /** {@link #read} found strips of different frames. */
    public static final long TORN = -3;

    private static final int UNIT = 8;
    private static final int UNIT_WIDTH = 640;
    private static final int UNIT_HEIGHT = 360;
    private static final int MIN_CONTRAST = 64;
    private static final int SAMPLES = 4;
    private static final int CRC_POLYNOMIAL = 0x1021;

    private static final byte[] BLACK = run(16);
    private static final byte[] WHITE = run(235);

    private FrameCode() {}

    private static byte[] run(int value) {
        byte[] samples = new byte[cell(FrameLayout.MAX_DIMENSION, FrameLayout.MAX_DIMENSION)];
        Arrays.fill(samples, (byte) value);
        return samples;
    }

    /** The side of a cell in luma samples, a multiple of 8. */
    public static int cell(int width, int height) {
        return UNIT * Math.max(1, Math.min(width / UNIT_WIDTH, height / UNIT_HEIGHT));
    }

    /** The uppermost luma row of a strip: 0 is the strip at the top, 1 in the middle, 2 at the bottom. */
    public static int stripTop(int strip, int width, int height) {
        int cell = cell(width, height);
        int room = height - ROWS * cell;
        return switch (strip) {
            case 0 -> 0;
            case 1 -> room / 2 / cell * cell;
            case 2 -> room;
            default -> throw new IllegalArgumentException("a picture has strips 0 to 2, not " + strip);
        };
    }

    /**
     * Writes the three strips.
     *
     * @param buffer holds a luma plane of 8 bits a sample
     * @param offset index of the plane's first sample
     * @param pitch bytes from one row to the next
     * @param width columns of the picture, at least {@link #MIN_WIDTH}
     * @param height rows of the picture, at least {@link #MIN_HEIGHT}
     * @param number all 32 bits are used; a negative number stands for one of 2^31 and above
     * @param tag tells streams apart, 0 to 65535
     * @throws IllegalArgumentException if the picture is too small or the tag out of range
     * @throws IndexOutOfBoundsException if the plane does not lie inside the buffer
     */
    public static void write(ByteBuffer buffer, int offset, int pitch, int width, int height, int number, int tag) {
        if (width < MIN_WIDTH || height < MIN_HEIGHT) {
            throw new IllegalArgumentException("a picture of " + width + "x" + height
                    + " is too small for a frame code;" + " it takes " + MIN_WIDTH + "x" + MIN_HEIGHT);
        }
        if ((tag & ~0xFFFF) != 0) {
            throw new IllegalArgumentException("a stream tag is 0 to 65535, not " + tag);
        }
        checkPlane(buffer, offset, pitch, width, height);
        int cell = cell(width, height);
        for (int strip = 0; strip < STRIPS; strip++) {
            int top = offset + stripTop(strip, width, height) * pitch;
            for (int row = 0; row < ROWS; row++) {
                int cells = rowBits(row, number, tag);
                for (int y = 0; y < cell; y++) {
                    int at = top + (row * cell + y) * pitch;
                    for (int column = 0; column < COLUMNS; column++) {
                        boolean white = (cells >>> (COLUMNS - 1 - column) & 1) != 0;
                        buffer.put(at + column * cell, white ? WHITE : BLACK, 0, cell);
                    }
                }
            }
        }
    }

    private static void checkPlane(ByteBuffer buffer, int offset, int pitch, int width, int height) {
        Objects.checkIndex(width - 1, pitch);
        Objects.checkFromToIndex(offset, offset + (long) pitch * (height - 1) + width, (long) buffer.limit());
    }

    private static int rowBits(int row, int number, int tag) {
        int word =
                switch (row) {
                    case 0 -> number >>> 16;
                    case 1 -> number & 0xFFFF;
                    case 2 -> tag;
                    default -> crc(number, tag);
                };
        return (isLeftWhite(row) ? 1 << (COLUMNS - 1) : 1) | word << 1;
    }

    private static boolean isLeftWhite(int row) {
        return (row & 1) == 0;
    }

    /**
     * Reads the code of a picture.
     *
     * @param buffer holds a luma plane of 8 bits a sample; only absolute gets are used
     * @param offset index of the plane's first sample
     * @param pitch bytes from one row to the next
     * @param width columns of the picture
     * @param height rows of the picture
     * @return not negative: the code, see {@link #number} and {@link #tag} (of tag 0 it is the number itself);
     *     otherwise {@link #NO_CODE}, {@link #DAMAGED} or {@link #TORN}
     * @throws IndexOutOfBoundsException if the plane does not lie inside the buffer
     */
    public static long read(ByteBuffer buffer, int offset, int pitch, int width, int height) {
        if (width < MIN_WIDTH || height < MIN_HEIGHT) {
            return NO_CODE;
        }
        checkPlane(buffer, offset, pitch, width, height);
        int cell = cell(width, height);
        long first = NO_CODE;
        int valid = 0;
        int present = 0;
        boolean torn = false;
        for (int strip = 0; strip < STRIPS; strip++) {
            long code = readStrip(buffer, offset + stripTop(strip, width, height) * pitch, pitch, cell);
            if (code != NO_CODE) {
                present++;
            }
            if (code >= 0) {
                torn |= valid > 0 && code != first;
                first = code;
                valid++;
            }
        }
        if (torn) {
            return TORN;
        }
        if (valid == STRIPS) {
            return first;
        }
        return present == 0 ? NO_CODE : DAMAGED;
    }

    /** The frame number in a code that {@link #read} returned, 0 to 2^32 - 1. */
    public static long number(long code) {
        return code & 0xFFFF_FFFFL;
    }

    /** The stream tag in a code that {@link #read} returned, 0 to 65535. */
    public static int tag(long code) {
        return (int) (code >>> 32) & 0xFFFF;
    }

    /** What {@link #read} returned, in words for a message. */
    public static String describe(long code) {
        if (code >= 0) {
            return "frame " + number(code) + " of stream " + tag(code);
        }
        if (code == TORN) {
            return "torn";
        }
        return code == NO_CODE ? "no code" : "a damaged code";
    }

    /** The code of one strip, {@link #NO_CODE} if it is not framed, {@link #DAMAGED} if its CRC is wrong. */
    private static long readStrip(ByteBuffer buffer, int top, int pitch, int cell) {
        int darkestWhite = Integer.MAX_VALUE;
        int brightestBlack = 0;
        for (int row = 0; row < ROWS; row++) {
            int left = level(buffer, top, pitch, cell, row, 0);
            int right = level(buffer, top, pitch, cell, row, COLUMNS - 1);
            darkestWhite = Math.min(darkestWhite, isLeftWhite(row) ? left : right);
            brightestBlack = Math.max(brightestBlack, isLeftWhite(row) ? right : left);
        }
        if (darkestWhite - brightestBlack < MIN_CONTRAST * SAMPLES * SAMPLES) {
            return NO_CODE;
        }
        int middle = (darkestWhite + brightestBlack) / 2;
        long bits = 0;
        for (int row = 0; row < ROWS; row++) {
            for (int column = 1; column < COLUMNS - 1; column++) {
                bits = bits << 1 | (level(buffer, top, pitch, cell, row, column) > middle ? 1 : 0);
            }
        }
        int number = (int) (bits >>> 32);
        int tag = (int) (bits >>> 16) & 0xFFFF;
        return crc(number, tag) == (int) (bits & 0xFFFF) ? (long) tag << 32 | number & 0xFFFF_FFFFL : DAMAGED;
    }

    /** The sum of a cell's 16 samples. */
    private static int level(ByteBuffer buffer, int top, int pitch, int cell, int row, int column) {
        int step = cell / (2 * SAMPLES);
        int at = top + (row * cell + cell / 4) * pitch + column * cell + cell / 4;
        int sum = 0;
        for (int y = 0; y < SAMPLES; y++) {
            for (int x = 0; x < SAMPLES; x++) {
                sum += buffer.get(at + y * step * pitch + x * step) & 0xFF;
            }
        }
        return sum;
    }

    static int crc(int number, int tag) {
        int crc = 0xFFFF;
        for (int shift = 24; shift >= 0; shift -= 8) {
            crc = crcByte(crc, number >>> shift);
        }
        return crcByte(crcByte(crc, tag >>> 8), tag);
    }

    static int crcByte(int crc, int octet) {
        int value = crc ^ (octet & 0xFF) << 8;
        for (int bit = 0; bit < 8; bit++) {
            value = (value & 0x8000) != 0 ? value << 1 ^ CRC_POLYNOMIAL : value << 1;
        }
        return value & 0xFFFF;
    }
}
