package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.CameraState;
import io.github.cuframes.producer.CameraStatus;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.HangException;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.producer.config.CamerasFile;
import io.github.cuframes.producer.config.ConfigException;
import io.github.cuframes.producer.config.FileWatch;
import io.github.cuframes.producer.config.LogFormat;
import io.github.cuframes.producer.metrics.MetricsServer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/** The cameras of a file, in one process, for as long as there is something to do or until a signal comes. */
@Command(
        name = "cuframes-producer",
        mixinStandardHelpOptions = true,
        versionProvider = ProduceCommand.Version.class,
        sortOptions = false,
        description =
                "Decodes the cameras of a file. When the file changes, or on SIGHUP, those that were added, removed"
                        + " or changed are started and stopped; the others do not notice.",
        footer = {
            "",
            "docs/configuration.md has the fields. A file that is wrong is reported, and what ran before runs on.",
            "Exit status: 0 all cameras have ended or a signal came, 1 all have ended or failed, 2 wrong arguments or a"
                    + " wrong file at the start, 3 all have ended or failed, and native calls hang."
        })
final class GroupCommand implements Callable<Integer> {

    /** The option that makes it this command. */
    static final String NAME = "--config";

    /** From one look at the file to the next. */
    private static final Duration POLL = Duration.ofMillis(500);

    private static final int EXIT_HUNG = 3;

    @Spec
    private CommandSpec spec;

    @Option(names = NAME, paramLabel = "FILE", required = true, description = "The cameras, as YAML.")
    private Path file;

    @Option(
            names = "--check",
            description = "Say what would run, or all that is wrong with the file (exit status 2), and end.")
    private boolean check;

    @Option(names = "--run-dir", paramLabel = "DIR", description = "Where sockets are, whatever the file says of it.")
    private Path runDirectory;

    @Option(
            names = "--log-format",
            description = "Logs on stderr as ${COMPLETION-CANDIDATES}, whatever the file says of it. Default: text.")
    private Logging.Format logFormat;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    private boolean verbose;

    @Mixin
    private MetricsOption metrics;

    @Option(names = "--isolate", hidden = true)
    private boolean isolate;

    @Unmatched
    private List<String> others = new ArrayList<>();

    private final AtomicBoolean hungUp = new AtomicBoolean();

    /** Finds the option among arguments, of whichever command, in files of arguments as well. */
    static final class Probe {
        @Option(names = NAME)
        private String file;

        @Unmatched
        private List<String> others = new ArrayList<>();

        private Probe() {}

        static boolean isWanted(List<String> arguments) {
            Probe probe = new Probe();
            try {
                new CommandLine(probe).parseArgs(arguments.toArray(String[]::new));
            } catch (ParameterException e) {
                return true; // the option has no file: the command says so
            }
            return probe.file != null;
        }
    }

    static CommandLine parser() {
        return new CommandLine(new GroupCommand()).setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public Integer call() {
        refuseOthers();
        Logging.configure(format(), verbose, null); // before anything makes a logger
        FileWatch watch = new FileWatch(file); // first, so that no change is missed
        CamerasFile cameras;
        try {
            cameras = CamerasFile.load(file, System.getenv());
        } catch (ConfigException e) {
            e.problems().forEach(spec.commandLine().getErr()::println);
            return spec.exitCodeOnInvalidInput();
        }
        if (check) {
            print(cameras.group());
            return spec.exitCodeOnSuccess();
        }
        try {
            return run(cameras, watch);
        } catch (IOException e) {
            spec.commandLine().getErr().println("cuframes-producer: " + e.getMessage());
            return spec.exitCodeOnExecutionException();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return spec.exitCodeOnExecutionException();
        }
    }

    private void refuseOthers() {
        if (isolate) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--config runs all cameras in one process; for a process each, see cuframes-producer supervise --help");
        }
        if (!others.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--config does not go with " + others.get(0)
                            + "; what the cameras are to do stands in the file, for all of them under defaults");
        }
    }

    private Logging.Format format() {
        if (logFormat != null) {
            return logFormat;
        }
        LogFormat wanted = CamerasFile.logFormatOf(file, System.getenv());
        return wanted == null ? Logging.Format.TEXT : Logging.Format.valueOf(wanted.name());
    }

    private GroupConfig configOf(CamerasFile cameras) {
        GroupConfig group = cameras.group();
        return runDirectory == null ? group : new GroupConfig(runDirectory, group.cameras());
    }

    private int run(CamerasFile first, FileWatch watch) throws IOException, InterruptedException {
        Logger log = LoggerFactory.getLogger("cuframes");
        ProducerGroup group = ProducerGroup.builder()
                .listener((before, now) -> report(log, before, now))
                .build();
        AtomicBoolean finished = new AtomicBoolean();
        Thread onSignal = new Thread(
                () -> {
                    if (!finished.get()) {
                        group.close();
                        Runtime.getRuntime().halt(0); // else the exit status would be 128 and the signal's number
                    }
                },
                "cuframes-signal");
        Runtime.getRuntime().addShutdownHook(onSignal);
        HangUp.listen(() -> hungUp.set(true));
        MetricsServer server = metrics.open(first.metrics(), group);
        try (group;
                server) {
            log.info("{}: {}", file, group.apply(configOf(first)));
            CamerasFile running = first;
            while (!group.awaitEnd(POLL)) {
                boolean asked = hungUp.getAndSet(false);
                if (watch.hasChanged(System.nanoTime()) || asked) {
                    running = reload(log, group, running);
                }
            }
            finished.set(!group.isClosed());
            return statusOf(group.cameras());
        }
    }

    /** Returns what runs from now on. */
    private CamerasFile reload(Logger log, ProducerGroup group, CamerasFile running) {
        try {
            CamerasFile next = CamerasFile.load(file, System.getenv());
            if (next.logFormat() != running.logFormat()) {
                log.warn("{}: log-format is another one now, which counts from the next start on", file);
            }
            if (!Objects.equals(next.metrics(), running.metrics())) {
                log.warn("{}: metrics has another address now, which counts from the next start on", file);
            }
            ProducerGroup.Changes changes = group.apply(configOf(next));
            log.info("{}: {}", file, changes);
            return next;
        } catch (ConfigException e) {
            log.error("{} is not applied, and what ran before runs on:", file);
            e.problems().forEach(problem -> log.error("{}", problem));
        } catch (IllegalStateException e) {
            log.debug("{}: not applied, for the process ends", file, e);
        }
        return running;
    }

    private static void report(Logger log, CameraState before, CameraStatus now) {
        CameraState state = now.state();
        if (state == CameraState.FAILED) {
            log.error("{}", now);
        } else if (state == CameraState.RETRYING || state == CameraState.RECONNECTING || state == before) {
            log.warn("{}", now); // with its error, which all others have behind them
        } else {
            log.info("{}: {}", now.key(), state.label());
        }
    }

    private int statusOf(List<CameraStatus> cameras) {
        List<CameraStatus> failed = cameras.stream()
                .filter(camera -> camera.state() == CameraState.FAILED)
                .toList();
        PrintWriter err = spec.commandLine().getErr();
        failed.forEach(camera -> err.println("cuframes-producer: " + camera));
        if (failed.stream().anyMatch(camera -> camera.lastError() instanceof HangException)) {
            return EXIT_HUNG;
        }
        return failed.isEmpty() ? spec.exitCodeOnSuccess() : spec.exitCodeOnExecutionException();
    }

    private void print(GroupConfig config) {
        PrintWriter out = spec.commandLine().getOut();
        int keys = width("KEY", config.cameras().keySet().stream().toList());
        int sources = width(
                "SOURCE",
                config.cameras().values().stream().map(CameraSettings::source).toList());
        String form = "%-" + keys + "s  %-" + sources + "s  %-8s  %s%n";
        out.printf(form, "KEY", "SOURCE", "MEMORY", "AT MOST");
        for (Map.Entry<String, CameraSettings> camera : config.cameras().entrySet()) {
            CameraSettings settings = camera.getValue();
            out.printf(form, camera.getKey(), settings.source(), settings.memory(), mebibytes(settings.maxMemory()));
        }
        out.flush();
    }

    private static int width(String title, List<String> cells) {
        return cells.stream().mapToInt(String::length).reduce(title.length(), Math::max);
    }

    private static String mebibytes(long bytes) {
        return bytes >> 20 > 0 ? (bytes >> 20) + " MiB" : bytes + " bytes";
    }
}
