package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.HdrHistogram.Histogram;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * How long a frame takes from {@code Slot.publish} in this process to the return of {@code Subscriber.next} in others,
 * beside a bare wake-up on a Unix socket. {@code docs/benchmarks.md} says what is compared with what.
 */
@Command(
        name = "latency",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Publish-to-receive latency, blocking and spinning, beside a bare Unix-socket wake-up and a bare store.")
public final class LatencyBenchmark implements Callable<Integer> {

    /** Longer than a receiver ever waits for a frame. */
    private static final String SPIN_MILLIS = "60000";

    /** What carries a message, and how it is waited for. */
    enum Mode {
        /** Eight bytes through a Unix socket. */
        BARE,
        /** A frame; the subscriber sleeps on its socket. */
        BLOCKING,
        /** A store into shared memory that the receiver watches. */
        STORE,
        /** A frame; the subscriber watches its page. */
        SPINNING;

        boolean spins() {
            return this == STORE || this == SPINNING;
        }

        /** What the mode is compared with. */
        Mode yardstick() {
            return spins() ? STORE : BARE;
        }

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--size",
            split = ",",
            defaultValue = "1920x1080",
            converter = Size.Converter.class,
            description = "Sizes of frames, yuv420p, on a GPU nv12. Default: ${DEFAULT-VALUE}.")
    private List<Size> sizes;

    @Option(
            names = "--subscribers",
            split = ",",
            defaultValue = "1,3",
            description = "Numbers of receiving processes. Default: ${DEFAULT-VALUE}.")
    private List<Integer> subscribers;

    @Option(
            names = "--mode",
            split = ",",
            defaultValue = "bare,blocking,store,spinning",
            description = "Default: ${DEFAULT-VALUE}.")
    private List<Mode> modes;

    @Option(names = "--rate", defaultValue = "25", description = "Frames a second. Default: ${DEFAULT-VALUE}.")
    private double rate;

    @Option(
            names = "--rounds",
            defaultValue = "4",
            description = "Rounds, in each of which the modes take turns. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Option(
            names = "--frames",
            defaultValue = "250",
            description = "Frames that count, of each mode in each round. Default: ${DEFAULT-VALUE}.")
    private int frames;

    @Option(
            names = "--settle",
            defaultValue = "15",
            description = "Frames at the beginning of each turn that don't count. Default: ${DEFAULT-VALUE}.")
    private int settle;

    @Option(
            names = "--warm-up",
            defaultValue = "12000",
            description = "Frames before the first round, for the code to be compiled. Default: ${DEFAULT-VALUE}.")
    private int warmUp;

    @Option(
            names = "--warm-up-rate",
            defaultValue = "6000",
            description = "Frames a second of the warm-up. Default: ${DEFAULT-VALUE}.")
    private double warmUpRate;

    @Option(
            names = "--memory",
            defaultValue = "host",
            description = "Where the frames live: host, cuda or cuda-ipc. Default: ${DEFAULT-VALUE}.",
            converter = MemoryConverter.class)
    private Memory memory;

    @Option(
            names = "--write",
            description = "Write a byte of each page of a frame before publishing it; on a GPU all of it, by a copy.")
    private boolean write;

    @Option(
            names = "--bare-library",
            defaultValue = "junixsocket",
            description = "Sockets of the bare wake-up: junixsocket, which cuframes uses, or jdk. Default:"
                    + " ${DEFAULT-VALUE}.")
    private SocketLibrary library;

    @Option(
            names = "--receiver",
            description =
                    "A program that receives in place of a JVM, such as samples/cpp/latency. Without: this one, in"
                            + " Java.")
    private Path receiver;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new LatencyBenchmark()).setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        Machine.print(out);
        out.printf(
                Locale.ROOT,
                "Publish to receive in microseconds: %s frames/s, %d rounds of %d frames a mode, %d to settle, %d to"
                        + " warm up, frames in %s memory, bare sockets of %s%n%n",
                format(rate),
                rounds,
                frames,
                settle,
                warmUp,
                memory,
                library.name().toLowerCase(Locale.ROOT));
        if (receiver != null) {
            out.println("Receivers are processes of " + receiver.getFileName() + ".");
            out.println();
        }
        Table table = new Table(
                "frames", "receivers", "mode", "received", "p50", "p90", "p99", "max", "to yardstick", "send p50");
        List<String> notes = new ArrayList<>();
        for (Size size : sizes) {
            for (int count : subscribers) {
                compare(size, count, table, notes);
            }
        }
        table.print(out, markdown);
        notes.forEach(out::println);
        out.flush();
        return 0;
    }

    private void compare(Size size, int count, Table table, List<String> notes) throws IOException {
        Map<Mode, Course> courses = new EnumMap<>(Mode.class);
        try (TemporaryDirectory directory = new TemporaryDirectory()) {
            try {
                for (Mode mode : modes) {
                    if (mode.spins() && count + 1 > Machine.processors()) {
                        notes.add(mode.label() + " with " + count + " receivers is left out: with the sender they want "
                                + (count + 1) + " processors, and there are " + Machine.processors() + ".");
                    } else {
                        courses.put(mode, open(mode, size, count, directory.path()));
                    }
                }
                for (Course course : courses.values()) {
                    course.warmUp(warmUp, warmUpRate);
                }
                for (int round = 0; round < rounds; round++) {
                    for (Course course : courses.values()) {
                        course.measure(settle, frames, rate);
                    }
                }
            } finally {
                for (Course course : courses.values()) {
                    course.close();
                }
            }
        }
        courses.forEach((mode, course) -> add(table, size, mode, course, courses.get(mode.yardstick())));
    }

    private Course open(Mode mode, Size size, int count, Path directory) throws IOException {
        return switch (mode) {
            case BARE -> new Course(receiver, new SocketTransmitter(library, directory.resolve("bare")), count);
            case STORE -> new Course(receiver, new StoreTransmitter(directory.resolve("store")), count);
            case BLOCKING -> new Course(receiver, frames(directory, "blocking", size), count);
            case SPINNING ->
                new Course(receiver, frames(directory, "spinning", size), count, "--spin-millis", SPIN_MILLIS);
        };
    }

    private Transmitter frames(Path directory, String key, Size size) throws IOException {
        return new FrameTransmitter(directory, key, new FrameTransmitter.Settings(size, write, memory));
    }

    private static void add(Table table, Size size, Mode mode, Course course, Course yardstick) {
        Histogram latencies = course.latencies();
        table.add(
                size,
                course.receivers(),
                mode.label(),
                latencies.getTotalCount() + " of " + course.sent() * course.receivers(),
                micros(latencies, 50),
                micros(latencies, 90),
                micros(latencies, 99),
                latencies.getMaxValue() / 1e3,
                yardstick == null ? "" : format(ratio(latencies, yardstick.latencies())),
                micros(course.sendTimes(), 50));
    }

    private static double ratio(Histogram latencies, Histogram yardstick) {
        return (double) latencies.getValueAtPercentile(50) / yardstick.getValueAtPercentile(50);
    }

    private static Double micros(Histogram histogram, double percentile) {
        return histogram.getValueAtPercentile(percentile) / 1e3;
    }

    private static String format(double number) {
        return number == Math.rint(number) ? String.valueOf((long) number) : String.format(Locale.ROOT, "%.2f", number);
    }
}
