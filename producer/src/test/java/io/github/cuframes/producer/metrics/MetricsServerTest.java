package io.github.cuframes.producer.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.producer.CameraSettings;
import io.github.cuframes.producer.GroupConfig;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerBuilder;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.producer.config.RenditionForm;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.testing.TestClip;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is answered over HTTP for producers of this process. */
@Timeout(60)
class MetricsServerTest {

    private static final InetSocketAddress ANY_PORT = new InetSocketAddress("127.0.0.1", 0);

    @TempDir
    Path directory;

    private final HttpClient client = HttpClient.newHttpClient();
    private final List<Producer> producers = new CopyOnWriteArrayList<>();
    private MetricsServer server;

    @BeforeEach
    void open() throws IOException {
        server = MetricsServer.open(ANY_PORT, () -> producers);
    }

    @AfterEach
    void close() {
        server.close();
        producers.forEach(Producer::close);
    }

    private ProducerBuilder builder(String key) {
        return Producer.builder(key).publish(publisher -> publisher.runDirectory(directory));
    }

    private Producer pattern(String key) throws IOException, InterruptedException {
        Producer producer =
                builder(key).testPattern(PatternSpec.parse("160x120@100")).open();
        producers.add(producer);
        while (producer.counters().published() == 0) {
            assertFalse(producer.awaitEnd(Duration.ofMillis(1)));
        }
        return producer;
    }

    private HttpResponse<String> ask(String method, String path) throws IOException, InterruptedException {
        URI uri = URI.create("http://127.0.0.1:" + server.address().getPort() + path);
        return client.send(
                HttpRequest.newBuilder(uri)
                        .method(method, HttpRequest.BodyPublishers.noBody())
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private JsonNode health(int status) throws IOException, InterruptedException {
        HttpResponse<String> answer = ask("GET", "/healthz");
        assertEquals(status, answer.statusCode(), answer.body());
        JsonNode health = new ObjectMapper().readTree(answer.body());
        assertEquals(status == 200, health.get("healthy").asBoolean());
        return health.get("cameras");
    }

    @Test
    void camerasComeAndGo() throws Exception {
        assertEquals(0, health(200).size());
        assertFalse(ask("GET", "/metrics").body().contains("cuframes_"));
        Producer first = pattern("one");
        pattern("two");
        String both = ask("GET", "/metrics").body();
        assertTrue(both.contains("cuframes_source_state{camera=\"one\",state=\"streaming\"} 1.0\n"), both);
        assertTrue(both.contains("cuframes_source_state{camera=\"two\",state=\"failed\"} 0.0\n"), both);
        assertTrue(both.contains("\n# TYPE cuframes_frames_published_total counter\n"), both);
        JsonNode cameras = health(200);
        assertEquals("streaming", cameras.get(0).get("state").asText());
        assertTrue(cameras.get(1).get("newestFrameAgeSeconds").isNumber());
        assertTrue(cameras.get(1).get("lastError").isNull());

        first.close();
        String one = ask("GET", "/metrics").body();
        assertFalse(one.contains("camera=\"one\""), one);
        assertTrue(one.contains("camera=\"two\""), one);
        assertEquals("closed", health(503).get(0).get("state").asText());
        producers.remove(first);
        assertEquals("two", health(200).get(0).get("camera").asText());
    }

    @Test
    void aFileThatEndedIsWellAndOneThatIsNotThereIsNot() throws Exception {
        Path clip = directory.resolve("clip.mp4");
        TestClip.h264(320, 240).write(clip, 10);
        Producer ended = builder("clip")
                .input(clip.toString())
                .rendition("clip.small", rendition -> rendition.size(160, 90).fps(5))
                .open();
        producers.add(ended);
        assertTrue(ended.awaitEnd(Duration.ofSeconds(30)));
        assertEquals("ended", health(200).get(0).get("state").asText());
        Producer failed = builder("none").input("/no/such.mp4").open();
        producers.add(failed);
        assertThrows(IOException.class, () -> failed.awaitEnd(Duration.ofSeconds(30)));
        JsonNode camera = health(503).get(1);
        assertEquals("failed", camera.get("state").asText());
        assertTrue(camera.get("lastError").asText().contains("/no/such.mp4"), camera.toString());
        String text = ask("GET", "/metrics").body();
        assertTrue(text.contains("cuframes_frames_decoded_total{camera=\"clip\"} 10.0\n"), text);
        assertTrue(text.contains("cuframes_frames_published_total{camera=\"clip.small\"} 1.0\n"), text);
        assertTrue(
                text.contains("cuframes_frames_dropped_total{camera=\"clip.small\",reason=\"unwanted\"} 9.0\n"), text);
        assertFalse(text.contains("cuframes_newest_frame_age_seconds{camera=\"clip.small\"}"), text);
        assertFalse(text.contains("cuframes_frames_decoded_total{camera=\"clip.small\""), "decoded once, as clip");
        assertTrue(text.contains("cuframes_source_state{camera=\"none\",state=\"failed\"} 1.0\n"), text);
        assertFalse(text.contains("cuframes_newest_frame_age_seconds{camera=\"none\"}"), text);
    }

    @Test
    void aGroupShowsAllItsCameras() throws Exception {
        Path clip = directory.resolve("clip.mp4");
        TestClip.h264(320, 240).write(clip, 25);
        CameraSettings recorded = CameraSettings.builder()
                .input(clip.toString())
                .loop(true)
                .realtime(true)
                .memory(Memory.HOST)
                .renditions(List.of(RenditionForm.parse(".small:size=80x60")))
                .recordTo(directory.resolve("recordings"))
                .build();
        CameraSettings missing = CameraSettings.builder()
                .input(directory.resolve("no.mp4").toString())
                .loop(true)
                .memory(Memory.HOST)
                .build();
        try (ProducerGroup group = ProducerGroup.builder().build();
                MetricsServer metrics = MetricsServer.open(ANY_PORT, group)) {
            server.close();
            server = metrics;
            group.apply(new GroupConfig(directory, Map.of("good", recorded, "bad", missing)));
            String text;
            do {
                assertFalse(group.awaitEnd(Duration.ofMillis(20)));
                text = ask("GET", "/metrics").body();
            } while (!text.contains("cuframes_recording_segments_total{camera=\"good\"} 1.0\n")
                    || !text.contains("cuframes_source_state{camera=\"bad\",state=\"reconnecting\"} 1.0\n"));
            assertTrue(text.contains("cuframes_frames_published_total{camera=\"good.small\"}"), text);
            assertTrue(text.contains("cuframes_recording_ok{camera=\"good\"} 1.0\n"), text);
            assertTrue(text.contains("cuframes_packet_subscribers{camera=\"good\"} 0.0\n"), text);
            Map<String, JsonNode> cameras = new HashMap<>();
            health(503).forEach(camera -> cameras.put(camera.get("camera").asText(), camera));
            assertEquals("streaming", cameras.get("good").get("state").asText());
            assertTrue(cameras.get("bad").get("lastError").asText().contains("no.mp4"), cameras.toString());
        }
        try (Stream<Path> files = Files.list(directory.resolve("recordings/good"))) {
            assertTrue(files.findAny().isPresent());
        }
    }

    @Test
    void otherRequestsAreRefused() throws Exception {
        assertEquals(404, ask("GET", "/").statusCode());
        assertEquals(404, ask("GET", "/metrics/more").statusCode());
        assertEquals(405, ask("POST", "/healthz").statusCode());
        assertEquals(200, ask("HEAD", "/healthz").statusCode());
        assertEquals("", ask("HEAD", "/metrics").body());
    }

    @Test
    void whatCannotBeListenedAtIsNamed() throws Exception {
        try (ServerSocket taken = new ServerSocket()) {
            taken.bind(ANY_PORT);
            InetSocketAddress address = new InetSocketAddress("127.0.0.1", taken.getLocalPort());
            IOException e = assertThrows(IOException.class, () -> MetricsServer.open(address, List::of));
            assertTrue(
                    e.getMessage()
                            .startsWith("metrics cannot be served at 127.0.0.1:" + taken.getLocalPort()
                                    + ": Address already in use; "),
                    e.getMessage());
        }
        IOException e = assertThrows(
                IOException.class,
                () -> MetricsServer.open(InetSocketAddress.createUnresolved("no.such.invalid", 9400), List::of));
        assertTrue(e.getMessage().contains("no.such.invalid:9400: there is no host of that name"), e.getMessage());
    }

    @Test
    void nobodyListensAfterClosing() throws Exception {
        server.close();
        server.close();
        assertThrows(ConnectException.class, () -> ask("GET", "/healthz"));
        server = MetricsServer.open(server.address(), () -> producers);
        assertEquals(200, ask("GET", "/healthz").statusCode());
    }
}
