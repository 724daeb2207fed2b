package io.github.cuframes.samples.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The processes of the demo; closing ends them all. Not thread-safe. */
final class Programs implements AutoCloseable {

    private static final long SERVER_MILLIS = 15_000;
    private static final long CLOSE_SECONDS = 5;
    private static final long SNAPSHOT_SECONDS = 30;

    private final Path root;
    private final Path work;
    private final Path sockets;
    private final List<Running> programs = new ArrayList<>();

    Programs(Path root, Path work, Path sockets) {
        this.root = root;
        this.work = work;
        this.sockets = sockets;
    }

    /** A process whose output goes to files. */
    record Running(String name, Process process, Path output, Path errorOutput) {

        boolean isAlive() {
            return process.isAlive();
        }

        int exitValue() {
            return process.exitValue();
        }

        String lastLine() throws IOException {
            List<String> lines = Files.readAllLines(output, StandardCharsets.UTF_8);
            if (lines.isEmpty()) {
                throw new IOException(name + " printed nothing");
            }
            return lines.get(lines.size() - 1);
        }

        String errors() throws IOException {
            return Files.readString(errorOutput, StandardCharsets.UTF_8).strip();
        }
    }

    private Running start(String name, List<String> command) throws IOException {
        Path output = work.resolve(name + ".out");
        Path errors = work.resolve(name + ".log");
        Process process = new ProcessBuilder(command)
                .directory(root.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile())
                .start();
        process.getOutputStream().close();
        Running running = new Running(name, process, output, errors);
        programs.add(running);
        return running;
    }

    private List<String> java(String jar, String... arguments) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "-jar",
                root.resolve(jar).toString()));
        command.addAll(List.of(arguments));
        return command;
    }

    /** Serves the clips, each under its own name; the server's address, or null where it is not installed. */
    String rtspServer(List<String> clips) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(root.resolve("scripts/rtsp-server").toString(), "--port", "0", "--loop"));
        for (String clip : clips) {
            command.addAll(List.of("--mount", "/" + clip + "=" + root.resolve("samples/clips/" + clip)));
        }
        if (!Files.isExecutable(Path.of("/usr/bin/python3"))) {
            return null;
        }
        Running server = start("rtsp-server", command);
        long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(SERVER_MILLIS);
        while (server.isAlive()) {
            List<String> lines = Files.readAllLines(server.output(), StandardCharsets.UTF_8);
            if (!lines.isEmpty()) {
                return lines.get(0);
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IOException("the RTSP server has not started: " + server.errors());
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        programs.remove(server);
        return null;
    }

    /** Starts a producer for a clip, over RTSP where there is a server. */
    void producer(String key, String clip, String server) throws IOException {
        String jar = "producer/target/cuframes-producer.jar";
        List<String> command = server == null
                ? java(jar, "--input", root.resolve("samples/clips/" + clip).toString(), "--loop", "--realtime")
                : java(jar, "--rtsp", server + "/" + clip);
        command.addAll(List.of("--key", key, "--run-dir", sockets.toString()));
        start("producer-" + key, command);
    }

    /** Starts a subscriber that touches every byte of every frame and checks the number it carries. */
    Running subscriber(String key, int number, String policy, int seconds) throws IOException {
        return start(
                "subscriber-" + key + "-" + (number + 1),
                subscriberCommand(
                        "stats", key, "--policy", policy, "--seconds", "" + seconds, "--verify-pattern", "--json"));
    }

    private List<String> subscriberCommand(String... arguments) {
        List<String> command = java("subscriber/target/cuframes-subscriber.jar", arguments);
        command.addAll(List.of("--run-dir", sockets.toString()));
        return command;
    }

    /** Saves the newest frame; where. */
    Path snapshot(String key) throws IOException, InterruptedException {
        Path picture = work.resolve(key + ".png");
        Files.deleteIfExists(picture);
        Running snapshot = start("snapshot-" + key, subscriberCommand("snapshot", key, picture.toString()));
        if (!snapshot.process().waitFor(SNAPSHOT_SECONDS, TimeUnit.SECONDS) || snapshot.exitValue() != 0) {
            throw new IOException("no snapshot of " + key + ": " + snapshot.errors());
        }
        programs.remove(snapshot);
        return root.relativize(picture);
    }

    /** Throws if a program has ended that should run until the end. */
    void requireAlive() throws IOException {
        for (Running program : programs) {
            if (!program.isAlive()) {
                throw new IOException(program.name() + " has ended: " + program.errors());
            }
        }
    }

    @Override
    public void close() {
        for (int i = programs.size() - 1; i >= 0; i--) {
            programs.get(i).process().destroy();
        }
        for (Running program : programs) {
            if (!hasEnded(program.process())) {
                program.process().destroyForcibly();
            }
        }
    }

    private static boolean hasEnded(Process process) {
        try {
            return process.waitFor(CLOSE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
