package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What a ring, and a subscriber, cost a decoder: frames a second beside FFmpeg alone, in turns within one run. */
@Command(
        name = "decode-rate",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Decoding into a ring, without subscribers and with one each, beside FFmpeg alone.")
public final class DecodeRateBenchmark implements Callable<Integer> {

    /** How far behind FFmpeg alone a ring may be. */
    private static final double AIM = 0.98;

    /** Who decodes. */
    enum Way {
        /** FFmpeg alone. */
        PLAIN("FFmpeg alone"),
        /** Producers that nobody has subscribed to. */
        RING("ring"),
        /** Producers with a subscriber process each. */
        FOLLOWED("ring, a subscriber each");

        private final String label;

        Way(String label) {
            this.label = label;
        }
    }

    /** The turns of one way, without the warm-up. */
    private static final class Turns {
        private final List<Double> rates = new ArrayList<>();
        private final List<Double> toPlain = new ArrayList<>();
        private long frames;
        private long cpuNanos;
        private long copied;
        private long lost;
        private long received;
    }

    @Spec
    private CommandSpec spec;

    @Option(names = "--clip", paramLabel = "FILE", required = true, description = "What is decoded, over and over.")
    private Path clip;

    @Option(
            names = "--decoders",
            split = ",",
            defaultValue = "1,16",
            description = "Numbers of decoders in this process. Default: ${DEFAULT-VALUE}.")
    private List<Integer> decoders;

    @Option(
            names = "--way",
            split = ",",
            defaultValue = "plain,ring,followed",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<Way> ways;

    @Option(
            names = "--plain",
            defaultValue = "nvdec",
            description = "What FFmpeg alone decodes with: nvdec or software. Default: ${DEFAULT-VALUE}.")
    private PlainDecoder.Device plain;

    @Option(
            names = "--memory",
            defaultValue = "cuda",
            converter = MemoryConverter.class,
            description = "Where rings are: cuda, cuda-ipc or host. Default: ${DEFAULT-VALUE}.")
    private Memory memory;

    @Option(
            names = "--rounds",
            defaultValue = "5",
            description = "Rounds, in each of which the ways take turns, after one that does not count. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "2",
            description = "Decoding time of each turn. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    private PrintWriter out;

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new DecodeRateBenchmark()).setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public Integer call() throws IOException {
        out = spec.commandLine().getOut();
        out.printf(
                Locale.ROOT,
                "Decoding %s, one thread a decoder, FFmpeg alone with %s, rings in %s memory; %d rounds of %.1f s a"
                        + " turn:%n%n",
                clip.getFileName(),
                plain.name().toLowerCase(Locale.ROOT),
                memory,
                rounds,
                seconds);
        out.flush();
        Table table = new Table(
                "decoders",
                "way",
                "frames/s, median",
                "least to most",
                "to FFmpeg alone",
                "CPU us/frame",
                "frames",
                "copied",
                "lost",
                "received");
        List<String> notes = new ArrayList<>();
        List<ChildJvm> audiences = new ArrayList<>();
        GpuPlace place = GpuPlace.open(memory); // so that no turn has to make the GPU's context
        try (TemporaryDirectory directory = new TemporaryDirectory()) {
            try {
                if (ways.contains(Way.FOLLOWED)) {
                    startAudiences(audiences, directory.path());
                }
                for (int count : decoders) {
                    compare(count, directory.path(), audiences, table, notes);
                }
            } finally {
                for (ChildJvm audience : audiences) {
                    audience.close();
                }
            }
        } finally {
            place.close();
        }
        table.print(out, markdown);
        notes.forEach(out::println);
        out.println();
        out.flush();
        return 0;
    }

    private void startAudiences(List<ChildJvm> audiences, Path runDirectory) throws IOException {
        int most = decoders.stream().mapToInt(Integer::intValue).max().orElse(0);
        for (int i = 0; i < most; i++) {
            audiences.add(new ChildJvm(Audience.class, Audience.arguments(runDirectory, memory != Memory.HOST)));
        }
        for (ChildJvm audience : audiences) {
            audience.ask("hello");
        }
    }

    private void compare(int count, Path runDirectory, List<ChildJvm> audiences, Table table, List<String> notes)
            throws IOException {
        Map<Way, Turns> turns = new EnumMap<>(Way.class);
        ways.forEach(way -> turns.put(way, new Turns()));
        for (int round = 0; round <= rounds; round++) {
            double plainRate = 0;
            for (Way way : turns.keySet()) {
                Turns account = round == 0 ? new Turns() : turns.get(way);
                double rate = turn(way, count, runDirectory, audiences, account);
                account.rates.add(rate);
                if (way == Way.PLAIN) {
                    plainRate = rate;
                } else if (plainRate > 0) {
                    account.toPlain.add(rate / plainRate);
                }
            }
        }
        turns.forEach((way, account) -> add(table, notes, count, way, account));
    }

    private double turn(Way way, int count, Path runDirectory, List<ChildJvm> audiences, Turns account)
            throws IOException {
        List<ChildJvm> listening = way == Way.FOLLOWED ? audiences.subList(0, count) : List.of();
        try (DecodeRun run = way == Way.PLAIN
                ? DecodeRun.plain(clip, plain, count)
                : DecodeRun.ring(clip, memory, count, runDirectory)) {
            for (int i = 0; i < listening.size(); i++) {
                listening.get(i).tell("join 1 " + Cameras.key(i));
            }
            received(listening);
            for (int i = 0; i < count; i++) {
                awaitFirst(run, i);
            }
            tell(listening, "account");
            long receivedBefore = received(listening);
            long framesBefore = run.frames();
            long copiedBefore = run.copied();
            long lostBefore = run.lost();
            long cpuBefore = Machine.cpuNanos();
            long start = System.nanoTime();
            Machine.awaitTime(start + (long) (seconds * TimeUnit.SECONDS.toNanos(1)));
            long frames = run.frames() - framesBefore;
            double rate = frames * 1e9 / (System.nanoTime() - start);
            account.cpuNanos += Machine.cpuNanos() - cpuBefore;
            account.frames += frames;
            account.copied += run.copied() - copiedBefore;
            account.lost += run.lost() - lostBefore;
            tell(listening, "leave");
            account.received += received(listening) - receivedBefore;
            return rate;
        }
    }

    private static void awaitFirst(DecodeRun run, int decoder) throws IOException {
        run.frames(decoder);
        Streams.awaitAtLeast(
                1,
                () -> {
                    try {
                        return run.frames(decoder);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                },
                "decoder " + decoder);
    }

    private static void tell(List<ChildJvm> audiences, String order) throws IOException {
        for (ChildJvm audience : audiences) {
            audience.tell(order);
        }
    }

    /** What all audiences have received up to the answer to what they were told last. */
    private static long received(List<ChildJvm> audiences) throws IOException {
        long sum = 0;
        for (ChildJvm audience : audiences) {
            String answer = audience.hear();
            if (answer.startsWith(Servant.FAILED)) {
                throw new IOException("a subscriber " + answer);
            }
            sum += Audience.Account.ofLine(answer).received();
        }
        return sum;
    }

    private static void add(Table table, List<String> notes, int count, Way way, Turns turns) {
        table.add(
                count,
                way.label,
                median(turns.rates),
                String.format(
                        Locale.ROOT,
                        "%.1f to %.1f",
                        turns.rates.stream().min(Double::compare).orElseThrow(),
                        turns.rates.stream().max(Double::compare).orElseThrow()),
                turns.toPlain.isEmpty() ? "" : ratio(median(turns.toPlain)),
                turns.cpuNanos / 1e3 / Math.max(1, turns.frames),
                turns.frames,
                turns.copied,
                turns.lost,
                way == Way.FOLLOWED ? turns.received : "");
        if (!turns.toPlain.isEmpty()) {
            double median = median(turns.toPlain);
            notes.add(String.format(
                    Locale.ROOT,
                    "- decoders: %d, %s: %s of FFmpeg alone (median of each round's ratio; rounds %s to %s), aim %s: %s",
                    count,
                    way.label,
                    ratio(median),
                    ratio(turns.toPlain.stream().min(Double::compare).orElseThrow()),
                    ratio(turns.toPlain.stream().max(Double::compare).orElseThrow()),
                    ratio(AIM),
                    median >= AIM ? "met" : "MISSED"));
        }
    }

    private static String ratio(double ratio) {
        return String.format(Locale.ROOT, "%.3f", ratio);
    }

    private static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
