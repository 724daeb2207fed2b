package io.github.cuframes.producer.pattern;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestPatternTest {

    private static ByteBuffer filled(FrameLayout layout, int value) {
        ByteBuffer slot = ByteBuffer.allocateDirect((int) layout.size());
        while (slot.hasRemaining()) {
            slot.put((byte) value);
        }
        return slot.clear();
    }

    private static int luma(ByteBuffer slot, FrameLayout layout, int x, int y) {
        PlaneLayout plane = layout.planes().get(0);
        return slot.get(plane.offset() + y * plane.pitch() + x) & 0xFF;
    }

    private static long code(ByteBuffer slot, FrameLayout layout) {
        PlaneLayout plane = layout.planes().get(0);
        return FrameCode.read(slot, plane.offset(), plane.pitch(), layout.width(), layout.height());
    }

    @ParameterizedTest
    @CsvSource({
        "YUV420P,160,120",
        "NV12,160,120",
        "YUV420P,640,360",
        "NV12,640,360",
        "YUV420P,641,361",
        "NV12,641,361",
        "YUV420P,720,1280",
        "NV12,1920,1080",
        "YUV420P,3840,2160",
        "YUV420P,3000,120"
    })
    void writesEveryVisibleSampleAndNoOther(PixelFormat format, int width, int height) {
        FrameLayout layout = FrameLayout.padded(format, width, height, width + 3, height + 2, 32, 40);
        TestPattern pattern = new TestPattern(layout, 0xBEEF);
        ByteBuffer one = filled(layout, 0);
        ByteBuffer two = filled(layout, 0xFF);
        long number = 4_294_967_295L;
        pattern.render(one, number);
        pattern.render(two, number);
        assertEquals(number, FrameCode.number(code(one, layout)), FrameCode.describe(code(one, layout)));
        assertEquals(0xBEEF, FrameCode.tag(code(one, layout)));
        boolean[] visible = new boolean[(int) layout.size()];
        for (int plane = 0; plane < layout.planes().size(); plane++) {
            PlaneLayout at = layout.planes().get(plane);
            for (int row = 0; row < format.rows(plane, height); row++) {
                for (int i = 0; i < format.rowBytes(plane, width); i++) {
                    visible[at.offset() + row * at.pitch() + i] = true;
                }
            }
        }
        for (int i = 0; i < visible.length; i++) {
            assertEquals(visible[i] ? one.get(i) : (byte) 0, one.get(i));
            assertEquals(visible[i] ? one.get(i) : (byte) 0xFF, two.get(i));
        }
    }

    @Test
    void drawsTheNumberInDigits() {
        FrameLayout layout = FrameLayout.of(PixelFormat.YUV420P, 160, 120, 32);
        ByteBuffer slot = filled(layout, 0);
        new TestPattern(layout, 0).render(slot, 1_234_567_890);
        String[] expected = {
            ".............................................................",
            "...#....###..#####....#..#####...##..#####..###...###...###..",
            "..##...#...#....#....##..#......#........#.#...#.#...#.#...#.",
            "...#.......#...#....#.#..####..#........#..#...#.#...#.#..##.",
            "...#......#.....#..#..#......#.####....#....###...####.#.#.#.",
            "...#.....#.......#.#####.....#.#...#..#....#...#.....#.##..#.",
            "...#....#....#...#....#..#...#.#...#..#....#...#....#..#...#.",
            "..###..#####..###.....#...###...###...#.....###...##....###..",
            ".............................................................",
        };
        // 9 rows in the middle of the 16 between the middle and the lower strip
        for (int y = 0; y < expected.length; y++) {
            StringBuilder row = new StringBuilder();
            for (int x = 0; x < expected[y].length(); x++) {
                int sample = luma(slot, layout, x, 75 + y);
                row.append(sample == 235 ? '#' : sample == 16 ? '.' : '?');
            }
            assertEquals(expected[y], row.toString());
        }
    }

    @Test
    void theBlockMoves() {
        FrameLayout layout = FrameLayout.of(PixelFormat.NV12, 640, 360, 32);
        TestPattern pattern = new TestPattern(layout, 0);
        int row = 32 + (128 - 8) / 2;
        int before = -1;
        for (int number = 0; number < 3; number++) {
            ByteBuffer slot = filled(layout, 0);
            pattern.render(slot, number);
            int left = 0;
            while (luma(slot, layout, left, row) != 235) {
                left++;
            }
            assertNotEquals(before, left);
            assertEquals(number * 2, left);
            before = left;
        }
    }

    @Test
    void hasColour() {
        for (PixelFormat format : new PixelFormat[] {PixelFormat.YUV420P, PixelFormat.NV12}) {
            FrameLayout layout = FrameLayout.of(format, 640, 360, 32);
            ByteBuffer slot = filled(layout, 0);
            new TestPattern(layout, 0).render(slot, 0);
            boolean planar = format == PixelFormat.YUV420P;
            PlaneLayout u = layout.planes().get(1);
            PlaneLayout v = layout.planes().get(planar ? 2 : 1);
            int x = 440 / 2; // the red bar
            assertEquals(109, slot.get(u.offset() + 50 * u.pitch() + (planar ? x : 2 * x)) & 0xFF);
            assertEquals(212, slot.get(v.offset() + 50 * v.pitch() + (planar ? x : 2 * x + 1)) & 0xFF);
            assertEquals(128, slot.get(u.offset() + 90 * u.pitch() + 100) & 0xFF, "grey below the code");
        }
    }

    @Test
    void allocatesNothing() {
        FrameLayout layout = FrameLayout.of(PixelFormat.YUV420P, 640, 360, 32);
        TestPattern pattern = new TestPattern(layout, 0);
        ByteBuffer slot = filled(layout, 0);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        render(pattern, slot, 500);
        long before = threads.getCurrentThreadAllocatedBytes();
        render(pattern, slot, 1000);
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(bytes < 1000, bytes + " bytes for 1000 frames");
    }

    private static void render(TestPattern pattern, ByteBuffer slot, int frames) {
        for (int number = 0; number < frames; number++) {
            pattern.render(slot, number);
        }
    }

    @Test
    void refusesWhatItCannotDraw() {
        FrameLayout grey = FrameLayout.of(PixelFormat.GRAY8, 640, 360, 32);
        String message = assertThrows(IllegalArgumentException.class, () -> new TestPattern(grey, 0))
                .getMessage();
        assertTrue(message.contains("gray"), message);
        FrameLayout small = FrameLayout.of(PixelFormat.NV12, 160, 118, 32);
        assertThrows(IllegalArgumentException.class, () -> new TestPattern(small, 0));
        FrameLayout fine = FrameLayout.of(PixelFormat.NV12, 160, 120, 32);
        assertThrows(IllegalArgumentException.class, () -> new TestPattern(fine, 65536));
    }
}
