package io.github.cuframes.tests.gpu;

import static org.bytedeco.ffmpeg.global.avutil.av_image_copy_to_buffer;
import static org.bytedeco.ffmpeg.global.avutil.av_image_get_buffer_size;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.tests.Checkout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The references that tests on a GPU compare with, as far as they can be tested without one. */
class PlainDecodeTest {

    private static final PlainDecoder.Device SOFTWARE = PlainDecoder.Device.SOFTWARE;

    /** 1080 of 1088 coded rows, B-frames. */
    private final Path clip = Checkout.clip("pattern-1080p-h264");

    @Test
    void checksumIsOfThePixelsAndOfNothingElse() throws IOException {
        try (PlainDecoder decoder = new PlainDecoder(clip, SOFTWARE, 0)) {
            assertTrue(decoder.next());
            AVFrame frame = decoder.inHostMemory();
            int size = av_image_get_buffer_size(frame.format(), frame.width(), frame.height(), 1);
            assertEquals(1920 * 1080 * 3 / 2, size);
            try (BytePointer packed = new BytePointer(size)) {
                av_image_copy_to_buffer(
                        packed, size, frame.data(), frame.linesize(), frame.format(), frame.width(), frame.height(), 1);
                CRC32C whole = new CRC32C();
                whole.update(packed.asByteBuffer());
                CRC32C luma = new CRC32C();
                luma.update(packed.capacity(1920 * 1080).asByteBuffer());
                assertEquals((int) whole.getValue(), decoder.checksum());
                assertEquals((int) luma.getValue(), decoder.lumaChecksum());
            }
        }
    }

    @Test
    void repeatsGiveTheSameFramesAgain() throws IOException {
        int[] once = PlainDecode.checksums(clip, SOFTWARE, 0);
        assertEquals(100, once.length);
        assertEquals(100, Arrays.stream(once).distinct().count(), "each frame carries another number");
        int[] twice = PlainDecode.checksums(clip, SOFTWARE, 1);
        assertEquals(200, twice.length);
        assertArrayEquals(once, Arrays.copyOf(twice, 100));
        assertArrayEquals(once, Arrays.copyOfRange(twice, 100, 200));
    }

    @Test
    void ratesCountTheFramesOfAllDecoders() throws Exception {
        PlainDecode.Rate rate = PlainDecode.rate(Checkout.clip("pattern-hevc"), SOFTWARE, 2, 1);
        assertEquals(2 * (2 * 1250 - 1), rate.frames());
        assertTrue(rate.nanos() > 0);
    }

    @Test
    void decoderThatDoesNotOpenEndsAll(@TempDir Path directory) {
        Path missing = directory.resolve("missing.mp4");
        IOException failure = assertThrows(IOException.class, () -> PlainDecode.rate(missing, SOFTWARE, 3, 0));
        assertTrue(failure.getMessage().contains(missing.toString()), failure.getMessage());
    }

    @Test
    void writesALineForEachFrame(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("checksums");
        PlainDecode.main(new String[] {clip.toString(), "device=software", "checksums=" + file});
        List<String> lines = Files.readAllLines(file);
        int[] checksums = PlainDecode.checksums(clip, SOFTWARE, 0);
        assertEquals(100, lines.size());
        assertEquals(String.format("99 %08x", checksums[99]), lines.get(99));
    }
}
