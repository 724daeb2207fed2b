package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Whether anything grows while live cameras flow and subscribers come and go. Compared are two moments without
 * subscribers, after the warm-up and at the end; between them is only looked on.
 */
@Command(
        name = "soak",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Live cameras with subscribers that come and go each second: does anything grow?")
public final class SoakBenchmark implements Callable<Integer> {

    private static final double MEBI = 1 << 20;
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** Something that must not grow, and by how much it may differ between two moments all the same. */
    private enum Limit {
        GPU("GPU memory", 4L << 20),
        HEAP("heap", 8L << 20),
        DIRECT("direct memory", 1L << 20),
        // malloc keeps what threads freed, and compiled code comes late
        RESIDENT("resident memory", 64L << 20),
        DESCRIPTORS("descriptors", 2),
        THREADS("threads", 4); // the JVM's compilers come and go

        private final String label;
        private final long tolerance;

        Limit(String label, long tolerance) {
            this.label = label;
            this.tolerance = tolerance;
        }
    }

    /** Everything at one moment. */
    private record Moment(long gpu, Use cameras, Use audience, Cameras.Account frames, Audience.Account received) {}

    @Spec
    private CommandSpec spec;

    @Option(names = "--clip", paramLabel = "FILE", required = true, description = "What the cameras show.")
    private Path clip;

    @Option(names = "--cameras", defaultValue = "16", description = "Default: ${DEFAULT-VALUE}.")
    private int count;

    @Option(
            names = "--subscribers",
            defaultValue = "3",
            description = "Subscribers of each camera, one of which leaves and comes each second. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int subscribers;

    @Option(names = "--minutes", defaultValue = "10", description = "Default: ${DEFAULT-VALUE}.")
    private double minutes;

    @Option(
            names = "--warm-up",
            defaultValue = "60",
            description = "Seconds of the same before. Default: ${DEFAULT-VALUE}.")
    private double warmUp;

    @Option(names = "--every", defaultValue = "30", description = "Seconds from row to row. Default: ${DEFAULT-VALUE}.")
    private double every;

    @Option(
            names = "--memory",
            defaultValue = "cuda",
            converter = MemoryConverter.class,
            description = "Where the rings are: cuda, cuda-ipc or host. Default: ${DEFAULT-VALUE}.")
    private Memory memory;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    private final Table table = new Table(
            "minute",
            "subscribers",
            "GPU",
            "rings",
            "P heap",
            "P direct",
            "P resident",
            "P fds",
            "P threads",
            "S heap",
            "S direct",
            "S resident",
            "S fds",
            "S threads",
            "published",
            "lost",
            "subscriptions");
    private Wall wall;
    private PrintWriter out;

    /** Runs the benchmark and ends the process; 1 if something grew. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new SoakBenchmark()).setOverwrittenOptionsAllowed(true); // scripts have defaults
    }

    @Override
    public Integer call() throws IOException {
        out = spec.commandLine().getOut();
        Machine.print(out);
        out.printf(
                Locale.ROOT,
                "%d live cameras, %s, %s memory; %d subscribers each in another process, one of which leaves and another"
                        + " comes each second; %.0f s of it to warm up.%n",
                count,
                clip.getFileName(),
                memory,
                subscribers,
                warmUp);
        out.println("P: the process with the producers, S: the one with the subscribers; MiB; GPU: taken by P, and by S"
                + " beyond its context; heaps after a collection; direct: with mapped buffers.");
        out.println();
        out.flush();
        List<String> faults;
        try (TemporaryDirectory directory = new TemporaryDirectory();
                Wall opened = new Wall(directory.path(), memory)) {
            wall = opened;
            faults = soak();
        }
        table.print(out, markdown);
        out.println(faults.isEmpty() ? "soak: ok" : "soak: FAILED (" + String.join("; ", faults) + ")");
        out.flush();
        return faults.isEmpty() ? 0 : 1;
    }

    private List<String> soak() throws IOException {
        String churn = "churn " + subscribers + Cameras.keys(count);
        wall.cameras().ask("open " + count + " " + clip);
        wall.audience(churn);
        Machine.awaitTime(System.nanoTime() + (long) (warmUp * SECOND));
        wall.audience("leave");
        Moment begin = look("begin, none");
        wall.audience(churn);
        long start = System.nanoTime();
        long end = start + (long) (minutes * 60 * SECOND);
        long row = start + (long) (every * SECOND);
        while (row - end <= 0) {
            Machine.awaitTime(row);
            look(String.format(Locale.ROOT, "%.1f", (row - start) / (60.0 * SECOND)));
            row += (long) (every * SECOND);
        }
        Machine.awaitTime(end);
        wall.audience("leave");
        return faults(begin, look("end, none"));
    }

    private Moment look(String name) throws IOException {
        Moment moment = new Moment(
                wall.taken(),
                Use.ofLine(wall.cameras().ask("use")),
                wall.audienceUse(),
                wall.account(),
                wall.audience("account"));
        Use cameras = moment.cameras;
        Use audience = moment.audience;
        table.add(
                name,
                moment.frames.subscribers(),
                moment.gpu / MEBI,
                moment.frames.memoryBytes() / MEBI,
                cameras.heap() / MEBI,
                cameras.direct() / MEBI,
                cameras.resident() / MEBI,
                cameras.descriptors(),
                cameras.threads(),
                audience.heap() / MEBI,
                audience.direct() / MEBI,
                audience.resident() / MEBI,
                audience.descriptors(),
                audience.threads(),
                moment.frames.published(),
                moment.frames.lost(),
                moment.received.sessions());
        // for whoever waits, and in case this is cut off
        PrintWriter err = spec.commandLine().getErr();
        err.println("minute " + name + ": " + moment);
        err.flush();
        return moment;
    }

    private List<String> faults(Moment begin, Moment end) {
        List<String> faults = new ArrayList<>();
        check(faults, Limit.GPU, "", begin.gpu, end.gpu);
        check(faults, "producers' ", begin.cameras, end.cameras);
        check(faults, "subscribers' ", begin.audience, end.audience);
        if (end.frames.lost() > 0) {
            faults.add(end.frames.lost() + " frames lost for want of slots");
        }
        if (end.received.failures() > 0) {
            faults.add(end.received.failures() + " subscriptions failed, see stderr");
        }
        if (end.received.received() == begin.received.received()) {
            faults.add("no subscriber received a frame");
        }
        return faults;
    }

    private static void check(List<String> faults, String whose, Use begin, Use end) {
        check(faults, Limit.HEAP, whose, begin.heap(), end.heap());
        check(faults, Limit.DIRECT, whose, begin.direct(), end.direct());
        check(faults, Limit.RESIDENT, whose, begin.resident(), end.resident());
        check(faults, Limit.DESCRIPTORS, whose, begin.descriptors(), end.descriptors());
        check(faults, Limit.THREADS, whose, begin.threads(), end.threads());
    }

    private static void check(List<String> faults, Limit limit, String whose, long begin, long end) {
        if (end - begin > limit.tolerance) {
            faults.add(whose + limit.label + " grew from " + begin + " to " + end);
        }
    }
}
