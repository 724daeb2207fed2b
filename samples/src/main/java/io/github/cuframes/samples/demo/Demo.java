package io.github.cuframes.samples.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.subscriber.Observer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Cameras, producers and subscribers as a user would run them, each in a process of its own: plays clips as live cameras,
 * decodes each once, has three subscribers read every frame, and checks the number that each picture carries.
 */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = "Plays sample clips as live cameras, each decoded once and read by three processes.")
public final class Demo implements Callable<Integer> {

    private static final int SUBSCRIBERS = 3;
    private static final List<String> CLIPS = List.of("pattern-h264.mp4", "pattern-hevc.mp4");
    private static final List<String> POLICIES = List.of("latest", "fifo:4", "latest");
    private static final Duration START_TIMEOUT = Duration.ofSeconds(60);

    @Option(names = "--seconds", defaultValue = "15", description = "How long to play. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--cameras", defaultValue = "2", description = "How many cameras. Default: ${DEFAULT-VALUE}.")
    private int cameras;

    @Option(names = "--root", hidden = true, required = true)
    private Path root;

    private final PrintStream out = System.out;
    private final ObjectMapper json = new ObjectMapper();

    private Demo() {}

    /** Runs the demo and ends the process with its exit code. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new Demo()).execute(arguments));
    }

    @Override
    public Integer call() {
        String reason;
        try {
            reason = seconds < 1 || cameras < 1 || cameras > 64 ? "--seconds or --cameras is out of range" : play();
        } catch (IOException | InterruptedException | RuntimeException e) {
            reason = e.getMessage() == null ? e.toString() : e.getMessage();
        }
        out.println(reason == null ? "demo: ok" : "demo: FAILED (" + reason + ")");
        return reason == null ? 0 : 1;
    }

    /** Null if all went well, else what did not. */
    private String play() throws IOException, InterruptedException {
        Path work = Files.createDirectories(root.resolve("target/demo"));
        Path sockets = Files.createTempDirectory("cuframes-demo-");
        List<Observer> observers = new ArrayList<>();
        try (Programs programs = new Programs(root, work, sockets)) {
            out.printf(
                    "%d cameras, each decoded once by a producer and read by %d subscribers, for %d s%n",
                    cameras, SUBSCRIBERS, seconds);
            String server = programs.rtspServer(CLIPS);
            out.println(
                    server == null
                            ? "cameras: files, looped in real time (GStreamer's RTSP server is not installed)"
                            : "cameras: RTSP from " + server);
            RunDirectory directory = RunDirectory.resolve(sockets, Map.of(), RunDirectory.Role.SUBSCRIBER);
            for (int i = 0; i < cameras; i++) {
                programs.producer(key(i), CLIPS.get(i % CLIPS.size()), server);
            }
            for (int i = 0; i < cameras; i++) {
                observers.add(observe(directory, key(i), programs));
            }
            List<List<Programs.Running>> subscribers = new ArrayList<>();
            for (int i = 0; i < cameras; i++) {
                List<Programs.Running> ofCamera = new ArrayList<>();
                for (int j = 0; j < SUBSCRIBERS; j++) {
                    ofCamera.add(programs.subscriber(key(i), j, POLICIES.get(j), seconds));
                }
                subscribers.add(ofCamera);
            }
            watch(observers, subscribers);
            for (int i = 0; i < cameras; i++) {
                out.println("snapshot: " + programs.snapshot(key(i)));
            }
            return summarize(observers, subscribers);
        } finally {
            for (Observer observer : observers) {
                observer.close();
            }
            deleteEmpty(sockets);
        }
    }

    private static String key(int camera) {
        return "cam" + (camera + 1);
    }

    private static void deleteEmpty(Path directory) throws IOException {
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    private static Observer observe(RunDirectory directory, String key, Programs programs)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + START_TIMEOUT.toNanos();
        while (true) {
            programs.requireAlive();
            try {
                Observer observer = Observer.connect(directory, key, Duration.ofSeconds(5));
                while (observer.ring().newestSequence() == 0) {
                    programs.requireAlive();
                    if (System.nanoTime() - deadline > 0) {
                        throw new IllegalStateException(
                                key + " has no frame after " + START_TIMEOUT.toSeconds() + " s");
                    }
                    TimeUnit.MILLISECONDS.sleep(50);
                }
                return observer;
            } catch (IOException e) {
                if (System.nanoTime() - deadline > 0) {
                    throw e;
                }
                TimeUnit.MILLISECONDS.sleep(100);
            }
        }
    }

    /** A line a camera and second, until all subscribers have ended. */
    private void watch(List<Observer> observers, List<List<Programs.Running>> subscribers)
            throws InterruptedException, IOException {
        long[] before = observers.stream()
                .mapToLong(observer -> observer.ring().newestSequence())
                .toArray();
        out.printf(
                "%-6s %-5s %-11s %-10s %7s %10s %5s %8s %9s%n",
                "second", "key", "state", "size", "fps", "decoded", "subs", "slots", "memory");
        long start = System.nanoTime();
        long last = start;
        while (subscribers.stream().flatMap(List::stream).anyMatch(Programs.Running::isAlive)) {
            TimeUnit.SECONDS.sleep(1);
            long now = System.nanoTime();
            for (int i = 0; i < observers.size(); i++) {
                Ring ring = observers.get(i).ring();
                long newest = ring.newestSequence();
                out.printf(
                        Locale.ROOT,
                        "%-6d %-5s %-11s %-10s %7.1f %10d %5d %8s %6.1f MB%n",
                        (now - start) / 1_000_000_000,
                        ring.key(),
                        ring.sourceState().map(state -> state.label()).orElse("-"),
                        ring.width() + "x" + ring.height(),
                        (newest - before[i]) * 1e9 / (now - last),
                        newest,
                        ring.subscribers(),
                        ring.slotsInUse() + "/" + ring.slots(),
                        ring.memoryBytes() / 1e6);
                before[i] = newest;
            }
            last = now;
            if (now - start > TimeUnit.SECONDS.toNanos(seconds + START_TIMEOUT.toSeconds())) {
                throw new IOException(
                        "the subscribers have not ended " + START_TIMEOUT.toSeconds() + " s after their time");
            }
        }
    }

    private String summarize(List<Observer> observers, List<List<Programs.Running>> subscribers) throws IOException {
        long decoded = 0;
        long copied = 0;
        for (Observer observer : observers) {
            decoded += observer.ring().newestSequence();
            copied += observer.ring().copied();
        }
        long delivered = 0;
        long skipped = 0;
        double p50 = 0;
        double p99 = 0;
        String wrong = null;
        for (int i = 0; i < subscribers.size(); i++) {
            for (int j = 0; j < subscribers.get(i).size(); j++) {
                Programs.Running subscriber = subscribers.get(i).get(j);
                if (subscriber.exitValue() != 0) {
                    return "subscriber " + (j + 1) + " of " + key(i) + " failed: " + subscriber.errors();
                }
                JsonNode stats = json.readTree(subscriber.lastLine());
                delivered += stats.get("received").asLong();
                skipped += stats.get("dropped").asLong();
                p50 = Math.max(p50, stats.at("/latencyMicros/p50").asDouble());
                p99 = Math.max(p99, stats.at("/latencyMicros/p99").asDouble());
                wrong = wrong == null ? problemOf(stats, key(i) + ", subscriber " + (j + 1)) : wrong;
            }
        }
        out.println();
        out.printf("frames decoded    %d%n", decoded);
        out.printf("frames delivered  %d (%d skipped by subscribers that were busy)%n", delivered, skipped);
        out.printf(Locale.ROOT, "copies per frame  %.2f%n", decoded == 0 ? 0 : (double) copied / decoded);
        out.printf(Locale.ROOT, "latency           p50 %.0f us, p99 %.0f us (the slowest subscriber's)%n", p50, p99);
        return wrong;
    }

    private static String problemOf(JsonNode stats, String who) {
        if (stats.get("received").asLong() == 0) {
            return who + " received nothing";
        }
        for (String error : List.of("checksumErrors", "torn", "stale", "outOfOrder", "unreadable")) {
            if (stats.get(error).asLong() != 0) {
                return who + " counts " + stats.get(error).asLong() + " " + error;
            }
        }
        return null;
    }
}
