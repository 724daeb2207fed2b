package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a C++ subscriber reads on the GPU is, frame by frame, what a Java subscriber of the same stream does. The program is that of
 * {@code bindings/cpp/tests/gpu_checksum.cpp}, named by the property {@code cuframes.cpp.checksum}.
 */
@GpuTest
@Timeout(180)
class CppChecksumGpuTest {

    @ParameterizedTest
    @CsvSource({
        "h264-1080p, 1000, cuda",
        "hevc-2160p, 1000, cuda",
        "hevc-1080p-10bit, 60, cuda",
        "h264-1080p, 1000, cuda-ipc"
    })
    void readsWhatJavaReads(String clip, int frames, String memory, TestReporter reporter) throws Exception {
        Path program = Path.of(System.getProperty("cuframes.cpp.checksum", "build/gpu-checksum"));
        assumeTrue(
                Files.isExecutable(program),
                () -> "no program " + program + ": build bindings/cpp with CMake and name it in cuframes.cpp.checksum");
        try (GpuStage stage = new GpuStage(Platform.GPU)) {
            stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip(clip).toString(),
                    "--memory",
                    memory,
                    "--loop",
                    "--wait-for-subscribers",
                    "2");
            Child java = stage.subscriber("java", "cam", "lossless", "frames=" + frames);
            Child cpp = stage.run(program, "cpp", "cam", "lossless", "frames=" + frames);
            assertEquals(memory, GpuStage.summaryOf(java).text("memory"));
            Report summary = GpuStage.summaryOf(cpp);
            assertEquals(memory, summary.text("memory"));
            assertEquals(0, summary.number("dropped"), cpp::toString);
            assertEquals(frames, stage.received(cpp).size());
            assertEquals(stage.received(java), stage.received(cpp));
            reporter.publishEntry(clip + ", " + memory, frames + " frames equal in Java and C++");
        }
    }
}
