package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The process with the producers, started by a benchmark: files, played over and over as live cameras. */
final class Cameras implements Servant {

    /**
     * What they have done and have, all together.
     *
     * @param lost frames that no slot was free for
     * @param memoryBytes of frame memory, as the publishers count it
     */
    record Account(long published, long lost, long copied, long memoryBytes, int slots, int subscribers) {

        private static Account of(Producer camera) {
            PublisherCounters counters = camera.counters();
            return new Account(
                    counters.published(),
                    camera.sourceCounters().get(IngestCounter.DROPPED_NO_SLOT),
                    counters.copied(),
                    counters.memoryBytes(),
                    counters.slots(),
                    counters.subscribers());
        }

        private Account plus(Account other) {
            return new Account(
                    published + other.published,
                    lost + other.lost,
                    copied + other.copied,
                    memoryBytes + other.memoryBytes,
                    slots + other.slots,
                    subscribers + other.subscribers);
        }

        private String toLine() {
            return published + " " + lost + " " + copied + " " + memoryBytes + " " + slots + " " + subscribers;
        }

        static Account ofLine(String line) {
            String[] parts = line.split(" ");
            return new Account(
                    Long.parseLong(parts[0]),
                    Long.parseLong(parts[1]),
                    Long.parseLong(parts[2]),
                    Long.parseLong(parts[3]),
                    Integer.parseInt(parts[4]),
                    Integer.parseInt(parts[5]));
        }
    }

    private static final Account NOTHING = new Account(0, 0, 0, 0, 0, 0);

    @Option(names = "--run-dir", required = true)
    private Path runDirectory;

    @Option(names = "--memory", required = true, converter = MemoryConverter.class)
    private Memory memory;

    /** Keeps the GPU's context, from the order {@code context} to the end of the process. */
    private GpuPlace place;

    private final List<Publisher> rings = new ArrayList<>();
    private final List<Producer> cameras = new ArrayList<>();

    private Cameras() {}

    /** Runs until standard input ends. */
    public static void main(String[] arguments) throws IOException {
        Cameras cameras = new Cameras();
        new CommandLine(cameras).parseArgs(arguments);
        Servant.serve(cameras);
    }

    /** What starts it. */
    static List<String> arguments(Path runDirectory, Memory memory) {
        return List.of("--run-dir", runDirectory.toString(), "--memory", memory.label());
    }

    static String key(int camera) {
        return "cam" + camera;
    }

    /** The keys of the first cameras, with a blank before each. */
    static String keys(int count) {
        StringBuilder keys = new StringBuilder();
        for (int i = 0; i < count; i++) {
            keys.append(' ').append(key(i));
        }
        return keys.toString();
    }

    @Override
    public String answer(String order, List<String> arguments) throws IOException {
        return switch (order) {
            case "context" -> {
                place = GpuPlace.open(memory);
                yield "done";
            }
            case "rings" -> rings(Integer.parseInt(arguments.get(0)), Integer.parseInt(arguments.get(1)));
            case "no-rings" -> {
                rings.forEach(Publisher::close);
                rings.clear();
                yield "done";
            }
            case "open" -> open(Integer.parseInt(arguments.get(0)), arguments.get(1));
            case "account" -> account().toLine();
            case "closed" -> {
                closeCameras();
                yield "done";
            }
            case "use" -> Use.ofThisProcess().toLine();
            default -> throw Servant.unknown(order);
        };
    }

    /** Rings of 1080p without anything that writes into them; answers with their slots and the bytes of their frame memory. */
    private String rings(int count, int slots) throws IOException {
        FrameLayout layout = FrameLayout.of(place.format(), 1920, 1080, place.pitchAlignment());
        StreamConfig config = new StreamConfig(layout, new Rational(1, 90_000), Rational.UNKNOWN, Colour.UNSPECIFIED);
        long made = 0;
        long bytes = 0;
        for (int i = 0; i < count; i++) {
            Publisher publisher = Publisher.builder("ring" + i)
                    .runDirectory(runDirectory)
                    .allocator(place.allocator())
                    .open();
            rings.add(publisher);
            publisher.configure(config, slots);
            made += publisher.counters().slots();
            bytes += publisher.counters().memoryBytes();
        }
        return made + " " + bytes;
    }

    private String open(int count, String clip) throws IOException {
        for (int i = 0; i < count; i++) {
            cameras.add(Producer.builder(key(i))
                    .input(clip)
                    .loop(true)
                    .realtime(true)
                    .threads(1)
                    .memory(memory)
                    .publish(publisher -> publisher.runDirectory(runDirectory))
                    .open());
        }
        for (Producer camera : cameras) {
            Streams.awaitAtLeast(1, () -> camera.counters().published(), camera.key());
        }
        return "done";
    }

    private Account account() {
        return cameras.stream().map(Account::of).reduce(NOTHING, Account::plus);
    }

    private void closeCameras() {
        cameras.forEach(Producer::close);
        cameras.clear();
    }

    @Override
    public void close() {
        closeCameras();
        rings.forEach(Publisher::close);
        rings.clear();
        if (place != null) {
            place.close();
        }
    }
}
