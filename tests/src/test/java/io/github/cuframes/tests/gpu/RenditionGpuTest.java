package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two streams of one decode on the GPU: the main one in place, the other as FFmpeg's graph makes it. */
@GpuTest
@Timeout(120)
class RenditionGpuTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "h264-1080p       | size=640x360                               | scale_cuda=640:360                 | 1 | 640",
                "h264-1080p       | size=640x360,fps=5                         | scale_cuda=640:360                 | 5 | 640",
                "hevc-1080p-10bit | filter=scale_cuda=1280:720:format=yuv420p  | scale_cuda=1280:720:format=yuv420p | 1 | 1280",
                "h264-interlaced  | filter=yadif_cuda                          | yadif_cuda                         | 1 | 1280"
            })
    void bothStreamsAreWhatFfmpegMakes(
            String clip, String rendition, String graph, int every, int width, TestReporter reporter) throws Exception {
        bothStreams(Platform.GPU, clip, rendition, graph, every, width, 0, reporter);
    }

    /**
     * Compares both streams with plain FFmpeg.
     *
     * @param every how many frames of the graph stand for one of the rendition
     * @param copied copies for each frame of the main stream
     */
    static void bothStreams(
            Platform platform,
            String clip,
            String rendition,
            String graph,
            int every,
            int width,
            int copied,
            TestReporter reporter)
            throws Exception {
        int[] plain = References.of(clip, platform.decoder());
        int[] filtered = PlainFilter.checksums(Checkout.clip(clip), platform.decoder(), graph);
        int[] expected = IntStream.range(0, filtered.length)
                .filter(i -> i % every == 0)
                .map(i -> filtered[i])
                .toArray();
        assertTrue(expected.length > 1, "FFmpeg's graph gives " + expected.length + " frames");
        try (GpuStage stage = new GpuStage(platform)) {
            Child producer = stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip(clip).toString(),
                    "--wait-for-subscribers=1",
                    "--rendition=cam.detect:wait=1," + rendition);
            try (Observer main = stage.observe("cam");
                    Observer detect = stage.observe("cam.detect")) {
                Child large = stage.subscriber("large", "cam", "lossless");
                Child small = stage.subscriber("small", "cam.detect", "lossless");
                GpuStage.summaryOf(large);
                Report summary = GpuStage.summaryOf(small);
                assertEquals("cuda", summary.text("memory"));
                assertEquals(width, summary.number("width"));
                assertEquals(0, producer.awaitExit(), producer::toString);

                assertArrayEquals(plain, checksums(stage.received(large)), "main stream");
                assertArrayEquals(expected, checksums(stage.received(small)), rendition);
                assertEquals((long) copied * plain.length, main.ring().copied(), "copies of the main stream");
                assertEquals(expected.length, detect.ring().copied(), "one copy for each frame");
            }
            reporter.publishEntry(
                    rendition + " of " + clip,
                    plain.length + " frames and " + expected.length + " of the rendition equal");
        }
    }

    private static int[] checksums(List<Received> frames) {
        return frames.stream().mapToInt(Received::checksum).toArray();
    }
}
