package io.github.cuframes.tests.cpp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Stage;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The CMake package is installed, found by a project of its own, the samples, and one of these receives frames. */
@Tag("slow")
@Timeout(180)
class CppPackageTest {

    @Test
    void aSampleIsBuiltWithTheInstalledPackage(@TempDir Path directory) throws Exception {
        for (String tool : List.of("g++", "cmake", "make")) {
            Optional<String> missing = CppBuild.missing(tool, tool);
            assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
        }
        Path samples = directory.resolve("samples");
        Path prefix = directory.resolve("prefix");
        cmake("-S", CppBuild.directory(), "-B", directory.resolve("package"), "-DCUFRAMES_BUILD_TESTS=OFF");
        cmake("--install", directory.resolve("package"), "--prefix", prefix);
        cmake("-S", Checkout.root().resolve("samples/cpp"), "-B", samples, "-DCMAKE_PREFIX_PATH=" + prefix);
        assertTrue(
                Files.readString(samples.resolve("CMakeCache.txt")).contains("cuframes_DIR:PATH=" + prefix),
                "the installed package is what was found");
        cmake("--build", samples, "--target", "brightness");
        try (Stage stage = new Stage()) {
            stage.producer("cam", "--test-pattern", "320x240@100", "--memory", "host", "--wait-for-subscribers", "1");
            Await.until(() -> "a producer listens", () -> Files.exists(stage.socketOf("cam")));
            Child sample = stage.run(
                    "sample",
                    List.of(
                            samples.resolve("brightness").toString(),
                            "cam",
                            stage.runDirectory().toString()),
                    Map.of());
            assertEquals(0, sample.awaitExit(), sample::toString);
            assertEquals(100, sample.output().size(), sample::toString);
            assertTrue(sample.output().get(0).contains(" of 320x240 yuv420p: mean "), sample::toString);
        }
    }

    private static void cmake(Object... arguments) throws Exception {
        List<String> command = Stream.concat(
                        Stream.of("cmake"), Stream.of(arguments).map(String::valueOf))
                .toList();
        assertEquals("", CppBuild.run(command), () -> String.join(" ", command));
    }
}
