package io.github.cuframes.conformance.cli;

import io.github.cuframes.conformance.Skipped;
import io.github.cuframes.conformance.publisher.PublisherUnderTest;
import io.github.cuframes.memory.transport.ControlConnection;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** A publisher that runs somewhere, or is started by a command. */
final class CommandPublisher implements PublisherUnderTest, AutoCloseable {

    /** A program's start is no part of what it is checked for. */
    private static final Duration START = Duration.ofSeconds(60);

    private final Path socket;
    private final Duration patience;
    private final Optional<Duration> losslessLimit;
    private final String reconfigure;
    private final List<String> command;
    private Process process;

    CommandPublisher(
            Path socket,
            Duration patience,
            Optional<Duration> losslessLimit,
            String reconfigure,
            List<String> command) {
        this.socket = socket;
        this.patience = patience;
        this.losslessLimit = losslessLimit;
        this.reconfigure = reconfigure;
        this.command = List.copyOf(command);
    }

    /** Starts it if there is a command, and sees that it answers. */
    void begin() throws Exception {
        if (command.isEmpty()) {
            ControlConnection.connect(socket, patience).close();
        } else {
            start();
        }
    }

    @Override
    public Path socket() {
        return socket;
    }

    @Override
    public String key() {
        return socket.getFileName().toString().replaceFirst("\\.sock$", "");
    }

    @Override
    public Duration patience() {
        return patience;
    }

    @Override
    public Optional<Duration> losslessLimit() {
        return losslessLimit;
    }

    @Override
    public void reconfigure() throws Exception {
        if (reconfigure == null) {
            throw new Skipped("give --reconfigure COMMAND, which has the publisher change size or format");
        }
        int status = new ProcessBuilder("sh", "-c", reconfigure)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start()
                .waitFor();
        if (status != 0) {
            throw new Skipped("the command of --reconfigure ended with status " + status);
        }
    }

    private void requireCommand() throws Skipped {
        if (command.isEmpty()) {
            throw new Skipped("give the publisher's command after --, for the suite ends and restarts it here");
        }
    }

    @Override
    public void kill() throws Exception {
        requireCommand();
        process.destroyForcibly().waitFor();
    }

    @Override
    public void end() throws Exception {
        requireCommand();
        process.destroy();
    }

    @Override
    public void start() throws Exception {
        if (process != null) {
            process.waitFor();
        }
        process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        long deadline = System.nanoTime() + START.toNanos();
        while (true) {
            try {
                ControlConnection.connect(socket, patience).close();
                return;
            } catch (IOException e) {
                if (!process.isAlive()) {
                    throw new IOException(
                            "the publisher ended with status " + process.exitValue() + " before it listened at "
                                    + socket + "; try its command by hand",
                            e);
                }
                if (deadline - System.nanoTime() < 0) {
                    throw e;
                }
                process.waitFor(20, TimeUnit.MILLISECONDS);
            }
        }
    }

    @Override
    public void close() {
        if (process != null) {
            process.destroyForcibly();
        }
    }
}
