package io.github.cuframes.benchmarks;

import io.github.cuframes.benchmarks.Tally.Count;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.RenditionCounters;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.publish.SubscriberCounters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The producer's process of {@link BoxBenchmark}: cameras that are files, each with a small stream beside the full one. */
final class BoxCameras extends BoxMember {

    private static final String SMALL = ".detect";

    @Option(names = "--run-dir", required = true)
    private Path runDirectory;

    @Option(names = "--memory", required = true, converter = MemoryConverter.class)
    private Memory memory;

    @Option(names = "--clip", required = true)
    private Path clip;

    @Option(names = "--cameras", required = true)
    private int count;

    @Option(names = "--small", converter = Size.Converter.class, description = "Without: as large as the camera.")
    private Size small;

    @Option(names = "--small-fps", required = true)
    private int smallFps;

    @Option(names = "--credits", required = true, description = "The most that a subscriber may ask for.")
    private int credits;

    private final List<Producer> cameras = new ArrayList<>();

    private BoxCameras() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        BoxCameras cameras = new BoxCameras();
        new CommandLine(cameras).parseArgs(arguments);
        Servant.serve(cameras);
    }

    /** The keys of the first cameras' small streams, with a blank before each. */
    static String smallKeys(int count) {
        StringBuilder keys = new StringBuilder();
        for (int i = 0; i < count; i++) {
            keys.append(' ').append(Cameras.key(i)).append(SMALL);
        }
        return keys.toString();
    }

    @Override
    void carryOut(String order, List<String> arguments) throws IOException {
        if (!order.equals("open")) {
            throw Servant.unknown(order);
        }
        for (int i = 0; i < count; i++) {
            cameras.add(open(Cameras.key(i)));
        }
        for (Producer camera : cameras) {
            Streams.awaitAtLeast(1, () -> camera.counters().published(), camera.key());
            Streams.awaitAtLeast(1, () -> camera.renditions().get(0).publisher().published(), camera.key() + SMALL);
        }
    }

    private Producer open(String key) throws IOException {
        return Producer.builder(key)
                .input(clip.toString())
                .loop(true)
                .realtime(true)
                .threads(1)
                .memory(memory)
                .publish(publisher -> publisher.runDirectory(runDirectory).maxCredits(credits))
                .rendition(SMALL, rendition -> {
                    rendition.fps(smallFps).publish(publisher -> publisher.maxCredits(credits));
                    if (small != null) {
                        rendition.size(small.width(), small.height());
                    }
                })
                .open();
    }

    @Override
    void mark() {
        // no peaks here
    }

    @Override
    Tally counts() {
        Tally tally = new Tally();
        long bytes = 0;
        for (Producer camera : cameras) {
            Map<IngestCounter, Long> source = camera.sourceCounters();
            tally.add(Count.DECODED, source.get(IngestCounter.DECODED));
            tally.add(Count.PUBLISHED, camera.counters().published());
            tally.add(Count.COPIED, camera.counters().copied());
            tally.add(Count.LOST, source.get(IngestCounter.DROPPED_NO_SLOT));
            tally.add(Count.FAILURES, camera.lastFailure().isPresent() ? 1 : 0);
            tally.add(Count.UNDELIVERED, undelivered(camera.subscribers()));
            bytes += camera.counters().memoryBytes();
            for (RenditionCounters rendition : camera.renditions()) {
                Map<IngestCounter, Long> frames = rendition.frames();
                tally.add(Count.SMALL_MADE, frames.get(IngestCounter.PUBLISHED));
                tally.add(Count.LOST, frames.get(IngestCounter.DROPPED_NO_SLOT));
                tally.add(Count.LOST, frames.get(IngestCounter.DROPPED_FAILED));
                tally.add(Count.UNDELIVERED, undelivered(rendition.subscribers()));
                bytes += rendition.publisher().memoryBytes();
            }
        }
        return tally.add(Count.FRAME_MEMORY, bytes);
    }

    private static long undelivered(List<SubscriberCounters> subscribers) {
        return subscribers.stream().mapToLong(SubscriberCounters::dropped).sum();
    }

    @Override
    void stop() {
        cameras.forEach(Producer::close);
    }
}
