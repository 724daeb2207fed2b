package io.github.cuframes.subscriber.cli;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PicturesTest {

    @ParameterizedTest
    @CsvSource({
        // ITU-R BT.601 and BT.709, limited range: grey, white, black, and the primaries of 100 % colour bars
        "5, 480, 126, 128, 128, 80 80 80",
        "5, 480, 235, 128, 128, FF FF FF",
        "5, 480, 16, 128, 128, 00 00 00",
        "5, 480, 81, 90, 240, FE 00 00",
        "5, 480, 145, 54, 34, 00 FF 01",
        "5, 480, 41, 240, 110, 00 00 FF",
        "1, 480, 63, 102, 240, FF 01 00",
        "2, 1080, 63, 102, 240, FF 01 00",
        "2, 480, 81, 90, 240, FE 00 00",
    })
    void matricesAreThoseOfTheStandards(int matrix, int height, int y, int u, int v, String rgb) {
        int got = ColourMatrix.of(new Colour(false, 2, 2, matrix), height).toRgb(y, u, v);
        int wanted = Integer.parseInt(rgb.replace(" ", ""), 16);
        for (int shift = 0; shift <= 16; shift += 8) {
            assertEquals(wanted >> shift & 0xFF, got >> shift & 0xFF, 1, Integer.toHexString(got));
        }
    }

    @Test
    void fullRangeIsNotStretched() {
        ColourMatrix full = ColourMatrix.of(new Colour(true, 2, 2, 5), 480);
        assertEquals(0x101010, full.toRgb(16, 128, 128));
        assertEquals(0xEBEBEB, full.toRgb(235, 128, 128));
    }

    @Test
    void thereAndBackIsTheSame() {
        ColourMatrix matrix = ColourMatrix.of(Colour.UNSPECIFIED, 1080);
        for (int rgb : new int[] {0, 0xFFFFFF, 0x808080, 0xC04020, 0x2040C0, 0x10F080}) {
            int yuv = matrix.toYuv(rgb >> 16, rgb >> 8 & 0xFF, rgb & 0xFF);
            int back = matrix.toRgb(yuv >> 16, yuv >> 8 & 0xFF, yuv & 0xFF);
            for (int shift = 0; shift <= 16; shift += 8) {
                assertEquals(rgb >> shift & 0xFF, back >> shift & 0xFF, 3);
            }
        }
    }

    @Test
    void resamplingKeepsAFlatPictureFlatAndTheMeanOfAnyOther() {
        byte[] flat = new byte[37 * 23];
        Arrays.fill(flat, (byte) 201);
        byte[] out = new byte[50 * 11];
        new Resampler(37, 23, 50, 11).run(Component.of(flat, 37, 23), out, 0, 1);
        for (byte sample : out) {
            assertEquals(201, sample & 0xFF);
        }
        byte[] checks = new byte[64 * 64];
        for (int i = 0; i < checks.length; i++) {
            checks[i] = (byte) ((i / 64 + i) % 2 == 0 ? 255 : 0);
        }
        byte[] small = new byte[16 * 16];
        new Resampler(64, 64, 16, 16).run(Component.of(checks, 64, 64), small, 0, 1);
        for (byte sample : small) {
            assertEquals(127.5, sample & 0xFF, 3, "a fine pattern becomes grey, not an alias");
        }
    }

    @Test
    void resamplingInterpolatesUpwards() {
        byte[] ramp = {0, 100};
        byte[] out = new byte[8];
        new Resampler(2, 1, 4, 1).run(Component.of(ramp, 2, 1), out, 0, 2);
        assertEquals(0, out[0]);
        assertEquals(25, out[2]);
        assertEquals(75, out[4]);
        assertEquals(100, out[6]);
    }

    @Test
    void tenBitsBecomeEight() {
        ByteBuffer words = ByteBuffer.wrap(new byte[] {(byte) 0xFF, 3, 0, 2, 3, 0});
        int[] row = new int[3];
        new Component(words, 0, 2, 6, 2, 3, 1).readRow(0, row);
        assertArrayEquals(new int[] {255, 128, 1}, row);
        ByteBuffer high = ByteBuffer.wrap(new byte[] {(byte) 0xC0, (byte) 0xFF, 0, (byte) 0x80});
        new Component(high, 0, 2, 4, 8, 2, 1).readRow(0, row);
        assertArrayEquals(new int[] {255, 128, 1}, row);
    }

    @Test
    void aThinnerKeepsTheRate() {
        FrameThinner thinner = new FrameThinner(new Rational(10, 1));
        int kept = 0;
        for (int i = 0; i < 300; i++) {
            long jitter = i % 3 * 300_000L;
            kept += thinner.isDue(i * 33_333_333L + jitter, false) ? 1 : 0;
        }
        assertEquals(100, kept, 1);
        assertTrue(thinner.isDue(5, true), "after a break the times start anew");
        assertFalse(thinner.isDue(33_333_333L, false));
        assertTrue(thinner.isDue(20_000_000_000L, false));
        assertFalse(thinner.isDue(20_033_333_333L, false), "a hole is not made up for");
        FrameThinner all = new FrameThinner(Rational.UNKNOWN);
        assertTrue(all.isDue(7, false));
        assertTrue(all.isDue(7, false));
    }

    @Test
    void aPatternIsCheckedAgainstTheFrameBefore() {
        PatternCheck check = new PatternCheck();
        check.see(5, 1, 1, false);
        check.see(6, 1, 2, false);
        check.see(9, 1, 4, false);
        assertEquals(0, check.stale() + check.torn() + check.outOfOrder() + check.unreadable());
        check.see(9, 1, 5, false);
        check.see(3, 1, 6, false);
        assertEquals(2, check.stale());
        check.see(0, 1, 7, true);
        check.see(0, 2, 1, false);
        check.see(1, 2, 2, false);
        assertEquals(2, check.stale(), "a break and another publisher begin anew");
        assertEquals(0, check.outOfOrder());
        check.see(2, 2, 2, false);
        assertEquals(1, check.outOfOrder());
        check.see(FrameCode.TORN, 2, 3, false);
        check.see(FrameCode.DAMAGED, 2, 4, false);
        check.see(FrameCode.NO_CODE, 2, 5, false);
        assertEquals(1, check.torn());
        assertEquals(2, check.unreadable());
    }
}
