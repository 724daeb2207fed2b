package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How many frames a second go through a ring when nobody touches them, and what decoding into a ring costs beside
 * decoding with FFmpeg alone.
 */
@Command(
        name = "throughput",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Frames a second through a ring, and decoding with and without one.")
public final class ThroughputBenchmark implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Option(names = "--subscribers", defaultValue = "3", description = "Default: ${DEFAULT-VALUE}.")
    private int subscribers;

    @Option(
            names = "--size",
            defaultValue = "1920x1080",
            converter = Size.Converter.class,
            description = "Size of the frames that nobody touches. Default: ${DEFAULT-VALUE}.")
    private Size size;

    @Option(
            names = "--policy",
            split = ",",
            defaultValue = "lossless,latest",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<String> policies;

    @Option(names = "--frames", defaultValue = "100000", description = "Frames to publish. Default: ${DEFAULT-VALUE}.")
    private long frames;

    @Option(
            names = "--warm-up",
            defaultValue = "20000",
            description = "Frames to publish before. Default: ${DEFAULT-VALUE}.")
    private long warmUp;

    @Option(names = "--clip", paramLabel = "FILE", description = "Also decode this file, with a ring and without.")
    private Path clip;

    @Option(names = "--threads", defaultValue = "1", description = "Decoder's threads. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Option(
            names = "--rounds",
            defaultValue = "3",
            description = "Rounds, in each of which both ways to decode take turns. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            description = "Decoding time of each turn. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(names = "--markdown", description = "Print the tables as Markdown.")
    private boolean markdown;

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new ThroughputBenchmark());
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        out.println("Frames of " + size + " that nobody touches, to " + subscribers + " processes:");
        out.println();
        Table published = new Table("policy", "published", "received by each", "published a second");
        for (String policy : policies) {
            publish(policy, published);
        }
        published.print(out, markdown);
        if (clip != null) {
            out.println("Decoding " + clip.getFileName() + " with " + threads + " thread(s), " + rounds + " rounds of "
                    + seconds + " s each:");
            out.println();
            Table decoded = new Table("way", "frames", "frames a second", "CPU microseconds a frame");
            decode(decoded);
            decoded.print(out, markdown);
        }
        return 0;
    }

    private void publish(String policy, Table table) throws IOException {
        try (TemporaryDirectory directory = new TemporaryDirectory();
                Course course = new Course(
                        new FrameTransmitter(
                                directory.path(), "upper", new FrameTransmitter.Settings(size, false, Memory.HOST)),
                        subscribers,
                        "--policy",
                        policy)) {
            course.warmUp(warmUp, 0);
            course.measure(0, frames, 0);
            table.add(
                    policy,
                    course.sent(),
                    course.latencies().getTotalCount() / (double) subscribers,
                    course.sent() / (course.elapsedNanos() / 1e9));
        }
    }

    /** Frames and what they took. */
    private static final class Account {
        private long frames;
        private long nanos;
        private long cpuNanos;

        void add(long moreFrames, long moreNanos, long moreCpuNanos) {
            frames += moreFrames;
            nanos += moreNanos;
            cpuNanos += moreCpuNanos;
        }

        void addTo(Table table, String name) {
            table.add(name, frames, frames / (nanos / 1e9), cpuNanos / 1e3 / Math.max(1, frames));
        }
    }

    private void decode(Table table) throws IOException {
        Account plain = new Account();
        Account ring = new Account();
        for (int round = 0; round <= rounds; round++) {
            // the first round is for the code to be compiled
            decodePlainly(round == 0 ? new Account() : plain);
            decodeIntoRing(round == 0 ? new Account() : ring);
        }
        plain.addTo(table, "FFmpeg alone");
        ring.addTo(table, "Producer");
    }

    private long turnNanos() {
        return (long) (seconds * TimeUnit.SECONDS.toNanos(1));
    }

    private void decodePlainly(Account account) throws IOException {
        try (PlainDecoder decoder = new PlainDecoder(clip, PlainDecoder.Device.SOFTWARE, threads)) {
            long cpu = Machine.cpuNanos();
            long start = System.nanoTime();
            decoder.decodeUntil(() -> System.nanoTime() - start >= turnNanos());
            account.add(decoder.decoded(), System.nanoTime() - start, Machine.cpuNanos() - cpu);
        }
    }

    private void decodeIntoRing(Account account) throws IOException {
        try (TemporaryDirectory directory = new TemporaryDirectory();
                Streams streams = new Streams()) {
            streams.addClip(clip, directory.path(), "clip", false, threads);
            streams.awaitPublished(1);
            long count = streams.published();
            long cpu = Machine.cpuNanos();
            long start = System.nanoTime();
            Machine.awaitTime(start + turnNanos());
            account.add(streams.published() - count, System.nanoTime() - start, Machine.cpuNanos() - cpu);
        }
    }
}
