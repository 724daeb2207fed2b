package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.function.Predicate;

/**
 * Where the checks look.
 *
 * @param root what stands for {@code /}
 * @param environment as of {@link System#getenv()}
 * @param properties as of {@link System#getProperties()}
 * @param accessible whether this process may read and write a file or directory
 */
record Machine(Path root, Map<String, String> environment, Properties properties, Predicate<Path> accessible) {

    static Machine real() {
        return new Machine(
                Path.of("/"),
                System.getenv(),
                System.getProperties(),
                path -> Files.isReadable(path) && Files.isWritable(path));
    }

    Path path(String absolute) {
        return root.resolve(absolute.substring(1));
    }

    boolean exists(String absolute) {
        return Files.exists(path(absolute));
    }

    /** The lines of a file; empty if there is none. */
    List<String> lines(String absolute) throws IOException {
        try {
            return Files.readAllLines(path(absolute));
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    /** A variable that is set to more than blanks. */
    Optional<String> variable(String name) {
        return Optional.ofNullable(environment.get(name)).filter(value -> !value.isBlank());
    }

    Optional<String> property(String name) {
        return Optional.ofNullable(properties.getProperty(name)).filter(value -> !value.isBlank());
    }

    /** Whether there are signs of a container; a process cannot know. */
    boolean inContainer() {
        return exists("/.dockerenv")
                || exists("/run/.containerenv")
                || variable("container").isPresent()
                || variable("KUBERNETES_SERVICE_HOST").isPresent();
    }

    /** The user that this process acts as. */
    String user() throws IOException {
        return lines("/proc/self/status").stream()
                .filter(line -> line.startsWith("Uid:"))
                .map(line -> line.split("\\s+")[2])
                .findFirst()
                .orElse("unknown");
    }
}
