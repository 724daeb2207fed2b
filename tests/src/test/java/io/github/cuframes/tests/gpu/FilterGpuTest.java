package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Filters on the GPU, and what NVDEC cannot decode. */
@GpuTest
@Timeout(120)
class FilterGpuTest {

    private static final String WARNING = "decoded in software and uploaded";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hevc-1080p-10bit | scale_cuda=640:360                  | P010    | 640  | 360",
                "h264-1080p       | scale_cuda=640:360                  | NV12    | 640  | 360",
                "h264-1080p       | scale_cuda=1280:720:format=yuv420p  | YUV420P | 1280 | 720",
                "h264-interlaced  | yadif_cuda                          | NV12    | 1280 | 720",
                "h264-1080p       | fps=5                               | NV12    | 1920 | 1080"
            })
    void filtersGiveWhatTheyGiveElsewhere(
            String clip, String filter, String format, int width, int height, TestReporter reporter) throws Exception {
        filter(Platform.GPU, clip, filter, format, width, height, reporter);
    }

    static void filter(
            Platform platform, String clip, String filter, String format, int width, int height, TestReporter reporter)
            throws Exception {
        int[] reference = PlainFilter.checksums(Checkout.clip(clip), platform.decoder(), filter);
        assertTrue(reference.length > 1, "FFmpeg's graph gives " + reference.length + " frames");
        try (GpuStage stage = new GpuStage(platform)) {
            Result result = run(stage, clip, "--filter", filter);
            result.requireGeometry(format, width, height);
            assertArrayEquals(reference, result.checksums(), filter);
            assertEquals(reference.length, result.copied(), "one copy for each frame");
            assertTrue(result.frames.stream().allMatch(Received::copied), "each says so");
            reporter.publishEntry(filter + " of " + clip, reference.length + " frames equal, each copied once");
        }
    }

    /** Whatever this chip can do of these: NVDEC's frames in place, or software's uploaded, and then it is said. */
    @ParameterizedTest
    @CsvSource({
        "h264-444, YUV444P, true",
        "h264-422, YUV422P, false",
        "av1-360p, YUV420P, false",
        "mjpeg-360p, YUV420P, false"
    })
    void whatNvdecCannotDecodeIsUploaded(String clip, String software, boolean always, TestReporter reporter)
            throws Exception {
        int[] reference;
        boolean uploaded = false;
        try {
            reference = References.of(clip, PlainDecoder.Device.CUDA);
            assertTrue(!always, "no NVDEC that is known decodes " + clip);
        } catch (IOException e) {
            uploaded = true;
            reference = References.of(clip, PlainDecoder.Device.SOFTWARE);
        }
        decode(Platform.GPU, clip, reference, uploaded, software, reporter);
    }

    static void decode(
            Platform platform, String clip, int[] reference, boolean uploaded, String software, TestReporter reporter)
            throws Exception {
        try (GpuStage stage = new GpuStage(platform)) {
            Result result = run(stage, clip);
            assertArrayEquals(reference, result.checksums(), clip);
            assertEquals(uploaded ? reference.length : 0, result.copied());
            boolean warned = result.producer.errors().stream().anyMatch(line -> line.contains(WARNING));
            assertEquals(uploaded, warned, result.producer::toString);
            if (uploaded) {
                assertEquals(software, result.summary.text("format"));
            }
            reporter.publishEntry(
                    clip, reference.length + " frames equal, " + (uploaded ? "decoded in software" : "by NVDEC"));
        }
    }

    private record Result(Child producer, Report summary, List<Received> frames, long copied) {
        int[] checksums() {
            return frames.stream().mapToInt(Received::checksum).toArray();
        }

        void requireGeometry(String format, int width, int height) {
            assertEquals(format, summary.text("format"));
            assertEquals(width, summary.number("width"));
            assertEquals(height, summary.number("height"));
        }
    }

    /** All frames of a clip, and what the ring had counted at its end. */
    private static Result run(GpuStage stage, String clip, String... options) throws Exception {
        String[] all = new String[options.length + 4];
        System.arraycopy(
                new String[] {"--input", Checkout.clip(clip).toString(), "--wait-for-subscribers", "1"}, 0, all, 0, 4);
        System.arraycopy(options, 0, all, 4, options.length);
        Child producer = stage.producer("cam", all);
        try (Observer observer = stage.observe("cam")) {
            Child subscriber = stage.subscriber("subscriber", "cam", "lossless");
            Report summary = GpuStage.summaryOf(subscriber);
            assertEquals("cuda", summary.text("memory"));
            assertEquals(0, producer.awaitExit(), producer::toString);
            return new Result(
                    producer,
                    summary,
                    stage.received(subscriber),
                    observer.ring().copied());
        }
    }
}
