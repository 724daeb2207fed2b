package io.github.cuframes.producer.ingest;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.InputException.Kind;
import io.github.cuframes.producer.testing.StubServer;
import io.github.cuframes.producer.testing.TestClip;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class InputFailureTest {

    private static final Duration LONG = Duration.ofMinutes(5);

    @TempDir
    Path directory;

    @Test
    void unknownHost() {
        InputException e = failure("rtsp://admin:hunter2@no-such-camera.invalid/stream");
        assertEquals(Kind.UNKNOWN_HOST, e.kind());
        assertTrue(e.isRetryable());
        assertTrue(e.getMessage().contains("no-such-camera.invalid"), e.getMessage());
        assertNoSecret(e);
    }

    @Test
    void refusedPort() {
        InputException e = failure("rtsp://admin:hunter2@127.0.0.1:1/stream");
        assertEquals(Kind.REFUSED, e.kind());
        assertTrue(e.isRetryable());
        assertNoSecret(e);
    }

    @Test
    void wrongCredentials() throws Exception {
        try (StubServer server = StubServer.answering(request -> "RTSP/1.0 401 Unauthorized\r\nCSeq: "
                + cseq(request)
                + "\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n")) {
            InputException e = failure("rtsp://admin:hunter2@127.0.0.1:" + server.port() + "/stream");
            assertEquals(Kind.UNAUTHORIZED, e.kind());
            assertFalse(e.isRetryable());
            assertTrue(e.getMessage().contains("USER:PASSWORD"), e.getMessage());
            assertNoSecret(e);
        }
    }

    @Test
    void noSuchStream() throws Exception {
        try (StubServer server =
                StubServer.answering(request -> "RTSP/1.0 404 Not Found\r\nCSeq: " + cseq(request) + "\r\n\r\n")) {
            InputException e = failure("rtsp://127.0.0.1:" + server.port() + "/stream");
            assertEquals(Kind.NOT_FOUND, e.kind());
            assertTrue(e.isRetryable());
        }
    }

    @Test
    void aServerThatSaysNothing() throws Exception {
        try (StubServer server = StubServer.silent()) {
            SourceOptions options = SourceOptions.of(SafeUrl.of("rtsp://127.0.0.1:" + server.port() + "/stream"))
                    .withTimeouts(Duration.ofMillis(300), LONG);
            InputException e = assertThrows(InputException.class, () -> open(options));
            assertEquals(Kind.TIMED_OUT, e.kind());
            assertTrue(e.getMessage().contains("within 300 ms"), e.getMessage());
        }
    }

    @Test
    void openingIsInterruptedFromAnotherThread() throws Exception {
        try (StubServer server = StubServer.silent()) {
            SourceOptions options = SourceOptions.of(SafeUrl.of("rtsp://127.0.0.1:" + server.port() + "/stream"))
                    .withTimeouts(LONG, LONG);
            Source source = new Source(options);
            CompletableFuture<Void> opening = CompletableFuture.runAsync(() -> {
                try {
                    source.open();
                } catch (InputException e) {
                    throw new java.util.concurrent.CompletionException(e);
                }
            });
            assertTrue(server.awaitConnection(Duration.ofSeconds(20)));
            source.interrupt();
            ExecutionException e = assertThrows(ExecutionException.class, () -> opening.get(20, TimeUnit.SECONDS));
            assertEquals(Kind.INTERRUPTED, ((InputException) e.getCause()).kind());
            source.close();
        }
    }

    @Test
    void readingIsEndedByClosingFromAnotherThread() throws Exception {
        byte[] clip = Files.readAllBytes(TestClip.h264(320, 240).write(directory.resolve("a.ts"), 40));
        // no length: the client cannot know that nothing follows
        try (StubServer server = StubServer.serving(clip)) {
            SourceOptions options = SourceOptions.of(SafeUrl.of("http://127.0.0.1:" + server.port() + "/a.ts"))
                    .withTimeouts(LONG, LONG);
            Source source = new Source(options);
            CompletableFuture<Kind> reading = CompletableFuture.supplyAsync(() -> {
                try {
                    source.open();
                    readAll(source);
                    return null;
                } catch (InputException e) {
                    return e.kind();
                }
            });
            assertTrue(server.awaitSent(Duration.ofSeconds(20)));
            source.close();
            assertEquals(Kind.INTERRUPTED, reading.get(20, TimeUnit.SECONDS));
        }
    }

    @Test
    void noPacketBeforeTheDeadline() throws Exception {
        byte[] clip = Files.readAllBytes(TestClip.h264(320, 240).write(directory.resolve("a.ts"), 40));
        try (StubServer server = StubServer.serving(clip)) {
            SourceOptions options = SourceOptions.of(SafeUrl.of("http://127.0.0.1:" + server.port() + "/a.ts"))
                    .withTimeouts(Duration.ofSeconds(2), Duration.ofMillis(300));
            InputException e = assertThrows(InputException.class, () -> readAll(open(options)));
            assertEquals(Kind.TIMED_OUT, e.kind());
            assertTrue(e.isRetryable());
        }
    }

    @Test
    void missingFile() {
        InputException e = failure(directory.resolve("missing.mp4").toString());
        assertEquals(Kind.NOT_FOUND, e.kind());
        assertFalse(e.isRetryable());
    }

    @Test
    void directoryInsteadOfAFile() {
        assertEquals(Kind.NOT_MEDIA, failure(directory.toString()).kind());
    }

    @ParameterizedTest
    @ValueSource(strings = {"notes.txt", "notes.mp4", "notes", "notes.h264"})
    void notMedia(String name) throws Exception {
        Path file = directory.resolve(name);
        Files.writeString(file, "This is a text about cameras.\n".repeat(200));
        InputException e = failure(file.toString());
        assertEquals(Kind.NOT_MEDIA, e.kind(), e.getMessage());
    }

    @Test
    void emptyFile() throws Exception {
        Path file = directory.resolve("empty.mp4");
        Files.createFile(file);
        InputException e = failure(file.toString());
        assertTrue(e.kind() == Kind.NOT_MEDIA || e.kind() == Kind.TRUNCATED, e.getMessage());
    }

    @Test
    void soundOnly() throws Exception {
        Path file = directory.resolve("sound.wav");
        Files.write(file, wave());
        InputException e = failure(file.toString());
        assertEquals(Kind.NO_VIDEO, e.kind());
    }

    @Test
    void fileCutInItsIndex() throws Exception {
        Path whole = TestClip.h264(320, 240).write(directory.resolve("whole.mp4"), 40);
        Path cut = cut(whole, 0.7);
        InputException e = failure(cut.toString());
        assertEquals(Kind.TRUNCATED, e.kind(), e.getMessage());
        assertFalse(e.isRetryable());
    }

    @ParameterizedTest
    @ValueSource(strings = {"mkv", "avi"})
    void fileCutInTheMiddle(String container) throws Exception {
        Path whole = TestClip.h264(320, 240).write(directory.resolve("whole." + container), 40);
        Source source = open(SourceOptions.of(SafeUrl.of(cut(whole, 0.7).toString())));
        InputException e = assertThrows(InputException.class, () -> readAll(source));
        assertEquals(Kind.TRUNCATED, e.kind(), e.getMessage());
    }

    @Test
    void unknownScheme() {
        InputException e = failure("gopher2://camera.invalid:1/stream");
        assertTrue(e.kind() == Kind.UNSUPPORTED_PROTOCOL, e.getMessage());
    }

    private InputException failure(String url) {
        SourceOptions options = SourceOptions.of(SafeUrl.of(url)).withTimeouts(Duration.ofSeconds(20), LONG);
        return assertThrows(InputException.class, () -> open(options));
    }

    private static Source open(SourceOptions options) throws InputException {
        Source source = new Source(options);
        source.open();
        return source;
    }

    private static int readAll(Source source) throws InputException {
        Ffmpeg.load();
        AVPacket packet = av_packet_alloc();
        int count = 0;
        try (source) {
            while (source.read(packet) == Source.Read.PACKET) {
                count++;
                av_packet_unref(packet);
            }
        } finally {
            av_packet_free(packet);
        }
        return count;
    }

    private Path cut(Path whole, double part) throws Exception {
        byte[] bytes = Files.readAllBytes(whole);
        Path file = directory.resolve("cut-" + whole.getFileName());
        Files.write(file, Arrays.copyOf(bytes, (int) (part * bytes.length)));
        return file;
    }

    private static byte[] wave() throws Exception {
        int samples = 8000;
        ByteBuffer header = ByteBuffer.allocate(44).order(ByteOrder.LITTLE_ENDIAN);
        header.put("RIFF".getBytes(US_ASCII)).putInt(36 + 2 * samples).put("WAVEfmt ".getBytes(US_ASCII));
        header.putInt(16).putShort((short) 1).putShort((short) 1).putInt(8000).putInt(16_000);
        header.putShort((short) 2)
                .putShort((short) 16)
                .put("data".getBytes(US_ASCII))
                .putInt(2 * samples);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(header.array());
        bytes.write(new byte[2 * samples]);
        return bytes.toByteArray();
    }

    private static String cseq(String request) {
        return request.lines()
                .filter(line -> line.startsWith("CSeq:"))
                .map(line -> line.substring(5).strip())
                .findFirst()
                .orElse("0");
    }

    private static void assertNoSecret(Throwable thrown) {
        for (Throwable t = thrown; t != null; t = t.getCause()) {
            assertFalse(t.toString().contains("hunter2") || t.toString().contains("admin"), t.toString());
        }
    }
}
