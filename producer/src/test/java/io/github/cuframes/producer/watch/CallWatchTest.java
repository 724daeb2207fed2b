package io.github.cuframes.producer.watch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CallWatchTest {

    private static final long SECOND = 1_000_000_000L;

    private final CallWatch watch = new CallWatch(new CallLimits(Duration.ofSeconds(10))
            .with(NativeCall.FILTER, Duration.ofSeconds(40))
            .without(NativeCall.READ));

    @Test
    void aCallIsOverdueWhenItWasSeenForItsLimit() {
        assertFalse(watch.isOverdue(0), "no call");
        watch.enter(NativeCall.SEND);
        assertFalse(watch.isOverdue(100 * SECOND), "seen for the first time");
        assertFalse(watch.isOverdue(110 * SECOND - 1));
        assertTrue(watch.isOverdue(110 * SECOND));
        watch.exit();
        assertFalse(watch.isOverdue(111 * SECOND));
        assertFalse(watch.isOverdue(200 * SECOND), "no call for a long time");
    }

    @Test
    void eachCallCountsByItself() {
        for (int second = 0; second < 100; second += 6) {
            watch.enter(NativeCall.SEND);
            assertFalse(watch.isOverdue(second * SECOND), "call at " + second);
            assertFalse(watch.isOverdue((second + 5) * SECOND), "call at " + second);
            watch.exit();
        }
    }

    @Test
    void callsHaveLimitsOfTheirOwn() {
        watch.enter(NativeCall.FILTER);
        assertFalse(watch.isOverdue(0));
        assertFalse(watch.isOverdue(39 * SECOND));
        assertTrue(watch.isOverdue(40 * SECOND));
        watch.exit();
        watch.enter(NativeCall.READ);
        assertFalse(watch.isOverdue(50 * SECOND));
        assertFalse(watch.isOverdue(100_000 * SECOND), "a pipe's writer may be silent");
        watch.exit();
    }

    @Test
    void aCallWithinACallIsPartOfIt() {
        watch.enter(NativeCall.SEND);
        assertFalse(watch.isOverdue(0));
        watch.enter(NativeCall.COPY);
        watch.exit();
        assertTrue(watch.isOverdue(10 * SECOND));
        assertTrue(watch.describe(10 * SECOND).startsWith(NativeCall.SEND.description()), watch.describe(10 * SECOND));
        assertTrue(watch.abandon());
        watch.enter(NativeCall.COPY);
        watch.exit(); // nothing is thrown through the outer call
        assertThrows(AbandonedException.class, watch::exit);
    }

    @Test
    void whoWasGivenUpLearnsItOnceAndStaysSo() {
        watch.enter(NativeCall.SEND);
        watch.isOverdue(0);
        assertTrue(watch.isOverdue(10 * SECOND));
        assertTrue(watch.abandon());
        assertFalse(watch.abandon(), "once");
        assertThrows(AbandonedException.class, watch::exit);
        watch.enter(NativeCall.CLOSE_DECODER); // it frees what is its own, without another word
        assertFalse(watch.isOverdue(11 * SECOND));
        assertFalse(watch.isOverdue(99 * SECOND));
        watch.exit();
    }

    @Test
    void aCallThatReturnedIsNotGivenUp() {
        watch.enter(NativeCall.SEND);
        watch.isOverdue(0);
        assertTrue(watch.isOverdue(10 * SECOND));
        watch.exit();
        assertFalse(watch.abandon());
        watch.enter(NativeCall.SEND);
        assertFalse(watch.abandon(), "this is another call");
        watch.exit();
    }

    @Test
    void eitherTheCallReturnsOrItIsGivenUp() throws Exception {
        for (int i = 0; i < 2_000; i++) {
            CallWatch raced = new CallWatch(new CallLimits(Duration.ofNanos(1)));
            raced.enter(NativeCall.SEND);
            raced.isOverdue(0);
            boolean[] given = new boolean[1];
            Thread monitor = new Thread(() -> given[0] = raced.abandon());
            monitor.start();
            boolean thrown = false;
            try {
                raced.exit();
            } catch (AbandonedException e) {
                thrown = true;
            }
            monitor.join();
            assertEquals(given[0], thrown, "round " + i);
        }
    }

    @Test
    void timeInWhichTheProcessWasStoppedDoesNotCount() {
        Watchdog watchdog = new Watchdog(0);
        List<Long> times = new ArrayList<>();
        watchdog.add(times::add);
        long period = Watchdog.PERIOD.toNanos();
        watchdog.check(period);
        watchdog.check(2 * period);
        watchdog.check(2 * period + 3600 * SECOND);
        watchdog.check(3 * period + 3600 * SECOND);
        assertEquals(List.of(period, 2 * period, 4 * period, 5 * period), times);
    }

    @Test
    void oneThatFailsDoesNotKeepTheOthersFromBeingLookedAfter() {
        Watchdog watchdog = new Watchdog(0);
        List<Long> times = new ArrayList<>();
        Watchdog.Watched failing = nanos -> {
            throw new IllegalStateException("on purpose");
        };
        watchdog.add(failing);
        watchdog.add(times::add);
        watchdog.check(1);
        watchdog.check(2);
        assertEquals(List.of(1L, 2L), times);
    }
}
