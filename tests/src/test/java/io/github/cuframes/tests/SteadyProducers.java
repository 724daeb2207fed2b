package io.github.cuframes.tests;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.pattern.PatternSpec;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Producers in one process. Arguments: the run directory, then for each stream {@code KEY=WxH@FPS} or
 * {@code KEY=FILE}, a file being played over and over in real time. The line {@code mark} on stdin has it report what the
 * threads that write frames and all others allocated, and the collections, since the mark before; {@code collect} collects
 * garbage after that; the end of stdin ends it.
 */
public final class SteadyProducers {

    private final PrintStream out = System.out;
    private final List<Producer> producers = new ArrayList<>();
    private long published;
    private long collections;
    private long allocatedByWriters;
    private long allocatedByOthers;

    private SteadyProducers() {}

    /** Runs until the end of stdin. */
    public static void main(String[] arguments) throws IOException {
        new SteadyProducers().run(Path.of(arguments[0]), List.of(arguments).subList(1, arguments.length));
        System.exit(0);
    }

    private void run(Path runDirectory, List<String> streams) throws IOException {
        try (BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            for (String stream : streams) {
                int equals = stream.indexOf('=');
                String source = stream.substring(equals + 1);
                var builder = Producer.builder(stream.substring(0, equals))
                        .publish(publisher -> publisher.runDirectory(runDirectory));
                producers.add(
                        source.endsWith(".mp4")
                                ? builder.input(source)
                                        .loop(true)
                                        .realtime(true)
                                        .threads(1)
                                        .open()
                                : builder.testPattern(PatternSpec.parse(source)).open());
            }
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                answer(line);
            }
        } finally {
            producers.forEach(Producer::close);
        }
    }

    private void answer(String question) {
        out.println("mark frames=" + (published() - published) + " collections="
                + (Window.collections() - collections) + " bytes=" + (allocated(true) - allocatedByWriters)
                + " otherBytes=" + (allocated(false) - allocatedByOthers));
        if (question.equals("collect")) {
            System.gc();
        }
        published = published();
        collections = Window.collections();
        allocatedByWriters = allocated(true);
        allocatedByOthers = allocated(false);
    }

    private long published() {
        long sum = 0;
        for (Producer producer : producers) {
            sum += producer.counters().published();
        }
        return sum;
    }

    /** By all threads that write frames, or by all others but this one, which asks. */
    private static long allocated(boolean byWriters) {
        long sum = 0;
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            boolean writes =
                    thread.getName().equals("test-pattern") || thread.getName().startsWith("cuframes-ingest");
            if (writes == byWriters && thread != Thread.currentThread()) {
                sum += Math.max(0, Window.allocatedBy(thread.getId()));
            }
        }
        return sum;
    }
}
