package io.github.cuframes.tests.faults;

import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Optional;

/**
 * The libraries in C that the harness needs: compiled when they are asked for or, where there is no compiler, as in a
 * bundle of {@code scripts/gpu-bundle}, taken from the directory that the property {@code cuframes.faults.natives} names.
 */
final class Natives {

    private static final String DIRECTORY = System.getProperty("cuframes.faults.natives");
    private static final String STAND_IN = "libcuda.so.1";
    private static final String CLOCK = "clock.so";

    private Natives() {}

    /** The stand-in driver. */
    static Path standIn() {
        return compiled(STAND_IN).orElseGet(StandInDriver::build);
    }

    /** What stands before the C library's clock; empty where it cannot be compiled. */
    static Optional<Path> clock(Path workDirectory) throws IOException {
        Optional<Path> there = compiled(CLOCK);
        if (there.isPresent()) {
            return there;
        }
        try {
            return Optional.of(compileClock(workDirectory));
        } catch (IOException e) {
            return Optional.empty(); // the steps that need it are skipped, and say so
        }
    }

    private static Optional<Path> compiled(String name) {
        return Optional.ofNullable(DIRECTORY)
                .map(directory -> Path.of(directory, name))
                .filter(Files::isRegularFile);
    }

    /** Compiles them all into a directory. */
    static void compile(Path directory) throws IOException {
        Files.createDirectories(directory);
        Files.copy(StandInDriver.build(), directory.resolve(STAND_IN), StandardCopyOption.REPLACE_EXISTING);
        Files.delete(compileClock(directory).resolveSibling("clock.c"));
    }

    private static Path compileClock(Path directory) throws IOException {
        Path source = directory.resolve("clock.c");
        Path library = directory.resolve(CLOCK);
        try (InputStream in = Natives.class.getResourceAsStream("clock.c")) {
            Files.copy(in, source, StandardCopyOption.REPLACE_EXISTING);
        }
        Actor.run(List.of("cc", "-std=gnu11", "-O2", "-fPIC", "-shared", "-o", library.toString(), source.toString()));
        return library;
    }
}
