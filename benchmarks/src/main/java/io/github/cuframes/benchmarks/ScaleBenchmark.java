package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * What many cameras and many subscribers cost in processor time, and whether those that keep up miss a frame. The frames
 * are empty: decoding and reading pixels are not in it.
 */
@Command(
        name = "scale",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Many cameras in one process, many subscribers in another: processor time, memory, dropped frames.")
public final class ScaleBenchmark implements Callable<Integer> {

    private static final double MEBI = 1 << 20;
    private static final double SECOND = TimeUnit.SECONDS.toNanos(1);

    /** So many cameras with so many subscribers each, written {@code 64x3}. */
    record Crowd(int cameras, int subscribers) {

        /** Reads it from the command line. */
        static final class Converter implements ITypeConverter<Crowd> {
            @Override
            public Crowd convert(String text) {
                if (!text.matches("[1-9][0-9]{0,3}x[1-9][0-9]{0,3}")) {
                    throw new TypeConversionException(
                            "\"" + text + "\" is no crowd; write CAMERASxSUBSCRIBERS, such as 64x3");
                }
                String[] parts = text.split("x");
                return new Crowd(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            }
        }

        @Override
        public String toString() {
            return cameras + "x" + subscribers;
        }
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--crowd",
            split = ",",
            defaultValue = "1x1,1x200,64x3",
            converter = Crowd.Converter.class,
            description = "Cameras and subscribers of each. Default: ${DEFAULT-VALUE}.")
    private List<Crowd> crowds;

    @Option(names = "--policy", defaultValue = "fifo:4", description = "Default: ${DEFAULT-VALUE}.")
    private String policy;

    @Option(
            names = "--rate",
            defaultValue = "25",
            description = "Frames a second of each camera. Default: ${DEFAULT-VALUE}.")
    private double rate;

    @Option(
            names = "--size",
            defaultValue = "640x360",
            converter = Size.Converter.class,
            description = "Size of the frames. Default: ${DEFAULT-VALUE}.")
    private Size size;

    @Option(names = "--seconds", defaultValue = "30", description = "How long to look. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--warm-up",
            defaultValue = "20",
            description = "Seconds of the same before. Default: ${DEFAULT-VALUE}.")
    private double warmUp;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    private final Table table = new Table(
            "cameras x subscribers",
            "published/s",
            "received/s",
            "dropped",
            "P CPU",
            "P us/delivery",
            "S CPU",
            "S us/delivery",
            "frame memory",
            "P resident",
            "P fds",
            "P threads");

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new ScaleBenchmark());
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Machine.print(out);
        out.printf(
                Locale.ROOT,
                "Empty frames of %s, %.0f a second of each camera, %s, for %.0f s after %.0f s to warm up. P: the process with"
                        + " the publishers, S: that with the subscribers, a thread each; CPU: of one processor; memory in"
                        + " MiB.%n%n",
                size,
                rate,
                policy,
                seconds,
                warmUp);
        out.flush();
        for (Crowd crowd : crowds) {
            measure(crowd);
        }
        table.print(out, markdown);
        return 0;
    }

    private void measure(Crowd crowd) throws IOException {
        try (TemporaryDirectory directory = new TemporaryDirectory();
                Streams streams = new Streams()) {
            List<FrameTransmitter> cameras = new ArrayList<>();
            for (int i = 0; i < crowd.cameras; i++) {
                FrameTransmitter camera = new FrameTransmitter(
                        directory.path(),
                        Cameras.key(i),
                        new FrameTransmitter.Settings(size, false, Memory.HOST, crowd.subscribers));
                cameras.add(camera);
                streams.addFrames(camera, 0, rate);
            }
            try (ChildJvm audience =
                    new ChildJvm(Audience.class, Audience.arguments(directory.path(), false, policy))) {
                audience.ask("join " + crowd.subscribers + Cameras.keys(crowd.cameras));
                Machine.awaitTime(System.nanoTime() + (long) (warmUp * SECOND));
                long published = streams.published();
                long cpu = Machine.cpuNanos();
                Audience.Account begin = Audience.Account.ofLine(audience.ask("account"));
                long start = System.nanoTime();
                long now = Machine.awaitTime(start + (long) (seconds * SECOND));
                Audience.Account end = Audience.Account.ofLine(audience.ask("account"));
                cpu = Machine.cpuNanos() - cpu;
                published = streams.published() - published;
                add(crowd, (now - start) / SECOND, published, cpu, begin, end, cameras);
            }
        }
    }

    private void add(
            Crowd crowd,
            double elapsed,
            long published,
            long cpu,
            Audience.Account begin,
            Audience.Account end,
            List<FrameTransmitter> cameras)
            throws IOException {
        if (end.failures() > 0) {
            throw new IOException(end.failures() + " subscriptions failed; stderr says why");
        }
        long received = end.received() - begin.received();
        long audienceCpu = end.cpuNanos() - begin.cpuNanos();
        Use use = Use.ofThisProcess();
        table.add(
                crowd,
                published / elapsed,
                received / elapsed,
                end.dropped() - begin.dropped(),
                percent(cpu / SECOND / elapsed),
                cpu / 1e3 / Math.max(1, received),
                percent(audienceCpu / SECOND / elapsed),
                audienceCpu / 1e3 / Math.max(1, received),
                cameras.stream().mapToLong(FrameTransmitter::memoryBytes).sum() / MEBI,
                use.resident() / MEBI,
                use.descriptors(),
                use.threads());
    }

    private static String percent(double share) {
        return String.format(Locale.ROOT, "%.1f %%", 100 * share);
    }
}
