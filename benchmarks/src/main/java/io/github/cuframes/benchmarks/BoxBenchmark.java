package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.subscriber.DeliveryPolicy;
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
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * A box full of cameras whose frames several programs want: one process that decodes for all of them, and beside it, in the same
 * run, the same programs each decoding for itself.
 */
@Command(
        name = "box",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Many cameras for several programs: decoded once for all, and by each program for itself.")
public final class BoxBenchmark implements Callable<Integer> {

    private static final String SHARED = "cuframes";
    private static final String APART = "each for itself";
    private static final String DETECTOR = "detector";

    /** The publisher's own default. */
    private static final int USUAL_CREDITS = 8;

    private static final int PERCENT = 100;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--clip",
            paramLabel = "FILE",
            required = true,
            description = "What the cameras show, over and over, at its own rate.")
    private Path clip;

    @Option(names = "--cameras", defaultValue = "16", description = "Default: ${DEFAULT-VALUE}.")
    private int cameras;

    @Option(
            names = "--subscribers",
            defaultValue = "3",
            description =
                    "Programs, each of which wants every frame of every camera; the last one small frames as well."
                            + " Default: ${DEFAULT-VALUE}.")
    private int subscribers;

    @Option(
            names = "--minutes",
            defaultValue = "10",
            description = "Of decoding once for all. Default: ${DEFAULT-VALUE}.")
    private double minutes;

    @Option(
            names = "--other-minutes",
            defaultValue = "2",
            description = "Of each program decoding for itself; 0 leaves it out. Default: ${DEFAULT-VALUE}.")
    private double otherMinutes;

    @Option(
            names = "--warm-up",
            defaultValue = "30",
            description = "Seconds before each that are not counted. Default: ${DEFAULT-VALUE}.")
    private double warmUp;

    @Option(
            names = "--every",
            defaultValue = "30",
            description = "Seconds from one line on stderr to the next. Default: ${DEFAULT-VALUE}.")
    private double every;

    @Option(
            names = "--memory",
            defaultValue = "cuda",
            converter = MemoryConverter.class,
            description = "Where the rings are: cuda, cuda-ipc or host. Default: ${DEFAULT-VALUE}.")
    private Memory memory;

    @Option(
            names = "--policy",
            defaultValue = "fifo:4",
            description = "The subscribers': latest, fifo:N. Default: ${DEFAULT-VALUE}.")
    private String policy;

    @Option(
            names = "--small",
            defaultValue = "640x360",
            converter = Size.Converter.class,
            description = "Size of the small frames. Default: ${DEFAULT-VALUE}.")
    private Size small;

    @Option(
            names = "--unscaled",
            description = "The small frames are not scaled, only fewer: where the GPU has no filters.")
    private boolean unscaled;

    @Option(
            names = "--small-fps",
            defaultValue = "5",
            description = "Small frames a second. Default: ${DEFAULT-VALUE}.")
    private int smallFps;

    @Option(
            names = "--plain",
            description =
                    "What decodes for a program by itself: nvdec or software. Default: nvdec unless the rings are in"
                            + " host memory.")
    private PlainDecoder.Device plain;

    @Option(
            names = "--least",
            defaultValue = "99",
            description =
                    "Per cent of the cameras' frames that must be decoded and received. Default: ${DEFAULT-VALUE}.")
    private double least;

    @Option(names = "--markdown", description = "Print the tables as Markdown.")
    private boolean markdown;

    private final List<BoxResult> results = new ArrayList<>();
    private final List<String> faults = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();
    private DeliveryPolicy delivery;
    private Size size;
    private Rational rate;
    private PrintWriter out;

    /** Runs the benchmark and ends the process; 1 if a frame was missed that should not have been, or something broke off. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new BoxBenchmark())
                .setOverwrittenOptionsAllowed(true) // scripts have defaults
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    @Override
    public Integer call() throws IOException {
        out = spec.commandLine().getOut();
        if (cameras < 1 || subscribers < 1 || smallFps < 1 || minutes <= 0 || otherMinutes < 0 || every <= 0) {
            throw new ParameterException(
                    spec.commandLine(), "there have to be cameras, subscribers, small frames and minutes");
        }
        delivery = DeliveryPolicy.parse(policy);
        boolean onGpu = memory != Memory.HOST;
        if (plain == null) {
            plain = onGpu ? PlainDecoder.Device.NVDEC : PlainDecoder.Device.SOFTWARE;
        }
        try (PlainDecoder first = new PlainDecoder(clip, PlainDecoder.Device.SOFTWARE, 1)) {
            rate = first.rate();
            size = first.size();
        }
        if (!rate.isKnown()) {
            throw new IOException(clip + " does not say its frames a second; name a clip of one rate");
        }
        introduce();
        try (GpuGauge gauge = onGpu ? new GpuGauge() : null) {
            run(SHARED, gauge, this::share, minutes);
            if (otherMinutes > 0) {
                run(APART, gauge, this::separate, otherMinutes);
            }
        }
        conclude();
        return faults.isEmpty() ? 0 : 1;
    }

    private void introduce() throws IOException {
        Machine.print(out);
        out.printf(
                Locale.ROOT,
                "%d cameras of %s at %.2f frames a second: %s, a file that each plays over and over in real time; there is"
                        + " no network in it. %s memory. %d programs, each a process, want every full-size frame of every"
                        + " camera; the last, the detector, wants frames of %s at %d a second as well.%n",
                cameras,
                size,
                rate.toDouble(),
                clip.getFileName(),
                memory,
                subscribers,
                smallSize() == null ? size : smallSize(),
                smallFps);
        out.printf(
                Locale.ROOT,
                "%s: one process more decodes each camera once and publishes it and a rendition; the programs have a"
                        + " subscription (%s) a camera, and the detector one a rendition. %s: each program decodes every"
                        + " camera with FFmpeg (%s), a thread a camera; the detector %s. Frames are given back at once in"
                        + " both.%n",
                SHARED,
                delivery,
                APART,
                plain.name().toLowerCase(Locale.ROOT),
                unscaled ? "scales nothing" : "scales with the same filter");
        out.println(
                "GPU memory: what all processes of a way took, contexts included, of which each process has one; memory"
                        + " in MiB; heaps after a collection, asked for before and after what is counted. A pause is a collection"
                        + " that nobody asked for, to the millisecond.");
        out.println();
        out.flush();
    }

    private Size smallSize() {
        return unscaled ? null : small;
    }

    /** Starts the processes of a way. */
    private interface Starter {
        void start(BoxWay way, Path runDirectory) throws IOException;
    }

    private void run(String name, GpuGauge gauge, Starter starter, double counted) throws IOException {
        try (TemporaryDirectory directory = new TemporaryDirectory();
                BoxWay way = new BoxWay(name, gauge, spec.commandLine().getErr())) {
            starter.start(way, directory.path());
            results.add(way.measure(warmUp, counted * TimeUnit.MINUTES.toSeconds(1), every));
        } catch (IOException | RuntimeException e) {
            faults.add(name + " broke off: " + e.getMessage()); // what was measured before is printed all the same
        }
    }

    private void share(BoxWay way, Path runDirectory) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "--run-dir=" + runDirectory,
                "--memory=" + memory.label(),
                "--clip=" + clip,
                "--cameras=" + cameras,
                "--small-fps=" + smallFps,
                "--credits=" + Math.max(USUAL_CREDITS, delivery.depth() + 1)));
        if (smallSize() != null) {
            arguments.add("--small=" + small);
        }
        ChildJvm producer = way.start("producer", false, BoxCameras.class, arguments);
        List<ChildJvm> programs = new ArrayList<>();
        for (int i = 0; i < subscribers; i++) {
            programs.add(way.start(
                    program(i), true, BoxProgram.class, List.of("--run-dir=" + runDirectory, "--policy=" + policy)));
        }
        way.makeContexts();
        producer.ask("open");
        for (ChildJvm program : programs) {
            program.ask(BoxProgram.join(true, patienceNanos(rate.toDouble()), Cameras.keys(cameras)));
        }
        programs.get(subscribers - 1)
                .ask(BoxProgram.join(false, patienceNanos(smallRate()), BoxCameras.smallKeys(cameras)));
    }

    private void separate(BoxWay way, Path runDirectory) throws IOException {
        List<ChildJvm> programs = new ArrayList<>();
        for (int i = 0; i < subscribers; i++) {
            List<String> arguments =
                    new ArrayList<>(List.of("--clip=" + clip, "--cameras=" + cameras, "--device=" + plain));
            if (i == subscribers - 1) {
                arguments.add("--small-fps=" + smallFps);
                if (smallSize() != null) {
                    arguments.add("--small=" + small);
                }
            }
            programs.add(way.start(program(i), true, BoxDecoders.class, arguments));
        }
        way.makeContexts();
        for (ChildJvm program : programs) {
            program.ask("open");
        }
    }

    private String program(int number) {
        return number == subscribers - 1 ? DETECTOR : "program " + (number + 1);
    }

    private double smallRate() {
        return Math.min(smallFps, rate.toDouble());
    }

    /** Who receives a frame later than this had more of them waiting than the policy keeps. */
    private long patienceNanos(double framesPerSecond) {
        return delivery.mode() == DeliveryMode.LOSSLESS
                ? Long.MAX_VALUE
                : (long) (Math.max(1, delivery.depth()) * TimeUnit.SECONDS.toNanos(1) / framesPerSecond);
    }

    private void conclude() {
        for (BoxResult result : results) {
            if (result.way().equals(SHARED)) {
                checkShared(result);
            } else {
                checkApart(result);
            }
        }
        new BoxReport(results).print(out, markdown);
        notes.forEach(out::println);
        out.println(faults.isEmpty() ? "box: ok" : "box: FAILED (" + String.join("; ", faults) + ")");
        out.flush();
    }

    private void checkShared(BoxResult result) {
        none(result.sum(Count.MISSED_IN_TIME), "frames missed by subscriptions that kept up");
        none(result.sum(Count.LOST), "frames lost for want of a slot, or because a rendition failed");
        none(result.sum(Count.FAILURES), "cameras or subscriptions broke off, see stderr");
        enough("decoded", result.perSecond(Count.DECODED), rate.toDouble(), faults);
        for (BoxResult.Member program : result.programs()) {
            enough(program.name() + " received", program.perSecond(Count.RECEIVED), rate.toDouble(), faults);
            if (program.name().equals(DETECTOR)) {
                enough("small frames received", program.perSecond(Count.SMALL_RECEIVED), smallRate(), faults);
            }
        }
        long late = result.sum(Count.MISSED) - result.sum(Count.MISSED_IN_TIME);
        if (late > 0) {
            notes.add(late
                    + " frames were missed by subscriptions that were late by as many frames as may wait for them.");
        }
    }

    private void none(long count, String what) {
        if (count != 0) {
            faults.add(count + " " + what);
        }
    }

    /** Programs that cannot decode so much are a result, though no fair comparison. */
    private void checkApart(BoxResult result) {
        none(result.sum(Count.FAILURES), "decoders broke off, see stderr");
        for (BoxResult.Member program : result.programs()) {
            String what = APART + ", " + program.name();
            enough(what + " decoded", program.perSecond(Count.DECODED), rate.toDouble(), notes);
        }
    }

    private void enough(String what, double perSecond, double framesPerSecond, List<String> complaints) {
        double due = cameras * framesPerSecond;
        if (perSecond < due * least / PERCENT) {
            complaints.add(String.format(Locale.ROOT, "%s: %.1f a second of %.1f", what, perSecond, due));
        }
    }
}
