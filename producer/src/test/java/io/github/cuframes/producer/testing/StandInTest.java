package io.github.cuframes.producer.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;

/**
 * A test with the stand-in CUDA driver, in a JVM that has no other: the build runs this tag by itself. Nothing of the
 * driver's may be left after a test.
 */
@Tag("standin")
@Timeout(60)
public abstract class StandInTest {

    /** The stand-in of this JVM; null where it cannot be built. */
    protected static final StandInControl control = load();

    private static StandInControl load() {
        if (StandInDriver.unavailable().isPresent()) {
            return null;
        }
        // read when the classes that bind them are initialized, which no test has done before this
        System.setProperty("cuframes.cuda.library", StandInDriver.build().toString());
        System.setProperty("cuframes.nvcuvid.library", buildNvcuvid().toString());
        return StandInControl.load();
    }

    private static Path buildNvcuvid() {
        try (InputStream source = StandInTest.class.getResourceAsStream("nvcuvid.c")) {
            Path directory =
                    Files.createDirectories(Path.of("target", "standin").toAbsolutePath());
            Path file = Files.createTempFile(directory, "nvcuvid", ".c");
            Files.write(file, source.readAllBytes());
            Path library = directory.resolve("libstandin-nvcuvid.so");
            Process compiler = new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), file.toString())
                    .inheritIO()
                    .start();
            assertEquals(0, compiler.waitFor());
            Files.delete(file);
            return library;
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException("the stand-in of libnvcuvid cannot be built", e);
        }
    }

    @BeforeAll
    static void needsTheStandIn() {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElse(""));
    }

    @BeforeEach
    void begin() {
        control.reset();
    }

    @AfterEach
    void nothingIsLeft() {
        control.reset();
        assertEquals(Map.of(), control.live());
        assertEquals(0, control.allocated(0));
    }
}
