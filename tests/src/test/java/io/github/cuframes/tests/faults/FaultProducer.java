package io.github.cuframes.tests.faults;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.pattern.TestPatternSource;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.tests.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A producer of test patterns that is told on stdin what to do, and answers each line with one.
 *
 * <p>{@code open key= run-dir= memory=} listens; {@code pattern size= fps= format= number=} goes over to another picture,
 * which is a new generation; {@code counters}, {@code resources}; {@code try run-dir=} opens a second publisher for a
 * moment; {@code close-sockets}. The end of stdin ends it in good order.
 */
public final class FaultProducer {

    /** Of a lossless subscriber that does not release: short, so that a stopped one keeps the others for a moment only. */
    static final Duration LOSSLESS_TIMEOUT = Duration.ofMillis(300);

    private static final long MAX_MEMORY = 64L << 20;

    private final PrintStream out = System.out;
    private Publisher publisher;
    private CudaContext context;
    private TestPatternSource source;

    private FaultProducer() {}

    /** Runs until the end of stdin. */
    public static void main(String[] arguments) throws IOException {
        FaultProducer producer = new FaultProducer();
        producer.out.println("ready");
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                producer.out.println(producer.answer(Report.parse(line)));
            }
        } finally {
            producer.close();
        }
        System.exit(0);
    }

    private String answer(Report told) {
        try {
            return switch (told.kind()) {
                case "open" -> open(told);
                case "pattern" -> pattern(told);
                case "counters" -> counters();
                case "resources" -> Resources.ofThisProcess().line();
                case "try" -> attempt(told);
                case "close-sockets" -> "closed sockets=" + OwnDescriptors.closeSockets();
                default -> throw new IllegalArgumentException("no such command: " + told);
            };
        } catch (IOException | RuntimeException e) {
            return "failed text=" + Actor.word(e.toString());
        }
    }

    private FrameMemoryAllocator allocator(String memory) throws IOException {
        if (memory.equals("host")) {
            return new HostMemoryAllocator();
        }
        if (context == null) {
            context = CudaContext.retain(Cuda.device("0"));
        }
        return new CudaMemoryAllocator(context);
    }

    private PublisherBuilder builder(Report told, String key) {
        return Publisher.builder(key)
                .runDirectory(Path.of(told.text("run-dir")))
                .allowLossless(true)
                .losslessTimeout(LOSSLESS_TIMEOUT)
                .maxMemory(MAX_MEMORY);
    }

    private String open(Report told) throws IOException {
        publisher = builder(told, told.text("key"))
                .allocator(allocator(told.text("memory")))
                .open();
        return "opened nanos=" + System.nanoTime();
    }

    private String pattern(Report told) throws IOException {
        if (source != null) {
            source.close();
            source = null;
        }
        Picture.Size size = Picture.Size.valueOf(told.text("size"));
        PatternSpec spec = new PatternSpec(size.width, size.height, new Rational((int) told.number("fps"), 1));
        source = TestPatternSource.builder(publisher, spec)
                .format(PixelFormat.valueOf(told.text("format")))
                .tag(Picture.tag((int) told.number("number"), size))
                .gpu(context)
                .start();
        return "pattern nanos=" + System.nanoTime();
    }

    private String counters() {
        PublisherCounters counters = publisher.counters();
        long unplaced = source == null ? 0 : source.unplaced();
        long late = source == null ? 0 : source.late();
        return "counters published=" + counters.published() + " lostNoSlot=" + counters.lostNoSlot() + " generation="
                + counters.generation() + " slots=" + counters.slots() + " inUse=" + counters.slotsInUse() + " bytes="
                + counters.memoryBytes() + " subscribers=" + counters.subscribers() + " unplaced=" + unplaced
                + " late=" + late;
    }

    private String attempt(Report told) throws IOException {
        try (Publisher second = builder(told, "second").open()) {
            return "opened key=" + second.key();
        }
    }

    private void close() {
        if (source != null) {
            source.close();
        }
        if (publisher != null) {
            publisher.close();
        }
        if (context != null) {
            context.close();
        }
    }
}
