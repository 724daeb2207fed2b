package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.tests.Checkout;
import java.util.Arrays;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** NVDEC, as FFmpeg alone uses it, decodes the clips: the references on a GPU can be relied on. */
@GpuTest
class PlainDecodeGpuTest {

    private static final PlainDecoder.Device CUDA = PlainDecoder.Device.CUDA;

    @ParameterizedTest
    @CsvSource({"pattern-h264, 1250, 1", "pattern-hevc, 1250, 2", "pattern-1080p-h264, 100, 3"})
    void everyFrameIsWhatSoftwareDecodes(String clip, int frames, int tag) throws Exception {
        try (PlainDecoder nvdec = new PlainDecoder(Checkout.clip(clip), CUDA, 0);
                PlainDecoder software = new PlainDecoder(Checkout.clip(clip), PlainDecoder.Device.SOFTWARE, 0)) {
            for (int number = 0; number < frames; number++) {
                assertTrue(nvdec.next(), "NVDEC ends before frame " + number);
                assertTrue(software.next(), "the software ends before frame " + number);
                assertEquals("nv12", nvdec.format());
                assertEquals((long) tag << 32 | number, code(nvdec.inHostMemory()));
                // H.264 and HEVC say what each sample is: decoders may not differ
                assertEquals(software.lumaChecksum(), nvdec.lumaChecksum(), "luma of frame " + number);
            }
            assertFalse(nvdec.next(), "NVDEC goes on");
        }
    }

    private static long code(AVFrame frame) {
        int pitch = frame.linesize(0);
        BytePointer luma = new BytePointer(frame.data(0)).capacity((long) pitch * (frame.height() - 1) + frame.width());
        return FrameCode.read(luma.asByteBuffer(), 0, pitch, frame.width(), frame.height());
    }

    @ParameterizedTest
    @CsvSource({"h264-1080p, 1000, nv12", "hevc-2160p, 250, nv12", "hevc-1080p-10bit, 60, p010le"})
    void repeatsGiveTheSameFramesAgain(String clip, int frames, String format) throws Exception {
        try (PlainDecoder decoder = new PlainDecoder(Checkout.clip(clip), CUDA, 0)) {
            assertTrue(decoder.next());
            assertEquals(format, decoder.format());
        }
        int[] twice = PlainDecode.checksums(Checkout.clip(clip), CUDA, 1);
        assertEquals(2 * frames, twice.length);
        assertArrayEquals(Arrays.copyOf(twice, frames), Arrays.copyOfRange(twice, frames, 2 * frames));
        assertEquals(frames, Arrays.stream(twice).distinct().count(), "no two frames of the clip are alike");
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "16, 0"})
    void ratesCountTheFramesOfAllDecoders(int decoders, int repeats, TestReporter reporter) throws Exception {
        PlainDecode.Rate rate = PlainDecode.rate(Checkout.clip("h264-1080p"), CUDA, decoders, repeats);
        assertEquals(decoders * (1000L * (repeats + 1) - 1), rate.frames());
        reporter.publishEntry(decoders + " decoders of h264-1080p, frames a second", String.valueOf(rate.perSecond()));
    }
}
