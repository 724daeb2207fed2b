package io.github.cuframes.tests.record;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.cuframes.tests.Await;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;

/**
 * Debian's Chromium without a screen, which plays a segment in a page. Where it is not installed, the test is skipped, or fails
 * if the environment has {@code CUFRAMES_REQUIRE_BROWSER=1}, as in continuous integration.
 */
final class Browser {

    private static final String REQUIRE = "CUFRAMES_REQUIRE_BROWSER";

    private static final String PAGE = """
            <!DOCTYPE html><video id="v" muted autoplay src="/segment.mp4"></video><script>
            const tell = what => fetch('/told?' + what + ',' + v.videoWidth + 'x' + v.videoHeight + ','
                + (v.currentTime > 0) + ',' + (v.error ? v.error.message : ''));
            v.onended = () => tell('ended'); v.onerror = () => tell('error');
            </script>""";

    private Browser() {}

    static void assertPlays(Path segment, int width, int height) throws Exception {
        Path chromium = Path.of("/usr/bin/chromium");
        if (!Files.isExecutable(chromium)) {
            Assertions.assertNotEquals("1", System.getenv(REQUIRE), REQUIRE + "=1, but there is no " + chromium);
            Assumptions.abort("no " + chromium + "; on Debian: apt-get install chromium");
        }
        CompletableFuture<String> told = new CompletableFuture<>();
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> answer(exchange, segment, told));
        server.start();
        Path profile = Files.createTempDirectory("cuframes-browser");
        Process browser = new ProcessBuilder(
                        chromium.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--autoplay-policy=no-user-gesture-required",
                        "--remote-debugging-port=0", // without one, headless ends when the page is loaded
                        "--user-data-dir=" + profile,
                        "http://127.0.0.1:" + server.getAddress().getPort() + "/")
                .redirectErrorStream(true)
                .redirectOutput(profile.resolve("log").toFile())
                .start();
        try {
            Assertions.assertEquals(
                    "ended," + width + "x" + height + ",true,", told.get(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS));
        } finally {
            List<ProcessHandle> helpers = browser.descendants().toList();
            browser.destroyForcibly().waitFor();
            helpers.forEach(ProcessHandle::destroyForcibly);
            helpers.forEach(helper -> helper.onExit().join());
            server.stop(0);
            delete(profile);
        }
    }

    private static void answer(HttpExchange exchange, Path segment, CompletableFuture<String> told) throws IOException {
        try (exchange) {
            byte[] body = new byte[0];
            switch (exchange.getRequestURI().getPath()) {
                case "/" -> {
                    exchange.getResponseHeaders().add("Content-Type", "text/html; charset=utf-8");
                    body = PAGE.getBytes(StandardCharsets.UTF_8);
                }
                case "/segment.mp4" -> {
                    exchange.getResponseHeaders().add("Content-Type", "video/mp4");
                    body = Files.readAllBytes(segment);
                }
                case "/told" -> told.complete(exchange.getRequestURI().getQuery());
                default -> {
                    exchange.sendResponseHeaders(404, -1);
                    return;
                }
            }
            exchange.sendResponseHeaders(200, body.length == 0 ? -1 : body.length);
            exchange.getResponseBody().write(body);
        }
    }

    private static void delete(Path directory) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(directory)) {
            files = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }
}
