package io.github.cuframes.tests;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the files of the source tree are. */
public final class Checkout {

    private static final Path ROOT = find();

    private Checkout() {}

    private static Path find() {
        Path directory = Path.of("").toAbsolutePath();
        while (directory != null && !Files.isRegularFile(directory.resolve("mvnw"))) {
            directory = directory.getParent();
        }
        if (directory == null) {
            throw new IllegalStateException(
                    "tests run inside the source tree, not in " + Path.of("").toAbsolutePath());
        }
        return directory;
    }

    /** The directory that holds {@code mvnw}. */
    public static Path root() {
        return ROOT;
    }

    /** A clip of {@code samples/clips}, by its name without {@code .mp4}; {@code docs/test-pattern.md} lists them. */
    public static Path clip(String name) {
        return ROOT.resolve("samples/clips").resolve(name + ".mp4");
    }
}
