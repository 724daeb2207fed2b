package io.github.cuframes.producer.ingest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.testing.ManualClock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Time tables and names: nothing here needs FFmpeg. */
class PureLogicTest {

    @Test
    void backoffDoublesUpToTheLongest() {
        RandomGenerator unlucky = () -> 0; // nextDouble is 0: nothing is taken off
        Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(15), unlucky);
        for (long millis : new long[] {500, 1000, 2000, 4000, 8000, 15_000, 15_000}) {
            assertEquals(millis * 1_000_000, backoff.nextNanos());
        }
        for (int i = 0; i < 100; i++) {
            assertEquals(15_000_000_000L, backoff.nextNanos());
        }
        backoff.reset();
        assertEquals(500_000_000, backoff.nextNanos());
    }

    @Test
    void backoffIsQuickAtFirstWhereThatIsWanted() {
        Backoff backoff = new Backoff(Duration.ofMillis(500), Duration.ofSeconds(15), 3, () -> 0);
        for (int round = 0; round < 2; round++) {
            for (long millis : new long[] {500, 500, 500, 1000, 2000, 4000, 8000, 15_000, 15_000}) {
                assertEquals(millis * 1_000_000, backoff.nextNanos());
            }
            backoff.reset();
        }
    }

    @Test
    void backoffIsShortenedByAHalfAtMost() {
        RandomGenerator lucky = () -> -1L; // nextDouble is almost 1
        Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(1), lucky);
        assertEquals(500_000_000, backoff.nextNanos(), 2);
    }

    @Test
    void pacingGivesUpTimeThatIsLost() throws Exception {
        ManualClock clock = new ManualClock();
        CountDownLatch stop = new CountDownLatch(1);
        Pacer pacer = new Pacer(clock);
        assertTrue(pacer.pace(0, stop));
        assertTrue(pacer.pace(40_000_000, stop));
        clock.advance(100_000_000);
        assertTrue(pacer.pace(80_000_000, stop)); // late by a little: at once, and what follows is caught up with
        assertEquals(List.of(40_000_000L), clock.waits());
        clock.advance(10_000_000_000L);
        assertTrue(pacer.pace(120_000_000, stop)); // late by far: the scale starts here
        assertTrue(pacer.pace(160_000_000, stop));
        assertEquals(List.of(40_000_000L, 40_000_000L), clock.waits());
        stop.countDown();
        assertFalse(pacer.pace(200_000_000, stop));
    }

    @Test
    void timeIsBrokenByStepsBackAndLeaps() {
        Continuity continuity = new Continuity();
        assertFalse(continuity.isBrokenBy(0));
        assertFalse(continuity.isBrokenBy(40_000_000));
        assertFalse(continuity.isBrokenBy(FrameInfo.NO_TIME));
        assertFalse(continuity.isBrokenBy(900_000_000));
        assertTrue(continuity.isBrokenBy(860_000_000));
        assertTrue(continuity.isBrokenBy(9_000_000_000L));
        continuity.restart();
        assertFalse(continuity.isBrokenBy(0));
    }

    @Test
    void aFrameEveryTwoSecondsIsNoGap() {
        Continuity continuity = new Continuity();
        assertFalse(continuity.isBrokenBy(0));
        for (long seconds = 2; seconds < 20; seconds += 2) {
            assertFalse(continuity.isBrokenBy(seconds * 1_000_000_000L), seconds + " s");
        }
        assertTrue(continuity.isBrokenBy(40_000_000_000L));
    }

    @ParameterizedTest
    @CsvSource({
        "rtsp://admin:pass@cam:554/s, rtsp://***@cam:554/s, cam",
        "rtsp://admin@cam/s, rtsp://***@cam/s, cam",
        "rtsp://a:p@ss@cam/s, rtsp://***@cam/s, cam",
        "rtsp://a:p/ss@cam/s, rtsp://***@cam/s, a",
        "rtsp://cam:554/s@1, rtsp://cam:554/s@1, cam",
        "rtsp://cam/user=admin&password=pass&channel=1, rtsp://cam/user=***&password=***&channel=1, cam",
        "http://cam/v?token=pass&x=1, http://cam/v?token=***&x=1, cam",
        "rtsp://a:p@[fe80::1]:554/s, rtsp://***@[fe80::1]:554/s, fe80::1",
        "RTSP://a:p@cam, RTSP://***@cam, cam",
    })
    void urlsPrintWithoutCredentials(String url, String printed, String host) {
        SafeUrl safe = SafeUrl.of(url);
        assertEquals(printed, safe.toString());
        assertEquals(host, safe.host());
        assertEquals(url, safe.reveal());
        assertTrue(safe.equals(SafeUrl.of(url)) && !safe.equals(SafeUrl.of(url + "x")));
    }

    @Test
    void pathsAreFiles() {
        for (String path : List.of("clip.mp4", "/a b/clip:1.mp4", "file:///tmp/clip.mp4")) {
            SafeUrl url = SafeUrl.of(path);
            assertTrue(url.isFile() && !url.isLive());
            assertEquals(path, url.toString());
        }
        assertEquals("file:/tmp/clip.mp4", SafeUrl.of("file:///tmp/clip.mp4").reveal());
    }

    @Test
    void nonsenseIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> SafeUrl.of(" "));
        assertThrows(IllegalArgumentException.class, () -> SafeUrl.of("rtsp://cam/\r\nX: y"));
        SourceOptions options = SourceOptions.of(SafeUrl.of("rtsp://cam/"));
        IllegalArgumentException e = assertThrows(
                IllegalArgumentException.class, () -> options.withTimeouts(Duration.ZERO, Duration.ofSeconds(1)));
        assertTrue(e.getMessage().contains("PT0S"));
        assertThrows(
                IllegalArgumentException.class,
                () -> new Backoff(Duration.ofSeconds(2), Duration.ofSeconds(1), RandomGenerator.getDefault()));
    }
}
