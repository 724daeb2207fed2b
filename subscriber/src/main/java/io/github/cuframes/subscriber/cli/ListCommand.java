package io.github.cuframes.subscriber.cli;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Shows the streams of the run directory. */
@Command(
        name = "list",
        description =
                "Streams in the run directory: key, size, format, announced frames per second, memory, subscribers,"
                        + " age of the newest frame.",
        mixinStandardHelpOptions = true)
final class ListCommand extends StoppableCommand {

    /** A producer that lives answers within a millisecond; one that is stopped keeps the table no longer than this. */
    private static final Duration ANSWER = Duration.ofSeconds(1);

    private static final int AT_ONCE = 8;
    private static final String ROW = "%-20s %-11s %-12s %6s %-9s %11s %10s  %s%n";

    @Option(names = "--json", description = "An array of objects instead of a table.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        RunDirectory directory = directory();
        List<Map<String, Object>> streams = new ArrayList<>();
        ExecutorService pool = Executors.newFixedThreadPool(AT_ONCE);
        try {
            List<Future<Map<String, Object>>> answers = new ArrayList<>();
            for (String key : directory.list()) {
                answers.add(pool.submit(() -> describe(directory, key)));
            }
            for (Future<Map<String, Object>> answer : answers) {
                streams.add(answer.get());
            }
        } catch (ExecutionException e) {
            throw new IOException(sentence(e.getCause()), e.getCause());
        } finally {
            pool.shutdownNow();
        }
        if (json) {
            printJson(streams);
        } else {
            print(directory, streams);
        }
        return Main.DONE;
    }

    private Map<String, Object> describe(RunDirectory directory, String key) {
        Map<String, Object> stream = new LinkedHashMap<>();
        stream.put("key", key);
        try (Observer observer = Observer.connect(directory, key, ANSWER)) {
            Ring ring = observer.ring();
            long newest = ring.newestSequence();
            stream.put("width", ring.width());
            stream.put("height", ring.height());
            stream.put("format", ring.format().map(PixelFormat::label).orElse(null));
            stream.put("fps", ring.frameRate().isKnown() ? ring.frameRate().toDouble() : null);
            stream.put("memory", ring.memoryKind().map(MemoryKind::label).orElse(null));
            stream.put("subscribers", ring.subscribers());
            stream.put("ageMillis", newest == 0 ? null : (System.nanoTime() - ring.newestPublishNanos()) / 1_000_000);
            stream.put("newestSequence", newest);
            stream.put("generation", ring.generation());
            stream.put("epoch", Long.toUnsignedString(ring.epoch()));
            stream.put("pid", ring.publisherPid());
            stream.put("source", ring.sourceState().map(SourceState::label).orElse(null));
            stream.put("memoryBytes", ring.memoryBytes());
        } catch (IOException | SubscriberException e) {
            stream.put("problem", sentence(e));
        }
        return stream;
    }

    private void print(RunDirectory directory, List<Map<String, Object>> streams) {
        if (streams.isEmpty()) {
            out().println("no streams in " + directory.path());
            return;
        }
        out().printf(ROW, "KEY", "SIZE", "FORMAT", "FPS", "MEMORY", "SUBSCRIBERS", "AGE", "SOURCE");
        for (Map<String, Object> stream : streams) {
            if (stream.containsKey("problem")) {
                out().printf("%-20s %s%n", stream.get("key"), stream.get("problem"));
                continue;
            }
            Object age = stream.get("ageMillis");
            Object fps = stream.get("fps");
            out().printf(
                            ROW,
                            stream.get("key"),
                            stream.get("width") + "x" + stream.get("height"),
                            orDash(stream.get("format")),
                            fps == null ? "-" : String.format(Locale.ROOT, "%.2f", fps),
                            orDash(stream.get("memory")),
                            stream.get("subscribers"),
                            age == null ? "-" : age + " ms",
                            orDash(stream.get("source")));
        }
    }

    private static Object orDash(Object value) {
        return value == null ? "-" : value;
    }
}
