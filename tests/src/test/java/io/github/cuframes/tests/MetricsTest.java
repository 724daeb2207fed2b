package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.standin.StandInNvml;
import io.github.cuframes.subscriber.PacketSubscriber;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a camera, its subscribers and a camera that is away look like in metrics, health and {@code top}. */
@Timeout(180)
class MetricsTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String CREDITS = "2";

    @TempDir
    static Path files;

    private static Stage stage;
    private static Child camera;
    private static Child away;
    private static Child quick;
    private static Child stoppable;
    private static PacketSubscriber packets;
    private static String cameraAt;
    private static String awayAt;

    @BeforeAll
    static void open() throws Exception {
        stage = new Stage();
        String library = StandInDriver.unavailable().isPresent()
                ? "libcuframes-absent-ml.so.1"
                : StandInNvml.build(files).toString();
        camera = stage.start(
                "producer cam",
                Main.class,
                Launch.PLAIN.with("-Dcuframes.nvml.library=" + library),
                List.of(
                        "--key=cam",
                        "--run-dir=" + stage.runDirectory(),
                        "--test-pattern=320x180@50",
                        "--max-memory=256MB",
                        "--metrics=0"));
        String recordings = files.resolve("recordings").toString();
        away = stage.producer(
                "away",
                "--rtsp",
                "rtsp://127.0.0.1:1/none",
                "--retry",
                "--record",
                recordings,
                "--metrics",
                "127.0.0.1:0");
        quick = stage.subscriber("cam", "fifo:4", "progress=10");
        stoppable = stage.subscriber("cam", "latest", "progress=10");
        stage.observe("away").close(); // it listens
        packets = PacketSubscriber.builder("away")
                .runDirectory(stage.runDirectory())
                .connect();
        cameraAt = Scrape.addressOf(camera);
        awayAt = Scrape.addressOf(away);
        quick.await("progress", report -> true);
        stoppable.await("progress", report -> true);
    }

    @AfterAll
    static void close() throws IOException {
        if (packets != null) {
            packets.close();
        }
        stage.close();
    }

    private static double of(Scrape scrape, Child subscriber, String what) {
        return scrape.value("cuframes_subscriber_" + what, "camera", "cam", "pid", Long.toString(subscriber.pid()));
    }

    @Test
    void countersGrow() throws Exception {
        Scrape before = Scrape.of(cameraAt);
        quick.await(quick.output().size(), "progress", report -> true);
        Scrape after = Scrape.of(cameraAt);
        double published = after.value("cuframes_frames_published_total", "camera", "cam");
        assertTrue(published > before.value("cuframes_frames_published_total", "camera", "cam"));
        for (String counter : List.of("frames_delivered_total", "release_seconds_count", "release_seconds_sum")) {
            assertTrue(of(after, quick, counter) > of(before, quick, counter), counter);
        }
        assertTrue(of(after, quick, "frames_delivered_total") <= published);
        assertEquals(5, of(after, quick, "credits"));
        assertEquals(2, after.value("cuframes_subscribers", "camera", "cam"));
        assertEquals(1, after.value("cuframes_source_state", "camera", "cam", "state", "streaming"));
        assertEquals(0, after.value("cuframes_source_state", "camera", "cam", "state", "connecting"));
        assertEquals(0, after.value("cuframes_frames_dropped_total", "camera", "cam", "reason", "no_slot"));
        assertTrue(after.value("cuframes_slots", "camera", "cam") >= 7, "those of all credits");
        assertTrue(after.value("cuframes_frame_memory_bytes", "camera", "cam") >= 7 * 320 * 180 * 3 / 2);
        assertTrue(after.value("jvm_memory_used_bytes", "area", "heap") > 0);
    }

    @Test
    void aStoppedSubscriberShowsInMetricsAndTop() throws Exception {
        stoppable.signal("STOP");
        Scrape[] before = new Scrape[1];
        Await.until(() -> "the stopped subscriber loses frames; " + before[0], () -> {
            before[0] = scrape();
            return of(before[0], stoppable, "frames_dropped_total") > 2 && of(before[0], stoppable, "lag_frames") > 2;
        });
        JsonNode top = top();
        Scrape after = Scrape.of(cameraAt);

        JsonNode stream = named(top, "cam");
        assertEquals("streaming", stream.get("state").asText());
        assertEquals(320, stream.get("width").asInt());
        assertTrue(stream.get("fps").asDouble() > 0, stream.toString());
        assertEquals(
                after.value("cuframes_frame_memory_bytes", "camera", "cam"),
                stream.get("memoryBytes").asDouble());
        assertEquals(
                after.value("cuframes_slots", "camera", "cam"),
                stream.get("slots").asInt());
        between(
                before[0].value("cuframes_frames_published_total", "camera", "cam"),
                stream.get("newestSequence"),
                after.value("cuframes_frames_published_total", "camera", "cam"));
        assertEquals(2, stream.get("subscribers").size());
        for (Child subscriber : List.of(quick, stoppable)) {
            JsonNode row = byPid(stream, subscriber);
            between(
                    of(before[0], subscriber, "frames_delivered_total"),
                    row.get("delivered"),
                    of(after, subscriber, "frames_delivered_total"));
            between(
                    of(before[0], subscriber, "frames_dropped_total"),
                    row.get("dropped"),
                    of(after, subscriber, "frames_dropped_total"));
        }
        JsonNode stopped = byPid(stream, stoppable);
        between(of(before[0], stoppable, "lag_frames"), stopped.get("lag"), of(after, stoppable, "lag_frames"));
        assertEquals(CREDITS, stopped.get("held").asText(), "all that it may have");
        assertEquals(CREDITS, stopped.get("credits").asText());
        assertEquals(2, of(after, stoppable, "frames_held"));
        assertEquals("latest", stopped.get("mode").asText());
        assertEquals("fifo:4", byPid(stream, quick).get("mode").asText());
        assertTrue(of(after, stoppable, "idle_seconds") > of(before[0], stoppable, "idle_seconds"));

        assertEquals("connecting", named(top, "away").get("state").asText());
        assertTrue(named(top, "away").get("ageMillis").isNull(), "no frame yet");

        stoppable.signal("CONT");
        Await.until(() -> "it catches up", () -> of(scrape(), stoppable, "lag_frames") == 0);
    }

    private static Scrape scrape() {
        try {
            return Scrape.of(cameraAt);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static void between(double least, JsonNode value, double most) {
        assertTrue(value.asDouble() >= least && value.asDouble() <= most, least + " <= " + value + " <= " + most);
    }

    private static JsonNode top() throws Exception {
        Child top = stage.start(
                "top",
                io.github.cuframes.subscriber.cli.Main.class,
                List.of("top", "--once", "--json", "--interval=0.2", "--run-dir=" + stage.runDirectory()));
        assertEquals(0, top.awaitExit(), top::toString);
        assertEquals(1, top.output().size(), top::toString);
        return JSON.readTree(top.output().get(0));
    }

    private static JsonNode named(JsonNode top, String key) {
        return StreamSupport.stream(top.get("streams").spliterator(), false)
                .filter(stream -> stream.get("key").asText().equals(key))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + key + " in " + top));
    }

    private static JsonNode byPid(JsonNode stream, Child subscriber) {
        return StreamSupport.stream(stream.get("subscribers").spliterator(), false)
                .filter(row -> row.get("pid").asLong() == subscriber.pid())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no " + subscriber.name() + " in " + stream));
    }

    @Test
    void aCameraThatIsAwayShows() throws Exception {
        HttpResponse<String> well = Scrape.get(cameraAt + "/healthz");
        assertEquals(200, well.statusCode(), well.body());
        assertTrue(JSON.readTree(well.body()).get("healthy").asBoolean());

        JsonNode[] row = new JsonNode[1];
        Await.until(() -> "the first attempt fails; " + row[0], () -> {
            row[0] = awayHealth();
            return row[0].get("lastError").isTextual();
        });
        assertEquals("away", row[0].get("camera").asText());
        assertEquals("connecting", row[0].get("state").asText());
        assertTrue(row[0].get("lastError").asText().contains("127.0.0.1:1/none: the host refuses"), row[0].toString());
        assertTrue(row[0].get("newestFrameAgeSeconds").isNull());
        Scrape scrape = Scrape.of(awayAt);
        assertEquals(1, scrape.value("cuframes_source_state", "camera", "away", "state", "connecting"));
        assertEquals(0, scrape.value("cuframes_packets_received_total", "camera", "away"));
        String pid = Long.toString(ProcessHandle.current().pid());
        for (String what : List.of("delivered_total", "skipped_total", "lag_packets", "unread_ratio")) {
            assertEquals(0, scrape.value("cuframes_packet_subscriber_" + what, "camera", "away", "pid", pid), what);
        }
    }

    private static JsonNode awayHealth() {
        try {
            HttpResponse<String> answer = Scrape.get(awayAt + "/healthz");
            assertEquals(503, answer.statusCode(), answer.body());
            JsonNode health = JSON.readTree(answer.body());
            assertFalse(health.get("healthy").asBoolean());
            return health.get("cameras").get(0);
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void gpusTellWhatTheyCan() throws Exception {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElse(""));
        Scrape scrape = Scrape.of(cameraAt);
        assertEquals(0.37, scrape.value("cuframes_gpu_decoder_utilization_ratio", "gpu", StandInNvml.WHOLE));
        assertEquals(1_234_567_890, scrape.value("cuframes_gpu_memory_used_bytes", "gpu", StandInNvml.WHOLE));
        assertEquals(171_798_691_840.0, scrape.value("cuframes_gpu_memory_total_bytes", "gpu", StandInNvml.DIVIDED));
        Scrape.of(cameraAt);
        List<String> lines = camera.errors().stream()
                .filter(line -> line.contains("GPU is lost"))
                .toList();
        assertEquals(1, lines.size(), "said once: " + lines);
    }

    /** Both say the same: name, type and labels of each metric. */
    @Test
    void thePageDescribesWhatIsExposed() throws Exception {
        assumeTrue(StandInDriver.unavailable().isEmpty(), "without it there are no metrics of a GPU");
        Map<String, String> exposed = new TreeMap<>();
        for (String address : List.of(cameraAt, awayAt)) {
            Scrape scrape = Scrape.of(address);
            scrape.types().forEach((family, type) -> {
                if (family.startsWith("cuframes_")) {
                    exposed.put(family, type + " " + labels(scrape, family));
                }
            });
        }
        Map<String, String> described = new TreeMap<>();
        Pattern row = Pattern.compile("\\| `(cuframes_\\w+)` \\| (\\w+) \\| ([a-z, ]+) \\| .+ \\|");
        for (String line : Files.readAllLines(Checkout.root().resolve("docs/metrics.md"))) {
            Matcher matcher = row.matcher(line);
            if (matcher.matches()) {
                Set<String> labels = new TreeSet<>(List.of(matcher.group(3).split(", ")));
                described.put(matcher.group(1), matcher.group(2) + " " + labels);
            }
        }
        assertEquals(described, exposed);
    }

    private static Set<String> labels(Scrape scrape, String family) {
        return scrape.samples().stream()
                .filter(sample -> sample.name().equals(family) || sample.name().equals(family + "_sum"))
                .flatMap(sample -> sample.labels().keySet().stream())
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void theDashboardQueriesWhatIsExposed() throws Exception {
        assumeTrue(StandInDriver.unavailable().isEmpty(), "without it there are no metrics of a GPU");
        Set<String> exposed = Stream.concat(Scrape.of(cameraAt).names().stream(), Scrape.of(awayAt).names().stream())
                .collect(Collectors.toSet());
        JsonNode dashboard = JSON.readTree(
                Checkout.root().resolve("docker/grafana/cuframes.json").toFile());
        Set<String> queried = new HashSet<>();
        Pattern metric = Pattern.compile("\\b(?:cuframes|jvm|process)_\\w+");
        for (String field : List.of("expr", "query", "definition")) {
            for (JsonNode query : dashboard.findValues(field)) {
                metric.matcher(query.asText()).results().forEach(found -> queried.add(found.group()));
            }
        }
        assertTrue(queried.size() > 30, "most of the metrics: " + queried);
        assertEquals(
                Set.of(),
                queried.stream().filter(name -> !exposed.contains(name)).collect(Collectors.toSet()));
        assertEquals("prometheus", dashboard.at("/templating/list/0/query").asText(), "its data source is a variable");
        assertTrue(dashboard.findValues("datasource").stream()
                .allMatch(source -> source.get("uid").asText().equals("${datasource}")));
    }
}
