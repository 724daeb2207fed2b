package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Proc;
import io.github.cuframes.tests.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A process that is told what to do a line at a time and answers each with one. For one thread. */
final class Actor implements AutoCloseable {

    /** Nothing that is asked may take longer; what does is a hang. */
    static final Duration HANG = Duration.ofSeconds(30);

    private static final int KEPT_ERRORS = 12;
    private static final String ENDED = "ended";

    private String name;
    private final Process process;
    private final BlockingQueue<String> answers = new LinkedBlockingQueue<>();
    private final Deque<String> errors = new ArrayDeque<>();

    private Actor(String name, Process process) {
        this.name = name;
        this.process = process;
        read(process.inputReader(), answers::add, () -> answers.add(ENDED));
        read(process.errorReader(), this::keep, () -> {});
    }

    /** Starts one; it is ready when {@link #answer()} has said so. */
    static Actor start(String name, Class<?> main, Launch launch, List<String> arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Child.command(main, launch, arguments));
        builder.environment().putAll(launch.environment());
        return new Actor(name, builder.start());
    }

    /** A sentence as one word, for a {@link Report}. */
    static String word(String sentence) {
        return sentence.replaceAll("\\s+", "_");
    }

    private static void read(BufferedReader from, java.util.function.Consumer<String> into, Runnable atEnd) {
        Thread thread = new Thread(
                () -> {
                    try (from) {
                        for (String line = from.readLine(); line != null; line = from.readLine()) {
                            into.accept(line);
                        }
                    } catch (IOException e) {
                        into.accept("(cannot be read: " + e.getMessage() + ")");
                    }
                    atEnd.run();
                },
                "actor-reader");
        thread.setDaemon(true);
        thread.start();
    }

    private void keep(String line) {
        synchronized (errors) {
            errors.add(line);
            if (errors.size() > KEPT_ERRORS) {
                errors.remove();
            }
        }
    }

    String name() {
        return name;
    }

    /** Gives one that waited for its turn the name of its part. */
    void rename(String part) {
        name = part;
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    long pid() {
        return process.pid();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Tells it something; {@link #answer()} is to follow. */
    void tell(String line) throws StepFailure {
        try {
            process.outputWriter().write(line + "\n");
            process.outputWriter().flush();
        } catch (IOException e) {
            throw new StepFailure(this + " takes no \"" + line + "\": " + e.getMessage());
        }
    }

    /** Its next line. */
    Report answer() throws StepFailure {
        try {
            String line = answers.poll(HANG.toSeconds(), TimeUnit.SECONDS);
            if (line == null) {
                throw new StepFailure("hang: no answer within " + HANG.toSeconds() + " s of " + this);
            }
            if (line.equals(ENDED)) {
                answers.add(ENDED);
                throw new StepFailure("it has ended: " + this);
            }
            return Report.parse(line);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StepFailure("interrupted");
        }
    }

    Report ask(String line) throws StepFailure {
        tell(line);
        return answer();
    }

    /** The same, and the answer must be of a kind. */
    Report ask(String line, String kind) throws StepFailure {
        return require(ask(line), kind);
    }

    /** An answer that must be of a kind. */
    Report require(Report answer, String kind) throws StepFailure {
        if (!answer.kind().equals(kind)) {
            throw new StepFailure("\"" + kind + "\" was to come, and not " + answer + ", from " + this);
        }
        return answer;
    }

    /** Stops it, and waits until it stands still. */
    void stop() throws IOException, StepFailure {
        signal("STOP");
        long deadline = System.nanoTime() + HANG.toNanos();
        while (Proc.stateOf(pid()) != 'T') {
            if (System.nanoTime() - deadline > 0) {
                throw new StepFailure("hang: SIGSTOP does not stop " + this);
            }
            LockSupport.parkNanos(200_000);
        }
    }

    /** Lets it go on. */
    void go() throws IOException {
        signal("CONT");
    }

    private void signal(String signal) throws IOException {
        run(List.of("kill", "-" + signal, Long.toString(pid())));
    }

    /** How many descriptors it may have; as many as at its start again if 0. */
    void limitDescriptors(long count) throws IOException {
        String soft = Long.toString(count == 0 ? hardLimit() : count);
        run(List.of("prlimit", "--pid", Long.toString(pid()), "--nofile=" + soft + ":"));
    }

    /** A JVM raises its own limit to this one. */
    private long hardLimit() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + pid() + "/limits"))) {
            if (line.startsWith("Max open files")) {
                return Long.parseLong(line.trim().split("\\s+")[4]);
            }
        }
        throw new IOException("no limit of open files in /proc/" + pid() + "/limits");
    }

    static void run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes());
        try {
            if (process.waitFor() != 0) {
                throw new IOException(command + " failed: " + said.strip());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted during " + command, e);
        }
    }

    /** Ends it without warning and waits for that. */
    void kill() throws StepFailure {
        process.destroyForcibly();
        awaitExit();
    }

    /** Asks it to end in good order. */
    int leave() throws StepFailure {
        try {
            process.outputWriter().close();
        } catch (IOException e) {
            throw new StepFailure(this + " cannot be asked to leave: " + e.getMessage());
        }
        return awaitExit();
    }

    private int awaitExit() throws StepFailure {
        try {
            if (!process.waitFor(HANG.toSeconds(), TimeUnit.SECONDS)) {
                throw new StepFailure("hang: no end within " + HANG.toSeconds() + " s of " + this);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StepFailure("interrupted");
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    @Override
    public String toString() {
        synchronized (errors) {
            return name + " (pid " + pid() + (isAlive() ? "" : ", exit status " + process.exitValue()) + ")"
                    + (errors.isEmpty() ? "" : ", which wrote:\n      " + String.join("\n      ", errors));
        }
    }
}
