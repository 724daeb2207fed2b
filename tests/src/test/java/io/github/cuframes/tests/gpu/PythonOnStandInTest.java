package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Python;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The Python binding's GPU memory with the stand-in driver, whose device memory no tensor library can see. */
@ExtendWith(StandInCondition.class)
class PythonOnStandInTest {

    @BeforeAll
    static void requirePython() {
        Optional<String> missing = Python.unavailable();
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
    }

    private static Map<String, String> environment() {
        return Map.of("CUFRAMES_CUDA_LIBRARY", StandInDriver.build().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void sameBytes(String memory, TestReporter reporter) throws Exception {
        PythonChecksumGpuTest.sameBytes(Platform.STAND_IN, "pattern-h264", 40, memory, "none", environment(), reporter);
    }

    /** Mappings, accesses and events of the binding, seen from inside its process. */
    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void leasesMappingsAndEvents(String memory) throws Exception {
        try (GpuStage stage = new GpuStage(Platform.STAND_IN)) {
            stage.producer("cam", "--memory", memory, "--test-pattern", "320x180@25");
            Child checks = stage.run(
                    "checks",
                    Python.command(
                            "standin_checks.py",
                            List.of("cam", stage.runDirectory().toString())),
                    environment());
            assertEquals(0, checks.awaitExit(), checks::toString);
            assertTrue(checks.output().contains("checked"), checks::toString);
        }
    }

    /** A process without a driver does not offer to read GPU memory, and is told so. */
    @Test
    void withoutADriverItIsRefused() throws Exception {
        try (GpuStage stage = new GpuStage(Platform.STAND_IN)) {
            stage.producer("cam", "--memory", "cuda", "--test-pattern", "320x180@25");
            Child refused = stage.run(
                    "refused",
                    Python.command("verifying_subscriber.py", List.of("key=cam", "run-dir=" + stage.runDirectory())),
                    Map.of("CUFRAMES_CUDA_LIBRARY", "/nowhere/libcuda.so.1"));
            assertEquals(1, refused.awaitExit(), refused::toString);
            assertTrue(refused.output().get(0).startsWith("failed RefusedError 9 "), refused::toString);
        }
    }
}
