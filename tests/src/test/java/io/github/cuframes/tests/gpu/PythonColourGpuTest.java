package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Python;
import io.github.cuframes.tests.Report;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Python makes of frames on a GPU: RGB pictures by one kernel, and the sample detector's batches. */
@GpuTest
class PythonColourGpuTest {

    private static final int FRAMES = 10;

    /** 8 and 10 bits, two planes and three. */
    @ParameterizedTest
    @CsvSource({
        "h264-1080p, torch, NV12",
        "h264-1080p, cupy, NV12",
        "hevc-1080p-10bit, torch, P010",
        "h264-444, cupy, YUV444P"
    })
    void theKernelGivesWhatNumpyGives(String clip, String library, String format, TestReporter reporter)
            throws Exception {
        assume(library);
        try (GpuStage stage = new GpuStage(Platform.GPU)) {
            produce(stage, "cam", clip);
            List<String> arguments = List.of(
                    "--key=cam", "--run-dir=" + stage.runDirectory(), "--library=" + library, "--frames=" + FRAMES);
            Child python = stage.run("python", Python.command("gpu_colour.py", arguments), Map.of());
            Report summary = GpuStage.summaryOf(python);
            assertEquals(FRAMES, summary.number("received"), python::toString);
            assertEquals(format, summary.text("format"));
            reporter.publishEntry(clip + " with " + library, summary.toString());
        }
    }

    @Test
    void theSampleDetectsOnTheGpu(TestReporter reporter) throws Exception {
        assume("torch");
        try (GpuStage stage = new GpuStage(Platform.GPU)) {
            produce(stage, "cam1", "h264-1080p");
            produce(stage, "cam2", "h264-1080p");
            List<String> arguments =
                    List.of("cam1", "cam2", "--run-dir", stage.runDirectory().toString());
            Child python = stage.run(
                    "detector",
                    Python.sample("detector.py", arguments),
                    Map.of("PYTHONPATH", Python.binding().toString()));
            assertEquals(0, python.awaitExit(), python::toString);
            List<String> lines = python.output();
            assertEquals("detecting with torch on the GPU", lines.get(0), python::toString);
            assertTrue(lines.get(1).matches("cam1#\\d+ edges 0\\.\\d+  cam2#\\d+ edges 0\\.\\d+"), python::toString);
            assertTrue(lines.get(lines.size() - 1).matches("[1-9]\\d* batches"), python::toString);
            reporter.publishEntry("detector", lines.toString());
        }
    }

    private static void produce(GpuStage stage, String key, String clip) throws Exception {
        stage.producer(
                key, "--input", Checkout.clip(clip).toString(), "--loop", "--realtime", "--wait-for-subscribers", "1");
    }

    private static void assume(String library) {
        Assumptions.assumeTrue(
                Python.has(library) && Python.has("numpy"),
                () -> "the Python interpreter has no module " + library + ", or no numpy");
    }
}
