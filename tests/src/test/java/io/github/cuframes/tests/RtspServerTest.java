package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The camera of the other tests is one that can be relied on. */
@Tag("slow")
@Timeout(120)
class RtspServerTest {

    private static CodeReader open(String url, String transport) throws IOException {
        return new CodeReader(url, Map.of("rtsp_transport", transport, "timeout", "20000000"));
    }

    private static void expect(CodeReader reader, int tag, int from, int to) throws IOException {
        for (int number = from; number < to; number++) {
            assertTrue(reader.next(), "the stream ends before frame " + number);
            long code = reader.code();
            assertEquals((long) tag << 32 | number, code, () -> FrameCode.describe(code));
        }
    }

    @ParameterizedTest
    @CsvSource({"pattern-h264, 1, tcp", "pattern-h264, 1, udp", "pattern-hevc, 2, tcp", "pattern-hevc, 2, udp"})
    void playsAClipFromItsFirstFrame(String clip, int tag, String transport) throws Exception {
        try (RtspServer server = RtspServer.builder()
                        .mount("/cam1", Checkout.clip(clip))
                        .protocol(transport)
                        .start();
                CodeReader reader = open(server.url("/cam1"), transport)) {
            long start = System.nanoTime();
            expect(reader, tag, 0, 60);
            // paced: what was read ahead to open the stream is a small part of these 2.4 s
            assertTrue(System.nanoTime() - start > 500_000_000L, "live, not at once");
        }
    }

    @Test
    void eachClientHasASessionOfItsOwn() throws Exception {
        try (RtspServer server = RtspServer.builder()
                        .mount("/cam1", Checkout.clip("pattern-h264"))
                        .mount("/cam2", Checkout.clip("pattern-1080p-h264"))
                        .start();
                CodeReader first = open(server.url("/cam1"), "tcp")) {
            expect(first, 1, 0, 25);
            try (CodeReader second = open(server.url("/cam1"), "tcp");
                    CodeReader third = open(server.url("/cam2"), "tcp")) {
                expect(second, 1, 0, 10);
                expect(third, 3, 0, 10);
                assertEquals("1920x1080", third.size());
            }
            expect(first, 1, 25, 50);
        }
    }

    @ParameterizedTest
    @CsvSource({"tcp", "udp"})
    void loopsWithTimesThatGoOn(String transport) throws Exception {
        int length = 100;
        try (RtspServer server = RtspServer.builder()
                        .mount("/cam1", Checkout.clip("pattern-1080p-h264"))
                        .loop()
                        .start();
                CodeReader reader = open(server.url("/cam1"), transport)) {
            long before = 0;
            for (int i = 0; i < 2 * length + 20; i++) {
                assertTrue(reader.next());
                assertEquals(i % length, FrameCode.number(reader.code()), "number of picture " + i);
                if (i > 1) {
                    // the first pts may be a guess of the demuxer's
                    assertEquals(40, reader.ptsMillis() - before, 1, "from picture " + (i - 1) + " to the next");
                }
                before = reader.ptsMillis();
            }
            assertEquals(
                    System.currentTimeMillis() / 1e3, reader.wallClockMicros() / 1e6, 60, "wall clock of the reports");
        }
    }

    @Test
    void endsWithTheClip() throws Exception {
        try (RtspServer server = RtspServer.builder()
                        .mount("/cam1", Checkout.clip("pattern-h264"))
                        .frames(30)
                        .start();
                CodeReader reader = open(server.url("/cam1"), "tcp")) {
            expect(reader, 1, 0, 30);
            assertFalse(reader.next());
        }
    }

    @Test
    void asksForTheLogin() throws Exception {
        try (RtspServer server = RtspServer.builder()
                .mount("/cam1", Checkout.clip("pattern-h264"))
                .login("viewer", "secret")
                .start()) {
            IOException refused = assertThrows(
                    IOException.class, () -> open(server.url("/cam1"), "tcp").close());
            assertTrue(refused.getMessage().contains("401"), refused.getMessage());
            String wrong = server.urlWithLogin("/cam1").replace("secret", "guess");
            assertThrows(IOException.class, () -> open(wrong, "tcp").close());
            try (CodeReader reader = open(server.urlWithLogin("/cam1"), "tcp")) {
                expect(reader, 1, 0, 5);
            }
        }
    }

    @Test
    void comesBackOnTheSamePort() throws Exception {
        try (RtspServer server = RtspServer.builder()
                .mount("/cam1", Checkout.clip("pattern-h264"))
                .start()) {
            int port = server.port();
            try (CodeReader reader = open(server.url("/cam1"), "tcp")) {
                expect(reader, 1, 0, 5);
                server.kill();
                assertThrows(IOException.class, () -> open(server.url("/cam1"), "tcp")
                        .close());
            }
            server.restart();
            assertEquals(port, server.port());
            try (CodeReader reader = open(server.url("/cam1"), "tcp")) {
                expect(reader, 1, 0, 5);
                assertEquals(0, server.stop(), "exit status after SIGTERM, with a client connected");
            }
        }
    }

    @Test
    void saysWhyItDoesNotStart() {
        IOException e = assertThrows(IOException.class, () -> RtspServer.builder()
                .mount("/cam1", Checkout.root().resolve("no-such-clip.mp4"))
                .start()
                .close());
        assertTrue(e.getMessage().contains("no-such-clip.mp4: no such file"), e.getMessage());
    }
}
