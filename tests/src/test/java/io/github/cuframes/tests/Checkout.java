package io.github.cuframes.tests;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where the files of the source tree are. Outside of it, as in a bundle of {@code scripts/gpu-bundle}, system properties
 * say where those are that are there: {@code cuframes.clips}, a directory, {@code cuframes.producer.jar} and
 * {@code cuframes.subscriber.jar}.
 */
public final class Checkout {

    private Checkout() {}

    /** The directory that holds {@code mvnw}. */
    public static Path root() {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.isRegularFile(directory.resolve("mvnw"))) {
            directory = directory.getParent();
        }
        if (directory == null) {
            throw new IllegalStateException("this needs the source tree, which is not around "
                    + Path.of("").toAbsolutePath());
        }
        return directory;
    }

    /**
     * A clip by its name without {@code .mp4}: of {@code samples/clips}, which {@code docs/test-pattern.md} lists, or one
     * that {@code scripts/gpu-bundle} made, which {@code docs/gpu-testing.md} lists.
     *
     * @throws IllegalStateException if it is not there
     */
    public static Path clip(String name) {
        String directory = System.getProperty("cuframes.clips");
        List<Path> directories = directory != null
                ? List.of(Path.of(directory))
                : Stream.of("samples/clips", "target/gpu-clips")
                        .map(root()::resolve)
                        .toList();
        return directories.stream()
                .map(candidate -> candidate.resolve(name + ".mp4"))
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no clip " + name + ".mp4 in " + directories
                        + "; scripts/gpu-bundle makes those that are made"));
    }

    /** The runnable jar of {@code producer} or {@code subscriber}; there is one from the phase {@code package} on. */
    public static Path runnableJar(String module) {
        String jar = System.getProperty("cuframes." + module + ".jar");
        return jar != null ? Path.of(jar) : root().resolve(module).resolve("target/cuframes-" + module + ".jar");
    }
}
