package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.frame.FrameFlag;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** What needs no publisher. */
class SmallPartsTest {

    private static final long MILLI = 1_000_000;

    @Test
    void attemptsBecomeRarerUpToOneASecond() {
        Backoff backoff = new Backoff(100);
        assertEquals(0, backoff.remaining(100));
        long now = 0;
        for (int expected : new int[] {50, 100, 200, 400, 800, 1000, 1000}) {
            backoff.failed(now);
            assertEquals(expected * MILLI, backoff.remaining(now));
            now += expected * MILLI;
            assertEquals(0, backoff.remaining(now));
        }
        backoff.succeeded();
        backoff.failed(now);
        assertEquals(50 * MILLI, backoff.remaining(now));
        backoff.refused(now);
        assertEquals(1000 * MILLI, backoff.remaining(now));
    }

    @Test
    void aBackoffWorksWhereTheClockWraps() {
        Backoff backoff = new Backoff(Long.MAX_VALUE - 1);
        backoff.failed(Long.MAX_VALUE - 1);
        assertEquals(50 * MILLI, backoff.remaining(Long.MAX_VALUE - 1));
        assertTrue(backoff.remaining(Long.MAX_VALUE - 1 + 51 * MILLI) < 0);
    }

    @Test
    void connectingWaitsBetweenAttempts() {
        long[] now = {0};
        int[] waits = {0};
        Ticker ticker = new Ticker() {
            @Override
            public long nanoTime() {
                return now[0];
            }

            @Override
            public void await(CountDownLatch closed, long nanos) {
                waits[0]++;
                now[0] += nanos;
            }
        };
        assertThrows(SubscriberException.class, () -> Subscriber.builder("nobody")
                .runDirectory(java.nio.file.Path.of("/proc"))
                .ticker(ticker)
                .connectTimeout(Duration.ofSeconds(5))
                .connect());
        // 50 + 100 + 200 + 400 + 800 ms, then each second up to 5 s
        assertEquals(9, waits[0]);
        assertEquals(5_000 * MILLI, now[0]);
    }

    @Test
    void countsWhatIsMissing() {
        Counters counters = new Counters();
        assertFalse(counters.returned(1, 10, 3, false));
        assertFalse(counters.returned(1, 11, 3, false));
        assertTrue(counters.returned(1, 20, 4, false), "one of those skipped had the flag");
        assertEquals(new SubscriberStatistics(3, 8, 1, 0, 0), counters.snapshot(0));
        // the counter was ahead: the flag of the frame itself is not counted again, but it is that frame which is
        // broken
        counters.taken(FrameFlag.DISCONTINUITY.bit());
        assertTrue(counters.returned(1, 21, 4, false));
        // the counter is ahead of a queue in order: it waits for the flag
        assertFalse(counters.returned(1, 22, 9, true));
        assertTrue(counters.returned(2, 5, 0, false), "another publisher");
        assertEquals(new SubscriberStatistics(6, 8, 2, 0, 0), counters.snapshot(0));
    }

    @Test
    void breaksAreSeenAlsoWhereTheCounterWasAheadOfTheFirstFrame() {
        Counters counters = new Counters();
        assertFalse(counters.returned(1, 10, 1, true), "the break is on the next frame, and was published already");
        counters.taken(FrameFlag.DISCONTINUITY.bit());
        assertTrue(counters.returned(1, 11, 1, true));
        assertTrue(counters.returned(1, 15, 2, true), "one of those skipped had the flag");
        assertFalse(counters.returned(1, 16, 2, true));
        assertEquals(2, counters.snapshot(0).gaps());
    }

    @Test
    void framesAreKnownThatWereHadBefore() {
        Counters counters = new Counters();
        assertFalse(counters.had(1, 10));
        counters.returned(1, 10, 0, true);
        assertTrue(counters.had(1, 9));
        assertTrue(counters.had(1, 10));
        assertFalse(counters.had(1, 11));
        assertFalse(counters.had(2, 10), "of another publisher");
    }

    @Test
    void policiesAreReadAndChecked() {
        assertEquals(DeliveryPolicy.latest(), DeliveryPolicy.parse("latest"));
        assertEquals(DeliveryPolicy.lossless(), DeliveryPolicy.parse("lossless"));
        assertEquals(DeliveryPolicy.fifo(7), DeliveryPolicy.parse("fifo:7"));
        assertEquals("fifo:7", DeliveryPolicy.fifo(7).toString());
        for (String wrong : new String[] {"", "newest", "fifo", "fifo:0", "fifo:64", "fifo:-1", "latest:2"}) {
            assertThrows(IllegalArgumentException.class, () -> DeliveryPolicy.parse(wrong), wrong);
        }
    }

    @Test
    void settingsAreChecked() {
        assertThrows(IllegalArgumentException.class, () -> Subscriber.builder("a/b"));
        assertThrows(IllegalArgumentException.class, () -> Subscriber.builder(".."));
        SubscriberBuilder builder = Subscriber.builder("a");
        assertThrows(IllegalArgumentException.class, () -> builder.credits(65));
        assertThrows(IllegalArgumentException.class, () -> builder.credits(-1));
        assertThrows(IllegalArgumentException.class, () -> builder.name("x".repeat(49)));
        assertThrows(IllegalArgumentException.class, () -> builder.name(""));
        assertThrows(IllegalArgumentException.class, () -> builder.spin(Duration.ofNanos(-1)));
        assertThrows(IllegalArgumentException.class, () -> builder.connectTimeout(Duration.ofNanos(-1)));
        assertEquals(Long.MAX_VALUE / 2, Connector.toNanos(Duration.ofSeconds(Long.MAX_VALUE)));
    }
}
