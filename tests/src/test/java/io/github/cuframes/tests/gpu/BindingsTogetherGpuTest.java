package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.BindingsTogether;
import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Python;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Java, C++ and Python together on frames in a GPU's memory, each killed in turn, and their producer too. */
@GpuTest
@Timeout(120)
class BindingsTogetherGpuTest {

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void eachGoesOnWhateverBecomesOfTheOthers(String memory, TestReporter reporter) throws Exception {
        Path program = Path.of(System.getProperty("cuframes.cpp.tests", "build/cuframes-tests"));
        assumeTrue(
                Files.isExecutable(program),
                () -> "no program " + program + ": build bindings/cpp with CMake and name it in cuframes.cpp.tests");
        assumeTrue(Python.unavailable().isEmpty(), () -> Python.unavailable().orElse(""));
        reporter.publishEntry(
                memory,
                new BindingsTogether(memory, Launch.PLAIN, program)
                        .eachGoesOnWhateverBecomesOfTheOthers()
                        .toString());
    }
}
