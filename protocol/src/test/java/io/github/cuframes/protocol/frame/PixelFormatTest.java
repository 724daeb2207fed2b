package io.github.cuframes.protocol.frame;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PixelFormatTest {

    @ParameterizedTest
    @CsvSource({
        "NV12, 7x5 8x3, nv12",
        "YUV420P, 7x5 4x3 4x3, yuv420p",
        "YUV422P, 7x5 4x5 4x5, yuv422p",
        "YUV444P, 7x5 7x5 7x5, yuv444p",
        "GRAY8, 7x5, gray",
        "P010, 14x5 16x3, p010le",
        "YUV420P10, 14x5 8x3 8x3, yuv420p10le",
        "RGB24, 21x5, rgb24",
        "BGR24, 21x5, bgr24",
        "RGBA, 28x5, rgba",
        "BGRA, 28x5, bgra",
        "YUV422P10, 14x5 8x5 8x5, yuv422p10le",
        "YUV444P10, 14x5 14x5 14x5, yuv444p10le"
    })
    void planesOfAnOddPicture(PixelFormat format, String bytesByRows, String label) {
        assertEquals(
                bytesByRows,
                IntStream.range(0, format.planeCount())
                        .mapToObj(plane -> format.rowBytes(plane, 7) + "x" + format.rows(plane, 5))
                        .collect(Collectors.joining(" ")));
        assertEquals(label, format.label());
    }

    @Test
    void everyNumberLeadsToItsFormat() {
        for (PixelFormat format : PixelFormat.values()) {
            assertEquals(Optional.of(format), PixelFormat.ofCode(format.code()));
            assertTrue(format.planeCount() >= 1 && format.planeCount() <= PixelFormat.MAX_PLANES);
            assertTrue(format.rowBytes(0, 1) > 0 && format.rows(format.planeCount() - 1, 1) == 1);
        }
        for (int code : new int[] {0, -1, PixelFormat.values().length + 1, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
            assertEquals(Optional.empty(), PixelFormat.ofCode(code));
        }
    }
}
