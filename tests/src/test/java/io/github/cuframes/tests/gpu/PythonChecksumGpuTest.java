package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Python;
import io.github.cuframes.tests.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Python sees the same bytes as Java, frame by frame, as tensors where they lie. The interpreter needs torch, or CuPy. */
@GpuTest
class PythonChecksumGpuTest {

    @ParameterizedTest
    @CsvSource({"cuda, torch", "cuda, cupy", "cuda-ipc, torch"})
    void sameBytes(String memory, String library, TestReporter reporter) throws Exception {
        Assumptions.assumeTrue(Python.has(library), () -> "the Python interpreter has no module " + library);
        sameBytes(Platform.GPU, "h264-1080p", 1000, memory, library, Map.of(), reporter);
    }

    static void sameBytes(
            Platform platform,
            String clip,
            int frames,
            String memory,
            String library,
            Map<String, String> environment,
            TestReporter reporter)
            throws Exception {
        try (GpuStage stage = new GpuStage(platform)) {
            stage.producer(
                    "cam",
                    "--memory",
                    memory,
                    "--input",
                    Checkout.clip(clip).toString(),
                    "--wait-for-subscribers",
                    "2");
            Child java = stage.subscriber("java", "cam", "lossless", "frames=" + frames);
            Child python = stage.run("python", python(stage, frames, library), environment);
            Report theirs = GpuStage.summaryOf(java);
            Report summary = GpuStage.summaryOf(python);
            assertEquals(memory, theirs.text("memory"));
            assertEquals(memory.equals("cuda") ? "CUDA" : "CUDA_IPC", summary.text("memory"));
            assertEquals(library, summary.text("library"));
            assertEquals(0, summary.number("dropped"), python::toString);
            assertEquals(frames, summary.number("received"), python::toString);
            List<Received> expected = stage.received(java);
            assertEquals(frames, expected.size(), java::toString);
            assertEquals(expected, stage.received(python));
            assertTrue(expected.stream().map(Received::checksum).distinct().count() > 1, "the picture moves");
            reporter.publishEntry(memory + " with " + library, summary.toString());
        }
    }

    private static List<String> python(GpuStage stage, int frames, String library) {
        List<String> arguments = new ArrayList<>(List.of("--key=cam", "--policy=lossless", "--frames=" + frames));
        arguments.add("--run-dir=" + stage.runDirectory());
        arguments.add("--file=" + stage.file("python"));
        arguments.add("--library=" + library);
        return Python.command("gpu_checksum.py", arguments);
    }
}
