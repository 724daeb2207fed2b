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

/**
 * A JVM of its own, which has the flags of this one, or another program; it is spoken to in lines. It ends with its standard input, so that
 * none is left behind when the benchmark dies. One thread at a time.
 */
final class ChildJvm implements AutoCloseable {

    private static final long EXIT_SECONDS = 15;

    private final String name;
    private final Process process;
    private final BufferedReader output;

    ChildJvm(Class<?> main, List<String> arguments) throws IOException {
        name = main.getSimpleName();
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(arguments);
        process = start(command);
        output = process.inputReader(StandardCharsets.US_ASCII);
    }

    /** A program that is no JVM and understands the same lines. */
    ChildJvm(Path program, List<String> arguments) throws IOException {
        name = program.getFileName().toString();
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(arguments);
        process = start(command);
        output = process.inputReader(StandardCharsets.US_ASCII);
    }

    private static Process start(List<String> command) throws IOException {
        return new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    long pid() {
        return process.pid();
    }

    /** Writes a line to its standard input. */
    void tell(String line) throws IOException {
        OutputStream input = process.getOutputStream();
        input.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        input.flush();
    }

    /** Waits for the next line of its standard output. */
    String hear() throws IOException {
        String line = output.readLine();
        if (line == null) {
            throw new IOException("the process " + name + " has ended early; what it wrote to stderr says why");
        }
        return line;
    }

    /**
     * Tells a {@link Servant} something and waits for the answer.
     *
     * @throws IOException if it could not do so; says why
     */
    String ask(String line) throws IOException {
        tell(line);
        String answer = hear();
        if (answer.startsWith(Servant.FAILED)) {
            throw new IOException("the process " + name + " " + answer);
        }
        return answer;
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
