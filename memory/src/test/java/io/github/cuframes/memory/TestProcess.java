package io.github.cuframes.memory;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Another JVM that runs a class of the tests. */
public final class TestProcess implements AutoCloseable {

    private static final long DEADLINE_SECONDS = 30;

    private final Process process;
    private final BufferedReader output;

    /** Starts the main method of a class. */
    public TestProcess(Class<?> main, String... arguments) throws IOException {
        this(Map.of(), List.of(), main, arguments);
    }

    /** Starts the main method of a class with further environment variables and options of the JVM. */
    public TestProcess(Map<String, String> environment, List<String> options, Class<?> main, String... arguments)
            throws IOException {
        List<String> command = new ArrayList<>(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx64m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                main.getName()));
        if (Runtime.version().feature() >= 22) {
            command.add(1, "--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(1, options);
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(environment);
        process = builder.start();
        output = process.inputReader();
    }

    /** The next line that it prints, null at the end. */
    public String line() throws IOException {
        return output.readLine();
    }

    /** Tells it to go on. */
    public void go() throws IOException {
        say("");
    }

    /** Gives it a line. */
    public void say(String line) throws IOException {
        process.getOutputStream().write((line + "\n").getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
    }

    /** Kills it with SIGKILL and waits for its end. */
    public void kill() throws InterruptedException {
        process.destroyForcibly().waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Waits for its end and returns its status. */
    public int status() throws InterruptedException {
        if (!process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the process does not end");
        }
        return process.exitValue();
    }

    /** Waits for a condition up to a deadline. */
    public static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
        while (!condition.getAsBoolean()) {
            if (deadline - System.nanoTime() < 0) {
                throw new AssertionError("not within " + DEADLINE_SECONDS + " s: " + what);
            }
            LockSupport.parkNanos(1_000_000);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
