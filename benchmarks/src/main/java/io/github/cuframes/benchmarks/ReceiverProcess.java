package io.github.cuframes.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A {@link Receiver} in a JVM of its own, which has the flags of this one. */
final class ReceiverProcess implements AutoCloseable {

    private static final long EXIT_SECONDS = 5;

    private final Process process;
    private final BufferedReader output;

    ReceiverProcess(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Receiver.class.getName()));
        command.addAll(arguments);
        process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        output = process.inputReader(StandardCharsets.US_ASCII);
    }

    void awaitConnected() throws IOException {
        expect("connected");
    }

    /** Has it receive a round; returns when it is about to. */
    void begin(Round round) throws IOException {
        OutputStream input = process.getOutputStream();
        input.write((round.toLine() + "\n").getBytes(StandardCharsets.US_ASCII));
        input.flush();
        expect("ready");
    }

    /** Waits for the end of the round. */
    Reception end() throws IOException {
        return Reception.ofLine(line());
    }

    private void expect(String word) throws IOException {
        String line = line();
        if (!line.equals(word)) {
            throw new IOException("a receiver said \"" + line + "\" instead of \"" + word + "\"");
        }
    }

    private String line() throws IOException {
        String line = output.readLine();
        if (line == null) {
            throw new IOException("a receiver has ended early; what it wrote to stderr says why");
        }
        return line;
    }

    @Override
    public void close() throws IOException {
        try {
            process.getOutputStream().close();
            if (process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }
}
