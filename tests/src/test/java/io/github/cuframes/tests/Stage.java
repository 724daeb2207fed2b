package io.github.cuframes.tests;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.subscriber.Observer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Producers and subscribers as processes, in a run directory of their own, so that tests can run beside each other and see
 * what is left behind. Ends all of them with {@link #close()}.
 */
public final class Stage implements AutoCloseable {

    private final Path runDirectory = Files.createTempDirectory("cuframes-run");
    private final List<Child> children = new ArrayList<>();

    public Stage() throws IOException {}

    public Path runDirectory() {
        return runDirectory;
    }

    public Path socketOf(String key) {
        return runDirectory.resolve(key + ".sock");
    }

    /** Starts the command {@code cuframes-producer}. */
    public Child producer(String key, String... options) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("--key", key, "--run-dir", runDirectory.toString(), "--max-memory", "256MB"));
        arguments.addAll(List.of(options));
        return start("producer " + key, Main.class, arguments);
    }

    /** Starts a {@link VerifyingSubscriber}. */
    public Child subscriber(String key, String policy, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("key=" + key, "run-dir=" + runDirectory, "policy=" + policy));
        arguments.addAll(List.of(options));
        return start("subscriber " + policy + " " + children.size(), VerifyingSubscriber.class, arguments);
    }

    /** Starts a main class. */
    public Child start(String name, Class<?> main, List<String> arguments) throws IOException {
        return start(name, main, Launch.PLAIN, arguments);
    }

    /** Starts a main class in a way of its own. */
    public Child start(String name, Class<?> main, Launch launch, List<String> arguments) throws IOException {
        Child child = Child.start(name, main, launch, arguments);
        children.add(child);
        return child;
    }

    /** Starts a program that is no JVM. */
    public Child run(String name, List<String> command, Map<String, String> environment) throws IOException {
        Child child = Child.run(name, command, environment);
        children.add(child);
        return child;
    }

    /** Connects to a producer's counters as soon as there are any. */
    public Observer observe(String key) throws IOException {
        RunDirectory directory = RunDirectory.resolve(runDirectory, Map.of(), RunDirectory.Role.SUBSCRIBER);
        Await.until(() -> "a producer of " + key + " listens", () -> Files.exists(socketOf(key)));
        return Observer.connect(directory, key, Await.DEADLINE);
    }

    /**
     * The sockets in the run directory. A producer's lock file stays there, on purpose; it is locked while it lives. So does the
     * private directory of one that was killed while it bound its socket, until another removes it when it is old enough.
     */
    public List<Path> sockets() {
        return list(runDirectory).stream()
                .filter(file -> file.toString().endsWith(".sock"))
                .toList();
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        children.forEach(Child::close);
        try {
            for (Child child : children) {
                child.awaitExit();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        for (Path file : list(runDirectory)) {
            if (Files.isDirectory(file)) {
                for (Path left : list(file)) {
                    Files.delete(left);
                }
            }
            Files.delete(file);
        }
        Files.delete(runDirectory);
    }
}
