package io.github.cuframes.protocol.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FrameCodeTest {

    private static final int OFFSET = 100;

    /** A picture whose plane starts somewhere inside the buffer and has a pitch wider than the picture. */
    private static final class Picture {
        final int width;
        final int height;
        final int pitch;
        final ByteBuffer buffer;

        Picture(int width, int height, int background) {
            this.width = width;
            this.height = height;
            pitch = width + 13;
            buffer = ByteBuffer.allocateDirect(OFFSET + pitch * (height - 1) + width);
            map(sample -> background);
        }

        Picture write(int number, int tag) {
            FrameCode.write(buffer, OFFSET, pitch, width, height, number, tag);
            return this;
        }

        long read() {
            return FrameCode.read(buffer.asReadOnlyBuffer(), OFFSET, pitch, width, height);
        }

        int at(int x, int y) {
            return buffer.get(OFFSET + y * pitch + x) & 0xFF;
        }

        void set(int x, int y, int value) {
            buffer.put(OFFSET + y * pitch + x, (byte) value);
        }

        Picture map(IntUnaryOperator change) {
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    set(x, y, change.applyAsInt(at(x, y)));
                }
            }
            return this;
        }

        Picture rowsFrom(Picture other, int from, int to) {
            for (int y = from; y < to; y++) {
                for (int x = 0; x < width; x++) {
                    set(x, y, other.at(x, y));
                }
            }
            return this;
        }
    }

    @ParameterizedTest
    @CsvSource({"160,120", "176,144", "161,121", "640,360", "1279,719", "1280,720", "1920,1080", "720,1280", "3840,2160"
    })
    void readsBackWhatWasWritten(int width, int height) {
        Picture picture = new Picture(width, height, 90);
        for (int number : new int[] {0, 1, 2, 0xFFFF, 0x10000, 123_456_789, Integer.MIN_VALUE, -1}) {
            for (int tag : new int[] {0, 1, 0x8001, 0xFFFF}) {
                long code = picture.write(number, tag).read();
                assertEquals(Integer.toUnsignedLong(number), FrameCode.number(code), FrameCode.describe(code));
                assertEquals(tag, FrameCode.tag(code));
            }
        }
    }

    @Test
    void staysInsideItsPlane() {
        Picture picture = new Picture(160, 120, 90);
        picture.write(7, 7);
        for (int i = 0; i < OFFSET; i++) {
            assertEquals(0, picture.buffer.get(i));
        }
        for (int y = 0; y < picture.height - 1; y++) {
            for (int x = picture.width; x < picture.pitch; x++) {
                assertEquals(0, picture.at(x, y));
            }
        }
        assertEquals(0, picture.buffer.position());
    }

    @Test
    void crcIsTheStandardOne() {
        int crc = 0xFFFF;
        for (byte octet : "123456789".getBytes(StandardCharsets.US_ASCII)) {
            crc = FrameCode.crcByte(crc, octet);
        }
        assertEquals(0x29B1, crc);
    }

    @Test
    void layoutIsTheDocumentedOne() {
        // the example of docs/test-pattern.md
        String[] rows = {
            "1 0001 0010 0011 0100 0", "0 0101 0110 0111 1000 1", "1 1010 1011 1100 1101 0", "0 1111 0000 0101 0010 1"
        };
        assertEquals(0xF052, FrameCode.crc(0x12345678, 0xABCD));
        Picture picture = new Picture(640, 360, 90).write(0x12345678, 0xABCD);
        for (int top : new int[] {0, 160, 328}) {
            for (int row = 0; row < 4; row++) {
                String cells = rows[row].replace(" ", "");
                for (int y = top + row * 8; y < top + row * 8 + 8; y++) {
                    for (int x = 0; x < 18 * 8; x++) {
                        assertEquals(cells.charAt(x / 8) == '1' ? 235 : 16, picture.at(x, y), "at " + x + "," + y);
                    }
                    assertEquals(90, picture.at(18 * 8, y));
                }
            }
        }
        assertEquals(90, picture.at(0, 32));
        assertEquals(90, picture.at(0, 159));
        assertEquals(90, picture.at(0, 192));
        assertEquals(90, picture.at(0, 327));
    }

    @Test
    void everyPictureWithoutACodeSaysSo() {
        assertEquals(FrameCode.NO_CODE, new Picture(640, 360, 16).read());
        assertEquals(FrameCode.NO_CODE, new Picture(640, 360, 235).read());
        Random random = new Random(1);
        assertEquals(
                FrameCode.NO_CODE,
                new Picture(640, 360, 0).map(sample -> random.nextInt(256)).read());
        assertEquals(FrameCode.NO_CODE, FrameCode.read(ByteBuffer.allocate(100 * 100), 0, 100, 100, 100));
    }

    @Test
    void everyTearThatPartsTheStripsIsSeen() {
        Picture one = new Picture(640, 360, 90).write(1000, 3);
        Picture two = new Picture(640, 360, 90).write(1001, 3);
        for (int tear = 1; tear < 360; tear++) {
            Picture torn = new Picture(640, 360, 90).rowsFrom(one, 0, tear).rowsFrom(two, tear, 360);
            long code = torn.read();
            boolean between = tear >= 32 && tear <= 160 || tear >= 192 && tear <= 328;
            // rows 0 of the two strips are alike, and the outer parts of a cell are not sampled
            boolean invisible = tear < 13 || tear > 355;
            assertTrue(code < 0 || invisible, "tear at row " + tear + ": " + FrameCode.describe(code));
            if (between) {
                assertEquals(FrameCode.TORN, code, "tear at row " + tear);
            }
        }
    }

    @Test
    void aTearBetweenStreamsOfTheSameNumberIsSeen() {
        Picture one = new Picture(640, 360, 90).write(1000, 3);
        one.rowsFrom(new Picture(640, 360, 90).write(1000, 4), 200, 360);
        assertEquals(FrameCode.TORN, one.read());
    }

    @Test
    void oneWrongCellDamages() {
        for (int strip = 0; strip < FrameCode.STRIPS; strip++) {
            for (int column = 0; column < FrameCode.COLUMNS; column++) {
                for (int row = 0; row < FrameCode.ROWS; row++) {
                    Picture picture = new Picture(160, 120, 90).write(77, 5);
                    int top = FrameCode.stripTop(strip, 160, 120) + row * 8;
                    for (int y = top; y < top + 8; y++) {
                        for (int x = column * 8; x < column * 8 + 8; x++) {
                            picture.set(x, y, 251 - picture.at(x, y));
                        }
                    }
                    assertEquals(FrameCode.DAMAGED, picture.read(), "strip " + strip + " " + column + "," + row);
                }
            }
        }
    }

    @Test
    void aMissingStripDamages() {
        Picture picture = new Picture(640, 360, 90).write(77, 5);
        picture.rowsFrom(new Picture(640, 360, 90), 160, 192);
        assertEquals(FrameCode.DAMAGED, picture.read());
    }

    @Test
    void survivesNoiseRangeAndBlur() {
        Random random = new Random(2);
        Picture noisy = new Picture(640, 360, 90)
                .write(99, 5)
                .map(s -> Math.min(255, Math.max(0, s + random.nextInt(121) - 60)));
        assertEquals(99, FrameCode.number(noisy.read()));
        Picture stretched = new Picture(640, 360, 90).write(99, 5).map(s -> Math.max(0, (s - 16) * 255 / 219));
        assertEquals(99, FrameCode.number(stretched.read()));
        Picture faded = new Picture(640, 360, 90).write(99, 5).map(s -> 150 + s * 2 / 5);
        assertEquals(99, FrameCode.number(faded.read()));

        Picture source = new Picture(640, 360, 90).write(99, 5);
        Picture blurred = new Picture(640, 360, 90);
        for (int y = 0; y < 360; y++) {
            for (int x = 0; x < 640; x++) {
                int sum = 0;
                for (int dy = -2; dy <= 2; dy++) {
                    for (int dx = -2; dx <= 2; dx++) {
                        sum += source.at(Math.min(639, Math.max(0, x + dx)), Math.min(359, Math.max(0, y + dy)));
                    }
                }
                blurred.set(x, y, sum / 25);
            }
        }
        assertEquals(99, FrameCode.number(blurred.read()));
    }

    @ParameterizedTest
    @CsvSource({"1920,1080,640,360", "1280,720,640,360", "3840,2160,1280,720", "640,360,1920,1080"})
    void survivesScalingBetweenMultiplesOf640x360(int width, int height, int toWidth, int toHeight) {
        Picture source = new Picture(width, height, 90).write(424242, 9);
        Picture scaled = new Picture(toWidth, toHeight, 0);
        for (int y = 0; y < toHeight; y++) {
            for (int x = 0; x < toWidth; x++) {
                scaled.set(x, y, source.at(x * width / toWidth, y * height / toHeight));
            }
        }
        assertEquals(424242, FrameCode.number(scaled.read()));
    }

    @Test
    void refusesWhatItCannotWrite() {
        ByteBuffer buffer = ByteBuffer.allocate(200 * 200);
        String small = assertThrows(
                        IllegalArgumentException.class, () -> FrameCode.write(buffer, 0, 200, 159, 120, 1, 0))
                .getMessage();
        assertTrue(small.contains("159x120") && small.contains("160x120"), small);
        assertThrows(IllegalArgumentException.class, () -> FrameCode.write(buffer, 0, 200, 160, 119, 1, 0));
        assertThrows(IllegalArgumentException.class, () -> FrameCode.write(buffer, 0, 200, 160, 120, 1, 65536));
        assertThrows(IllegalArgumentException.class, () -> FrameCode.write(buffer, 0, 200, 160, 120, 1, -1));
        assertThrows(IndexOutOfBoundsException.class, () -> FrameCode.read(buffer, 0, 200, 200, 201));
    }
}
