package io.github.cuframes.tests.gpu;

import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Report;
import io.github.cuframes.tests.Stage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.TestReporter;

/**
 * Processes that use a GPU, or the stand-in driver, and what is left of it when they are gone. Ends all of them with {@link #close()}.
 */
final class GpuStage implements AutoCloseable {

    /** What the driver may keep for itself from one moment to another: a few of its allocation units. */
    private static final long TOLERANCE = 8 << 20;

    private final Launch launch;
    private final Stage stage = new Stage();
    private final Path files = Files.createTempDirectory("cuframes-gpu-test");
    private Child probe;
    private Report level;

    GpuStage(Platform platform, int gpus) throws IOException {
        this.launch = platform.launch(gpus);
    }

    GpuStage(Platform platform) throws IOException {
        this(platform, 1);
    }

    Launch launch() {
        return launch;
    }

    Path runDirectory() {
        return stage.runDirectory();
    }

    /** For files of the test, removed in the end. */
    Path file(String name) {
        return files.resolve(name);
    }

    /** Lets processes of other users write files of the test. */
    void openFiles() throws IOException {
        Files.setPosixFilePermissions(files, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    /** Starts a producer with frames in a GPU's memory, of kind {@code cuda} unless an option says otherwise. */
    Child producer(String key, String... options) throws IOException {
        return producer(launch, key, options);
    }

    /** The same, started in a way of its own. */
    Child producer(Launch how, String key, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(
                List.of("--key", key, "--run-dir", runDirectory().toString(), "--max-memory", "2GB"));
        arguments.addAll(List.of(options));
        if (!arguments.contains("--memory")) {
            arguments.addAll(List.of("--memory", "cuda"));
        }
        return start("producer " + key, Main.class, how, arguments);
    }

    /** Starts a {@link ChecksumSubscriber} that writes to {@link #file file(name)}. */
    Child subscriber(String name, String key, String policy, String... options) throws IOException {
        return subscriber(launch, name, key, policy, options);
    }

    /** The same, started in a way of its own. */
    Child subscriber(Launch how, String name, String key, String policy, String... options) throws IOException {
        return start(
                name,
                ChecksumSubscriber.class,
                how,
                arguments(key, policy, Stream.concat(Stream.of("file=" + file(name)), Stream.of(options))));
    }

    /** Starts a main class that is a subscriber of some kind. */
    Child start(String name, Class<?> main, String key, String policy, String... options) throws IOException {
        return start(name, main, launch, arguments(key, policy, Stream.of(options)));
    }

    private List<String> arguments(String key, String policy, Stream<String> options) {
        return Stream.concat(Stream.of("key=" + key, "run-dir=" + runDirectory(), "policy=" + policy), options)
                .toList();
    }

    /** Starts a main class. */
    Child start(String name, Class<?> main, Launch how, List<String> arguments) throws IOException {
        return stage.start(name, main, how, arguments);
    }

    /** Starts a program that does as {@link ChecksumSubscriber} does, and takes the same arguments. */
    Child run(Path program, String name, String key, String policy, String... options) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(arguments(key, policy, Stream.concat(Stream.of("file=" + file(name)), Stream.of(options))));
        return stage.run(name, command, launch.environment());
    }

    /** Starts any command. */
    Child run(String name, List<String> command, Map<String, String> environment) throws IOException {
        return stage.run(name, command, environment);
    }

    /** Waits for a subscriber's end. */
    static Report summaryOf(Child subscriber) throws InterruptedException {
        Report summary = subscriber.await("summary", report -> true);
        if (subscriber.awaitExit() != 0) {
            throw new AssertionError(subscriber.toString());
        }
        return summary;
    }

    /** What a subscriber wrote down. */
    List<Received> received(Child subscriber) throws IOException {
        return Received.read(file(subscriber.name()));
    }

    /** A producer's counters. */
    Observer observe(String key) throws IOException {
        return stage.observe(key);
    }

    /** How many GPUs processes here see. From the first call on, {@link #awaitLevel} knows what to come back to. */
    int gpus() throws IOException {
        if (probe == null) {
            probe = start("probe", GpuMemoryProbe.class, launch, List.of());
            probe.await("ready", report -> true);
            level = probe.ask("", "level");
        }
        return (int) probe.await("ready", report -> true).number("gpus");
    }

    /** Waits until the GPUs have as much free memory as at the first call of {@link #gpus}. */
    void awaitLevel(TestReporter reporter) {
        Report[] last = new Report[1];
        Await.until(() -> "free memory is " + last[0] + " and was " + level, () -> {
            last[0] = ask();
            return level.fields().keySet().stream()
                    .allMatch(name -> last[0].number(name) >= level.number(name) - TOLERANCE);
        });
        reporter.publishEntry("free memory before and after, bytes", level.fields() + ", " + last[0].fields());
    }

    private Report ask() {
        try {
            return probe.ask("", "level");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        stage.close();
        try (Stream<Path> left = Files.list(files)) {
            for (Path file : left.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(files);
    }
}
