package io.github.cuframes.producer.cli;

import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.producer.HangException;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.isolate.RestartPolicy;
import io.github.cuframes.producer.isolate.Supervisor;
import io.github.cuframes.producer.isolate.SupervisorLink;
import io.github.cuframes.producer.metrics.MetricsServer;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.producer.record.Recorder;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
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
            "Exit status: 0 the source ended or a signal came, 1 it could not do its job, 2 wrong arguments,",
            "3 native calls hang and the process has to be started again.",
            "Several cameras, a process each: cuframes-producer supervise --help"
        })
final class ProduceCommand implements Callable<Integer> {

    /** How often the counters go to the debug log. */
    private static final Duration POLL = Duration.ofMinutes(1);

    /** Calls that may hang at a time; each keeps a thread, a decoder and its frames' memory. */
    private static final int MAX_HUNG = 3;

    /** Exit status of a process that cannot go on because native calls hang. */
    private static final int EXIT_HUNG = 3;

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

    private final List<String> arguments;

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
            names = "--fps",
            paramLabel = "N",
            converter = Converters.OfRate.class,
            description = "The most frames a second: 5, 12.5, 30000/1001. Others are left out by their time stamps.")
    private Rational rate;

    @Option(
            names = "--rendition",
            paramLabel = "KEY:OPTIONS",
            converter = RenditionArgument.Converter.class,
            description = "Another stream of the same decoded frames: cam1.detect:size=640x360,fps=5 or"
                    + " KEY:fps=5,filter=GRAPH. More options, before filter: wait, credits, max-subscribers,"
                    + " max-memory. May be repeated.")
    private List<RenditionArgument> renditions = new ArrayList<>();

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

    @Mixin
    private RecordArguments recording;

    @Option(
            names = "--packet-memory",
            paramLabel = "SIZE",
            defaultValue = "64MB",
            converter = Converters.OfSize.class,
            description = "The most memory for encoded packets, which subscribers may ask for, too; 0 offers none."
                    + " Default: ${DEFAULT-VALUE}.")
    private long packetMemory;

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
            names = "--allow-user",
            paramLabel = "NAME|UID",
            split = ",",
            description =
                    "A user that may subscribe; may be repeated. Once a user or group is named nobody else may, neither"
                            + " root nor this user; else all that can connect.")
    private List<String> allowedUsers = new ArrayList<>();

    @Option(
            names = "--allow-group",
            paramLabel = "NAME|GID",
            split = ",",
            description = "A group whose members may subscribe; may be repeated.")
    private List<String> allowedGroups = new ArrayList<>();

    @Option(
            names = "--hang-timeout",
            paramLabel = "TIME",
            defaultValue = "30s",
            converter = Converters.OfDuration.class,
            description =
                    "A native call that takes longer counts as hung, and so does a worker that is silent for longer."
                            + " Default: ${DEFAULT-VALUE}.")
    private Duration hangTimeout;

    @Option(
            names = "--max-hung",
            paramLabel = "N",
            description =
                    "The most calls that may hang at a time while the camera is started again beside them; one more"
                            + " ends the process. Default: 3, with --isolate 0.")
    private Integer maxHung;

    @Option(
            names = "--isolate",
            description = "Decode in a process of its own, which is started again when it crashes or hangs. See also:"
                    + " cuframes-producer supervise --help.")
    private boolean isolate;

    @Option(names = SuperviseCommand.WORKER, hidden = true, description = "This is the process of --isolate.")
    private boolean worker;

    @Mixin
    private MetricsOption metrics;

    @Option(
            names = "--log-format",
            defaultValue = "text",
            description = "Logs on stderr as ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Logging.Format logFormat;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    private boolean verbose;

    /** The command with the arguments that it is about to parse; a worker is started with the same. */
    ProduceCommand(List<String> arguments) {
        this.arguments = List.copyOf(arguments);
    }

    @Override
    public Integer call() {
        Logging.configure(logFormat, verbose, worker ? key : null);
        ProducerBuilder builder = configure(); // also where another process does it: wrong arguments are seen at once
        if (isolate && !worker) {
            Supervisor supervisor = new Supervisor();
            superviseBy(supervisor, 0);
            return Supervision.run(supervisor);
        }
        Logger log = LoggerFactory.getLogger("cuframes");
        AtomicReference<Producer> running = new AtomicReference<>();
        SupervisorLink supervisor = worker ? Supervision.link(running) : null;
        try (Recorder recorder = recording.open(key)) {
            return produce(builder.listener((state, cause) -> report(log, state, cause)), recorder, running);
        } catch (HangException e) {
            if (supervisor != null) {
                supervisor.hung(e.getMessage()); // it makes short work of what may hang at the exit, too
            }
            spec.commandLine().getErr().println("cuframes-producer: " + key + ": " + e.getMessage());
            return EXIT_HUNG;
        } catch (IOException e) {
            spec.commandLine().getErr().println("cuframes-producer: " + (worker ? key + ": " : "") + e.getMessage());
            return spec.exitCodeOnExecutionException();
        }
    }

    private int produce(ProducerBuilder builder, Recorder recorder, AtomicReference<Producer> running)
            throws IOException {
        if (recorder != null) {
            builder.tap(recorder);
        }
        try (Producer producer = builder.open()) {
            running.set(producer);
            return serveAndWaitFor(producer, recorder);
        }
    }

    /** Checks the arguments, and has a supervisor keep a process with them. */
    void superviseBy(Supervisor supervisor, int mostRestarts) {
        configure();
        List<String> workers = new ArrayList<>(arguments);
        workers.add(SuperviseCommand.WORKER);
        try {
            supervisor.add(
                    key,
                    Main.class.getName(),
                    workers,
                    RestartPolicy.of(hangTimeout).withMostRestarts(mostRestarts));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
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
                    .hangs(hangTimeout, maxHung != null ? maxHung : worker ? 0 : MAX_HUNG)
                    .packetMemory(packetMemory)
                    .publish(this::configure);
            builder.memory(memory);
            recording.options(key, input.pattern == null); // checks them
            if (gpu != null) {
                builder.gpu(gpu);
            }
            if (filter != null) {
                builder.filter(filter);
            }
            if (rate != null) {
                builder.fps(rate);
            }
            renditions.forEach(rendition -> rendition.addTo(builder));
            if (input.pattern != null) {
                if (filter != null || rate != null || !renditions.isEmpty()) {
                    throw new IllegalArgumentException(
                            "--filter, --fps and --rendition go with --rtsp and --input, not with --test-pattern");
                }
                return builder.testPattern(PatternSpec.parse(input.pattern));
            }
            return builder.input(input.rtsp != null ? requireRtsp(input.rtsp) : input.input);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private void configure(PublisherBuilder publisher) {
        publisher
                .runDirectory(runDirectory)
                .maxSubscribers(maxSubscribers)
                .maxCredits(credits)
                .maxMemory(maxMemory)
                .access(new ControlServer.Access(socketMode, socketGroup));
        allowedUsers.forEach(publisher::allowUser);
        allowedGroups.forEach(publisher::allowGroup);
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

    private int serveAndWaitFor(Producer producer, Recorder recorder) throws IOException {
        MetricsServer server = metrics.open(() -> List.of(producer));
        try (server) {
            return waitFor(producer, recorder);
        }
    }

    /** Until the source ends, or a signal closes it. */
    private int waitFor(Producer producer, Recorder recorder) throws IOException {
        AtomicBoolean finished = new AtomicBoolean();
        Thread onSignal = new Thread(
                () -> {
                    if (!finished.get()) {
                        producer.close();
                        if (recorder != null) {
                            recorder.close();
                        }
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
