package io.github.cuframes.producer.isolate;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A JVM like this one, with the same options. Its stdin is open for as long as this process lives; its stdout brings
 * heartbeats; what it logs goes where this process logs.
 */
final class JavaWorker implements WorkerProcess {

    private static final Logger LOG = LoggerFactory.getLogger(JavaWorker.class);
    private static final int FIRST_WITH_NATIVE_ACCESS = 22;

    private final String key;
    private final Process process;
    private volatile long beats;
    private volatile long published;
    private volatile String hang;

    private JavaWorker(String key, Process process) {
        this.key = key;
        this.process = process;
        Thread reader = new Thread(this::listen, "cuframes-worker-" + key);
        reader.setDaemon(true);
        reader.start();
    }

    static JavaWorker start(String key, String mainClass, List<String> arguments) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command(mainClass, arguments));
        builder.redirectError(ProcessBuilder.Redirect.INHERIT);
        return new JavaWorker(key, builder.start());
    }

    private static List<String> command(String mainClass, List<String> arguments) {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        boolean nativeAccess = Runtime.version().feature() < FIRST_WITH_NATIVE_ACCESS;
        for (String option : ManagementFactory.getRuntimeMXBean().getInputArguments()) {
            nativeAccess |= option.startsWith("--enable-native-access");
            if (!option.startsWith("-agentlib:jdwp")) { // two cannot listen on one port
                command.add(option);
            }
        }
        if (!nativeAccess) {
            command.add("--enable-native-access=ALL-UNNAMED"); // the runnable jar's manifest says so to -jar only
        }
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(mainClass);
        command.addAll(arguments);
        return command;
    }

    private void listen() {
        try (BufferedReader lines = process.inputReader()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Optional<WorkerLine> parsed = WorkerLine.parse(line);
                if (parsed.isEmpty()) {
                    LOG.warn("{}: worker {} says: {}", key, pid(), line);
                } else if (parsed.get().kind() == WorkerLine.Kind.BEAT) {
                    published = parsed.get().published();
                    beats++;
                } else {
                    hang = parsed.get().text();
                }
            }
        } catch (IOException e) {
            LOG.warn("{}: the heartbeats of worker {} cannot be read: {}", key, pid(), e.getMessage());
        }
    }

    @Override
    public long pid() {
        return process.pid();
    }

    @Override
    public boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public int exitStatus() {
        return process.exitValue();
    }

    @Override
    public long beats() {
        return beats;
    }

    @Override
    public boolean hasPublished() {
        return published > 0;
    }

    @Override
    public String hang() {
        return hang;
    }

    @Override
    public void terminate() {
        process.toHandle().destroy(); // the process's own method would close its stdin, too: as if we were gone
    }

    @Override
    public void kill() {
        process.destroyForcibly();
    }
}
