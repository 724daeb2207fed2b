package io.github.cuframes.subscriber.cli.top;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TopTableTest {

    private static final int COLUMNS = 80;
    private static final LocalTime NOON = LocalTime.of(12, 0);
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private static StreamRow stream(String key, Double fps, Long age, List<SubscriberRow> subscribers) {
        return new StreamRow(
                key,
                null,
                "reconnecting",
                3840,
                2160,
                "yuv420p",
                "host",
                fps,
                age,
                12,
                40,
                1234L << 20,
                99_999,
                1_000_000,
                3,
                "1",
                4_194_304,
                subscribers);
    }

    private static SubscriberRow subscriber(String name, Double fps, Long seen) {
        return new SubscriberRow(1, name, 4_194_304, 65_534, "lossless", fps, 99_999L, 64, 64, 1, 9_999_999, seen);
    }

    @Test
    void usualRowsFitIntoEightyColumns() {
        List<String> lines = TopTable.lines(
                List.of(stream(
                        "front-entrance", 120.0, 59_900L, List.of(subscriber("detector-of-cars", 120.0, 59_900L)))),
                NOON);
        assertEquals(
                List.of(
                        "cuframes top  12:00:00  streams: 1, subscribers: 1, frames: 1234.0 MB",
                        "",
                        "KEY            STATE        SIZE      FORMAT    FPS   AGE SLOTS   MB SUBS  LOST",
                        "front-entrance reconnecting 3840x2160 yuv420p 120.0 59.9s 12/40 1234    1 99999",
                        "",
                        "front-entrance",
                        "  SUBSCRIBER           PID   UID MODE       FPS   LAG  HELD DROPPED  SEEN",
                        "  detector-of-cars 4194304 65534 lossless 120.0 99999 64/64 9999999 59.9s"),
                lines);
        assertTrue(lines.stream().allMatch(line -> line.length() <= COLUMNS));
    }

    @Test
    void whatIsNotKnownIsADash() {
        List<String> lines = TopTable.lines(
                List.of(
                        stream("cam1", null, null, List.of(subscriber("", null, null))),
                        StreamRow.unknown("cam2", "no producer answers at /run/cuframes/cam2.sock")),
                NOON);
        assertEquals("cam1           reconnecting 3840x2160 yuv420p     -     - 12/40 1234    1 99999", lines.get(3));
        assertEquals("cam2           no producer answers at /run/cuframes/cam2.sock", lines.get(4));
        assertEquals("  -                4194304 65534 lossless     - 99999 64/64 9999999     -", lines.get(8));
    }

    @ParameterizedTest
    @CsvSource({
        "0,0ms",
        "999,999ms",
        "1000,1.0s",
        "59900,59.9s",
        "60000,1m",
        "3599999,59m",
        "3600000,1h",
        "90000000,25h"
    })
    void agesHaveAUnit(long millis, String text) {
        assertEquals(text, TopTable.age(millis));
    }

    @Test
    void ratesAreBetweenTwoLooksAtOnePublisher() {
        Sample first = new Sample(10 * SECOND, 7, 100, Map.of(1L, 50L));
        Sample second = new Sample(12 * SECOND, 7, 150, Map.of(1L, 60L, 2L, 5L));
        assertEquals(25.0, second.framesPerSecond(first));
        assertEquals(5.0, second.framesPerSecond(first, 1));
        assertNull(second.framesPerSecond(first, 2), "was not there before");
        assertNull(first.framesPerSecond(null), "the first look");
        Sample other = new Sample(14 * SECOND, 8, 10, Map.of(1L, 3L));
        assertNull(other.framesPerSecond(second), "another publisher");
        assertNull(other.framesPerSecond(second, 1));
    }
}
