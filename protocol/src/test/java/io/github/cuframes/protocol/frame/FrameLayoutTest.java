package io.github.cuframes.protocol.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FrameLayoutTest {

    @Test
    void planesFollowEachOther() {
        assertEquals(
                new FrameLayout(
                        PixelFormat.YUV420P,
                        7,
                        5,
                        List.of(new PlaneLayout(0, 16), new PlaneLayout(80, 16), new PlaneLayout(128, 16)),
                        176),
                FrameLayout.of(PixelFormat.YUV420P, 7, 5, 16));
    }

    @Test
    void roomAroundThePictureIsKept() {
        FrameLayout layout = FrameLayout.padded(PixelFormat.NV12, 1918, 1078, 1920, 1088, 64, 32);
        assertEquals(List.of(new PlaneLayout(0, 1920), new PlaneLayout(2_088_960 + 64, 1920)), layout.planes());
        assertEquals(2_089_024 + 1_044_480 + 64, layout.size());
        assertEquals(1918, layout.width());
    }

    @ParameterizedTest
    @EnumSource
    void everyFormatHasALayout(PixelFormat format) {
        for (int width = 1; width <= 9; width++) {
            for (int height = 1; height <= 9; height++) {
                for (int alignment = 1; alignment <= 256; alignment *= 16) {
                    FrameLayout layout = FrameLayout.of(format, width, height, alignment);
                    long end = 0;
                    for (int i = 0; i < format.planeCount(); i++) {
                        PlaneLayout plane = layout.planes().get(i);
                        assertTrue(plane.offset() >= end, "planes overlap: " + layout);
                        assertEquals(0, plane.offset() % alignment + plane.pitch() % alignment);
                        assertTrue(plane.pitch() >= format.rowBytes(i, width));
                        end = plane.offset() + (long) plane.pitch() * format.rows(i, height);
                    }
                    assertTrue(end <= layout.size());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 5", "-1, 5", "32769, 5", "2147483647, 5", "7, 0", "7, -1", "7, 32769", "2147483647, 2147483647"})
    void sizesOutOfRangeAreRefused(int width, int height) {
        for (PixelFormat format : PixelFormat.values()) {
            assertThrows(IllegalArgumentException.class, () -> FrameLayout.of(format, width, height, 64));
        }
    }

    @Test
    void largestPicturesFitOrAreRefused() {
        int largest = FrameLayout.MAX_DIMENSION;
        assertEquals(
                1L << 30,
                FrameLayout.of(PixelFormat.GRAY8, largest, largest, 64).size());
        assertEquals(
                3L << 29, FrameLayout.of(PixelFormat.NV12, largest, largest, 64).size());
        assertEquals(
                1L << 31,
                FrameLayout.of(PixelFormat.YUV422P, largest, largest, 64).size());
        for (PixelFormat format : List.of(PixelFormat.RGBA, PixelFormat.YUV444P10, PixelFormat.YUV444P)) {
            assertThrows(IllegalArgumentException.class, () -> FrameLayout.of(format, largest, largest, 64));
        }
    }

    @Test
    void lastRowNeedsNoWholePitch() {
        List<PlaneLayout> planes = List.of(new PlaneLayout(3, 100));
        new FrameLayout(PixelFormat.GRAY8, 10, 4, planes, 3 + 3 * 100 + 10);
        assertThrows(
                IllegalArgumentException.class,
                () -> new FrameLayout(PixelFormat.GRAY8, 10, 4, planes, 3 + 3 * 100 + 9));
    }

    @Test
    void planesMustBeThoseOfTheFormat() {
        List<PlaneLayout> two = List.of(new PlaneLayout(0, 100), new PlaneLayout(1000, 100));
        assertThrows(IllegalArgumentException.class, () -> new FrameLayout(PixelFormat.GRAY8, 10, 10, two, 10_000));
        assertThrows(IllegalArgumentException.class, () -> new FrameLayout(PixelFormat.YUV420P, 10, 10, two, 10_000));
        new FrameLayout(PixelFormat.NV12, 10, 10, two, 10_000);
    }

    @Test
    void layoutKeepsItsOwnPlanes() {
        List<PlaneLayout> planes = new ArrayList<>(List.of(new PlaneLayout(0, 10)));
        FrameLayout layout = new FrameLayout(PixelFormat.GRAY8, 10, 10, planes, 100);
        planes.clear();
        assertEquals(1, layout.planes().size());
    }

    @Test
    void fractionsAndColoursAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> new Rational(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> new Rational(1, 0));
        assertThrows(IllegalArgumentException.class, () -> new Colour(false, 256, 0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Colour(false, 0, 0, -1));
        FrameLayout layout = FrameLayout.of(PixelFormat.GRAY8, 1, 1, 1);
        assertThrows(
                IllegalArgumentException.class,
                () -> new StreamConfig(layout, Rational.UNKNOWN, Rational.UNKNOWN, Colour.UNSPECIFIED));
    }
}
