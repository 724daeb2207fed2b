package io.github.cuframes.producer.cli;

import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Decodes one source and publishes its frames until the source ends or a signal comes. */
@Command(
        name = "cuframes-producer",
        mixinStandardHelpOptions = true,
        versionProvider = ProduceCommand.Version.class,
        sortOptions = false,
        description = "Decodes a camera once and lets any number of local processes read the same frames.",
        footer = {
            "",
            "Arguments may stand in a file: @FILE. That keeps a camera's password out of the process list.",
            "Exit status: 0 the source ended or a signal came, 1 it could not do its job, 2 wrong arguments."
        })
final class ProduceCommand implements Callable<Integer> {

    /** How often the counters go to the debug log. */
    private static final Duration POLL = Duration.ofMinutes(1);

    /** How logs are written. */
    enum LogFormat {
        /** A line for people. */
        TEXT,
        /** An object a line. */
        JSON
    }

    /** Where packets come from. */
    static final class Input {
        @Option(names = "--rtsp", paramLabel = "URL", description = "An RTSP camera.", required = true)
        String rtsp;

        @Option(
                names = "--input",
                paramLabel = "URL|FILE",
                description = "A file, or any URL that FFmpeg opens.",
                required = true)
        String input;

        @Option(
                names = "--test-pattern",
                paramLabel = "WxH@FPS",
                description = "Pictures that carry their number, for tests.",
                required = true)
        String pattern;
    }

    /** Reads the version from the jar's manifest. */
    static final class Version implements picocli.CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = ProduceCommand.class.getPackage().getImplementationVersion();
            return new String[] {"cuframes-producer " + (version == null ? "development" : version)};
        }
    }

    @Spec
    private CommandSpec spec;

    @ArgGroup(exclusive = true, multiplicity = "1")
    private Input input;

    @Option(
            names = "--key",
            paramLabel = "NAME",
            required = true,
            description = "The stream's name: 1 to 64 letters, digits, '.', '_' and '-'.")
    private String key;

    @Option(
            names = "--memory",
            defaultValue = "auto",
            converter = Converters.OfMemory.class,
            description = "Where frames live: auto, cuda, cuda-ipc, host. Default: ${DEFAULT-VALUE}.")
    private Memory memory;

    @Option(
            names = "--gpu",
            paramLabel = "INDEX|UUID",
            description = "The GPU that decodes and on which the frames live. Default: the first.")
    private String gpu;

    @Option(
            names = "--filter",
            paramLabel = "GRAPH",
            description = "An FFmpeg filter graph for the frames, on the GPU if they live there: scale_cuda=1280:720.")
    private String filter;

    @Option(
            names = "--transport",
            defaultValue = "tcp",
            description = "How RTSP carries media: ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private RtspTransport transport;

    @Option(
            names = "--rtsp-timeout",
            paramLabel = "TIME",
            defaultValue = "5s",
            converter = Converters.OfDuration.class,
            description = "The longest silence of a network source, twice that when connecting. Default: 5s.")
    private Duration timeout;

    @Option(names = "--retry", description = "Keep trying a source that cannot be reached at the start.")
    private boolean retry;

    @Option(names = "--loop", description = "Start a file over at its end.")
    private boolean loop;

    @Option(names = "--realtime", description = "Read a file no faster than its time stamps say.")
    private boolean realtime;

    @Option(
            names = "--wait-for-subscribers",
            paramLabel = "N",
            defaultValue = "0",
            description = "Start the source when N subscribers are there, for a file of which none is to miss a frame.")
    private int waitForSubscribers;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description = "Threads of the software decoder. Default: as many as there are processors.")
    private int threads;

    @Option(
            names = "--max-subscribers",
            paramLabel = "N",
            defaultValue = "32",
            description = "The most subscribers at a time. Default: ${DEFAULT-VALUE}.")
    private int maxSubscribers;

    @Option(
            names = "--credits",
            paramLabel = "N",
            defaultValue = "8",
            description = "The most frames that one subscriber has at a time. Default: ${DEFAULT-VALUE}.")
    private int credits;

    @Option(
            names = "--max-memory",
            paramLabel = "SIZE",
            defaultValue = "4GB",
            converter = Converters.OfSize.class,
            description = "The most frame memory. Default: ${DEFAULT-VALUE}.")
    private long maxMemory;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "Where sockets are. Default: $CUFRAMES_RUN_DIR, /run/cuframes, $XDG_RUNTIME_DIR/cuframes or"
                    + " /tmp/cuframes-UID, the first usable.")
    private Path runDirectory;

    @Option(
            names = "--socket-mode",
            paramLabel = "MODE",
            defaultValue = "0660",
            converter = Converters.OfMode.class,
            description = "Who may connect. Default: ${DEFAULT-VALUE}.")
    private Set<PosixFilePermission> socketMode;

    @Option(names = "--socket-group", paramLabel = "NAME", description = "The group that the socket belongs to.")
    private String socketGroup;

    @Option(
            names = "--allow-uid",
            paramLabel = "UID",
            split = ",",
            description = "Users that may subscribe; all that can connect if none is named.")
    private Set<Long> allowedUids = new HashSet<>();

    @Option(
            names = "--log-format",
            defaultValue = "text",
            description = "Logs on stderr as ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private LogFormat logFormat;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    private boolean verbose;

    @Override
    public Integer call() {
        configureLogging();
        ProducerBuilder builder = configure();
        Logger log = LoggerFactory.getLogger("cuframes");
        try (Producer producer =
                builder.listener((state, cause) -> report(log, state, cause)).open()) {
            return waitFor(producer);
        } catch (IOException e) {
            spec.commandLine().getErr().println("cuframes-producer: " + e.getMessage());
            return spec.exitCodeOnExecutionException();
        }
    }

    /** Before the first logger is made, which is why loggers are no constants here. */
    private void configureLogging() {
        System.setProperty("cuframes.log.format", logFormat.name().toLowerCase(Locale.ROOT));
        System.setProperty("cuframes.log.level", verbose ? "DEBUG" : "INFO");
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "cuframes-producer-logback.xml");
        }
    }

    private ProducerBuilder configure() {
        try {
            ProducerBuilder builder = Producer.builder(key)
                    .transport(transport)
                    .timeouts(timeout.multipliedBy(2), timeout)
                    .loop(loop)
                    .realtime(realtime)
                    .retryFirst(retry)
                    .threads(threads)
                    .waitForSubscribers(waitForSubscribers)
                    .publish(publisher -> publisher
                            .runDirectory(runDirectory)
                            .maxSubscribers(maxSubscribers)
                            .maxCredits(credits)
                            .maxMemory(maxMemory)
                            .access(new ControlServer.Access(socketMode, socketGroup))
                            .allowedUids(allowedUids));
            builder.memory(memory);
            if (gpu != null) {
                builder.gpu(gpu);
            }
            if (filter != null) {
                builder.filter(filter);
            }
            if (input.pattern != null) {
                return builder.testPattern(PatternSpec.parse(input.pattern));
            }
            return builder.input(input.rtsp != null ? requireRtsp(input.rtsp) : input.input);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private static String requireRtsp(String url) {
        String lower = url.toLowerCase(Locale.ROOT);
        if (!lower.startsWith("rtsp://") && !lower.startsWith("rtsps://")) {
            throw new IllegalArgumentException("--rtsp takes an rtsp:// URL; use --input for files and other URLs");
        }
        return url;
    }

    private void report(Logger log, SourceState state, IOException cause) {
        if (cause == null) {
            log.info("{}: {}", key, state.label());
        } else if (state != SourceState.FAILED) {
            log.warn("{}: {}: {}", key, state.label(), cause.getMessage());
        }
    }

    /** Until the source ends, or a signal closes it. */
    private int waitFor(Producer producer) throws IOException {
        AtomicBoolean finished = new AtomicBoolean();
        Thread onSignal = new Thread(
                () -> {
                    if (!finished.get()) {
                        producer.close();
                        // a signal is an orderly end: without this the JVM's exit status would be 128 and the signal's
                        // number
                        Runtime.getRuntime().halt(0);
                    }
                },
                "cuframes-signal");
        Runtime.getRuntime().addShutdownHook(onSignal);
        try {
            while (!producer.awaitEnd(POLL) && !producer.isClosed()) {
                LoggerFactory.getLogger("cuframes").debug("{}: {}", key, producer.counters());
            }
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return spec.exitCodeOnExecutionException();
        } finally {
            finished.set(true);
        }
    }
}
