package io.github.cuframes.producer.ingest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.protocol.frame.Rational;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ThinnerTest {

    private static final long MILLI = 1_000_000;

    private static Thinner to(int rate) {
        return new Thinner(new Rational(rate, 1));
    }

    private static List<Long> taken(Thinner thinner, List<Long> millis) {
        List<Long> taken = new ArrayList<>();
        for (long at : millis) {
            boolean wanted = thinner.wants(at * MILLI);
            if (thinner.take(at * MILLI)) {
                taken.add(at);
            }
            assertEquals(wanted, !taken.isEmpty() && taken.get(taken.size() - 1) == at, "asked at " + at);
        }
        return taken;
    }

    private static List<Long> every(int millis, int count) {
        return IntStream.range(0, count).mapToObj(i -> (long) i * millis).toList();
    }

    @Test
    void everyFifthOf25IsFiveASecond() {
        assertEquals(List.of(0L, 200L, 400L, 600L, 800L), taken(to(5), every(40, 25)));
    }

    @ParameterizedTest
    @CsvSource({"40, 10", "40, 24", "33, 25", "20, 15", "1000, 5", "40, 25", "40, 30"})
    void theRateIsKeptOnAverage(int distance, int rate) {
        int count = 10_000;
        int expected = Math.min(count, (int) ((long) count * distance * rate / 1000));
        assertEquals(expected, taken(to(rate), every(distance, count)).size(), 2);
    }

    @Test
    void framesThatJitterAreNotLeftOutForIt() {
        Random random = new Random(1);
        List<Long> jittering = IntStream.range(0, 1_000)
                .mapToObj(i -> 40L * i + random.nextInt(21) - 10)
                .toList();
        assertEquals(1_000, taken(to(25), jittering).size(), 1);
    }

    @Test
    void afterAGapNothingIsMadeUpFor() {
        List<Long> times = new ArrayList<>(every(40, 6));
        for (long at = 5_000; at < 6_000; at += 40) {
            times.add(at);
        }
        assertEquals(List.of(0L, 200L, 5_000L, 5_200L, 5_400L, 5_600L, 5_800L), taken(to(5), times));
    }

    @Test
    void aJumpBackAndARestartBeginAnew() {
        Thinner thinner = to(5);
        assertEquals(List.of(10_000L, 0L, 200L), taken(thinner, List.of(10_000L, 0L, 40L, 200L)));
        assertFalse(thinner.wants(240 * MILLI));
        thinner.restart();
        assertTrue(thinner.take(240 * MILLI));
        assertFalse(thinner.take(280 * MILLI));
    }

    @Test
    void framesWithoutATimeAreTaken() {
        Thinner thinner = to(5);
        assertTrue(thinner.take(0));
        assertTrue(thinner.take(FrameInfo.NO_TIME));
        assertFalse(thinner.take(40 * MILLI));
    }

    @Test
    void theRateIsTheLowerOne() {
        Rational ntsc = new Rational(30_000, 1001);
        assertEquals(ntsc, to(30).rateOf(ntsc));
        assertEquals(new Rational(5, 1), to(5).rateOf(ntsc));
        assertEquals(new Rational(5, 1), to(5).rateOf(Rational.UNKNOWN));
        assertEquals(200 * MILLI, to(5).intervalNanos());
    }
}
