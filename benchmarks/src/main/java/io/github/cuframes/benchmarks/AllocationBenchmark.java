package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * What a frame costs in bytes on the Java heap, and how often that heap is collected, with several streams in this
 * process and a subscriber for each in a process of its own.
 */
@Command(
        name = "allocation",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Bytes allocated for each frame, and garbage collections, of sender and receivers.")
public final class AllocationBenchmark implements Callable<Integer> {

    /** How the names of a producer's threads begin: the one that decodes and publishes, and the one on the socket. */
    private static final String DECODING_THREAD = "cuframes-ingest";

    private static final String CONTROL_THREAD = "cuframes-control";

    @Spec
    private CommandSpec spec;

    @Option(names = "--streams", defaultValue = "4", description = "Default: ${DEFAULT-VALUE}.")
    private int streamCount;

    @Option(
            names = "--rate",
            defaultValue = "25",
            description = "Frames a second of each stream; a clip should have the same. Default: ${DEFAULT-VALUE}.")
    private double rate;

    @Option(names = "--seconds", defaultValue = "60", description = "How long to look. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    @Option(
            names = "--size",
            defaultValue = "1920x1080",
            converter = Size.Converter.class,
            description = "Size of frames, yuv420p; a clip has its own. Default: ${DEFAULT-VALUE}.")
    private Size size;

    @Option(
            names = "--clip",
            paramLabel = "FILE",
            description = "Also measure producers that decode this file in real time.")
    private Path clip;

    @Option(
            names = "--warm-up",
            defaultValue = "12000",
            description = "Frames of each stream before, as fast as they go. Default: ${DEFAULT-VALUE}.")
    private long warmUp;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new AllocationBenchmark());
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        out.println("Bytes allocated on the Java heap, and garbage collections: " + streamCount + " streams for "
                + seconds + " s, " + warmUp + " frames to warm up");
        out.println();
        Table table = new Table(
                "source",
                "frames",
                "received",
                "writers: bytes a frame",
                "control: bytes a second",
                "sender: collections",
                "receivers: bytes a frame",
                "receivers: collections");
        try (TemporaryDirectory directory = new TemporaryDirectory()) {
            try (Streams streams = new Streams()) {
                for (int i = 0; i < streamCount; i++) {
                    streams.addFrames(
                            new FrameTransmitter(
                                    directory.path(),
                                    "frames" + i,
                                    new FrameTransmitter.Settings(size, false, Memory.HOST)),
                            warmUp,
                            rate);
                }
                streams.awaitPublished(warmUp);
                measure("slots, " + size, streams, FrameLoop.THREAD_NAME, table);
            }
            if (clip != null) {
                warmUpDecoding(directory.path());
                try (Streams streams = new Streams()) {
                    for (int i = 0; i < streamCount; i++) {
                        streams.addClip(clip, directory.path(), "clip" + i, true, 1);
                    }
                    streams.awaitPublished(1);
                    measure("decoding " + clip.getFileName(), streams, DECODING_THREAD, table);
                }
            }
        }
        table.print(out, markdown);
        return 0;
    }

    /** The code is shared by all producers of a process, so one that runs as fast as it can warms it up for the rest. */
    private void warmUpDecoding(Path directory) throws IOException {
        try (Streams streams = new Streams()) {
            streams.addClip(clip, directory, "warm-up", false, 1);
            streams.awaitPublished(warmUp);
        }
    }

    private void measure(String source, Streams streams, String writerThreads, Table table) throws IOException {
        List<ReceiverProcess> receivers = new ArrayList<>();
        try {
            for (int i = 0; i < streams.count(); i++) {
                receivers.add(new ReceiverProcess(List.of(streams.address(i))));
            }
            for (ReceiverProcess receiver : receivers) {
                receiver.awaitConnected();
            }
            for (int i = 0; i < receivers.size(); i++) {
                long first = streams.published(i) + (long) Math.ceil(rate);
                receivers.get(i).begin(new Round(first, first + (long) (rate * seconds)));
            }
            HeapUse writersBefore = HeapUse.ofThreads(writerThreads);
            HeapUse controlBefore = HeapUse.ofThreads(CONTROL_THREAD);
            long published = streams.published();
            Machine.awaitTime(System.nanoTime() + (long) (seconds * TimeUnit.SECONDS.toNanos(1)));
            HeapUse writers = HeapUse.ofThreads(writerThreads).since(writersBefore);
            HeapUse control = HeapUse.ofThreads(CONTROL_THREAD).since(controlBefore);
            published = streams.published() - published;
            HeapUse received = new HeapUse(0, 0);
            long count = 0;
            for (ReceiverProcess receiver : receivers) {
                Reception reception = receiver.end();
                received = new HeapUse(
                        received.bytes() + reception.allocatedBytes(),
                        received.collections() + reception.collections());
                count += reception.received();
            }
            table.add(
                    source,
                    published,
                    count,
                    writers.bytes() / (double) Math.max(1, published),
                    control.bytes() / seconds,
                    writers.collections(),
                    received.bytes() / (double) Math.max(1, count),
                    received.collections());
        } finally {
            for (ReceiverProcess receiver : receivers) {
                receiver.close();
            }
        }
    }
}
