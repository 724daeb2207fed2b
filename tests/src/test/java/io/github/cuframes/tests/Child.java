package io.github.cuframes.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A JVM of its own that runs a main class from the tests' class path, or another program. What it writes is kept line by line. Any thread
 * may call any method.
 */
public final class Child implements AutoCloseable {

    private static final int SHOWN_LINES = 40;

    /** Where natives are unpacked, and where clips and jars are that are not in the source tree. */
    private static final List<String> INHERITED = List.of(
            "java.io.tmpdir",
            "jna.tmpdir",
            "org.bytedeco.javacpp.cachedir",
            "cuframes.clips",
            "cuframes.producer.jar",
            "cuframes.subscriber.jar");

    private final String name;
    private final Process process;
    private final List<String> output = new ArrayList<>();
    private final List<String> errors = new ArrayList<>();
    private final List<Thread> readers;

    private Child(String name, Process process) {
        this.name = name;
        this.process = process;
        this.readers = List.of(
                collect(process.inputReader(), output, name + "-stdout"),
                collect(process.errorReader(), errors, name + "-stderr"));
    }

    /**
     * Starts a JVM with a heap of 64 MiB that spares the processor.
     *
     * @param name for messages
     * @param environment added to this process's own
     */
    public static Child start(String name, Class<?> main, Map<String, String> environment, List<String> arguments)
            throws IOException {
        return start(name, main, Launch.PLAIN.with(environment), arguments);
    }

    /** Starts a JVM with a heap of 64 MiB that spares the processor, as it is told. */
    public static Child start(String name, Class<?> main, Launch launch, List<String> arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command(main, launch, arguments));
        builder.environment().putAll(launch.environment());
        return new Child(name, builder.start());
    }

    /** Starts a program that is no JVM. */
    public static Child run(String name, List<String> command, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().putAll(environment);
        return new Child(name, builder.start());
    }

    /** The command that {@link #start} runs. */
    public static List<String> command(Class<?> main, Launch launch, List<String> arguments) {
        List<String> command = new ArrayList<>(launch.prefix());
        command.addAll(List.of(
                System.getProperty("java.home") + "/bin/java",
                "-Xmx64m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        for (String property : INHERITED) {
            String value = System.getProperty(property);
            if (value != null) {
                command.add("-D" + property + "=" + value);
            }
        }
        command.addAll(launch.jvmOptions());
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.add(main.getName());
        command.addAll(arguments);
        return command;
    }

    private static Thread collect(BufferedReader from, List<String> into, String threadName) {
        Thread thread = new Thread(
                () -> {
                    try (from) {
                        for (String line = from.readLine(); line != null; line = from.readLine()) {
                            synchronized (into) {
                                into.add(line);
                            }
                        }
                    } catch (IOException e) {
                        synchronized (into) {
                            into.add("(cannot be read: " + e.getMessage() + ")");
                        }
                    }
                },
                threadName);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    public String name() {
        return name;
    }

    public long pid() {
        return process.pid();
    }

    public boolean isAlive() {
        return process.isAlive();
    }

    /** The processes that it started and those that these started. */
    public List<ProcessHandle> descendants() {
        return process.descendants().toList();
    }

    /** What it has written to stdout so far. */
    public List<String> output() {
        return copy(output);
    }

    /** What it has written to stderr so far. */
    public List<String> errors() {
        return copy(errors);
    }

    private static List<String> copy(List<String> lines) {
        synchronized (lines) {
            return List.copyOf(lines);
        }
    }

    /** The reports of a kind so far. */
    public List<Report> reports(String kind) {
        return output().stream()
                .filter(line -> line.startsWith(kind + " "))
                .map(Report::parse)
                .toList();
    }

    /** Waits for a report that satisfies a condition, among those that were and that will be. */
    public Report await(String kind, Predicate<Report> condition) {
        return await(0, kind, condition);
    }

    /** The same, but passes over so many lines of {@link #output()}. */
    public Report await(int from, String kind, Predicate<Report> condition) {
        Report[] found = new Report[1];
        int[] next = {from};
        Await.until(() -> name + " reports " + kind + " as wanted; " + this, () -> {
            // asked before the look at what it has written
            boolean ended = !process.isAlive() && readers.stream().noneMatch(Thread::isAlive);
            List<String> lines = output();
            while (found[0] == null && next[0] < lines.size()) {
                Report report = Report.parse(lines.get(next[0]++));
                if (report.kind().equals(kind) && condition.test(report)) {
                    found[0] = report;
                }
            }
            if (found[0] == null && ended) {
                throw new AssertionError(name + " ended without the report " + kind + " that was wanted; " + this);
            }
            return found[0] != null;
        });
        return found[0];
    }

    /** Writes a line to its stdin and waits for the next report of a kind. */
    public Report ask(String question, String kind) throws IOException {
        int from = output().size();
        send(question);
        return await(from, kind, report -> true);
    }

    /** Writes a line to its stdin. */
    public void send(String line) throws IOException {
        process.outputWriter().write(line + "\n");
        process.outputWriter().flush();
    }

    /** Ends its stdin. */
    public void closeInput() throws IOException {
        process.outputWriter().close();
    }

    /** Has a {@link VerifyingSubscriber} end, and returns its summary. */
    public Report summary() throws IOException, InterruptedException {
        closeInput();
        Report summary = await("summary", report -> true);
        int status = awaitExit();
        if (status != 0) {
            throw new AssertionError("exit status " + status + "; " + this);
        }
        return summary;
    }

    /** Sends a signal by its name: STOP (and waits until it is stopped), CONT, TERM, INT. */
    public void signal(String signal) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(pid()))
                .inheritIO()
                .start();
        if (kill.waitFor() != 0) {
            throw new IOException("kill -" + signal + " " + name + " failed");
        }
        if (signal.equals("STOP")) {
            Await.until(() -> name + " is stopped", () -> Proc.stateOf(pid()) == 'T');
        }
    }

    /** Ends it without warning (SIGKILL) and waits for its end. */
    public void kill() throws InterruptedException {
        process.destroyForcibly();
        awaitExit();
    }

    /** Waits for its end and for all that it wrote. Returns its exit status. */
    public int awaitExit() throws InterruptedException {
        if (!process.waitFor(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError(name + " does not end; " + this);
        }
        for (Thread reader : readers) {
            reader.join(Await.DEADLINE.toMillis());
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    @Override
    public String toString() {
        return name + " (pid " + pid() + (isAlive() ? "" : ", exit status " + process.exitValue()) + ") wrote:\n"
                + tail(output()) + "and on stderr:\n" + tail(errors());
    }

    private static String tail(List<String> lines) {
        int from = Math.max(0, lines.size() - SHOWN_LINES);
        StringBuilder text = new StringBuilder();
        lines.subList(from, lines.size())
                .forEach(line -> text.append("  ").append(line).append('\n'));
        return text.toString();
    }
}
