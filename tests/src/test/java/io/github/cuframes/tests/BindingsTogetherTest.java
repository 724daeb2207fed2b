package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.tests.cpp.CppBuild;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The matrix of languages, in host memory and on the stand-in driver; {@code BindingsTogetherGpuTest} is that of a GPU. */
@Tag("slow")
@Timeout(180)
class BindingsTogetherTest {

    @BeforeAll
    static void requireAll() {
        Optional<String> missing = Stream.of(CppBuild.missing("g++", "g++"), Python.unavailable())
                .flatMap(Optional::stream)
                .findFirst();
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
    }

    @Test
    void inHostMemory() throws Exception {
        together("host", Launch.PLAIN);
    }

    @Test
    void onTheStandInDriver() throws Exception {
        Optional<String> missing = StandInDriver.unavailable();
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
        Path library = StandInDriver.build();
        // each language finds it in its own way
        Map<String, String> environment =
                Map.of("LD_LIBRARY_PATH", library.getParent().toString(), "CUFRAMES_CUDA_LIBRARY", library.toString());
        together("cuda", Launch.PLAIN.with(environment).with("-Dcuframes.cuda.library=" + library));
    }

    private static void together(String memory, Launch launch) throws Exception {
        new BindingsTogether(memory, launch, CppBuild.programs().get(0)).eachGoesOnWhateverBecomesOfTheOthers();
    }
}
