package io.github.cuframes.producer.ingest;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before each attempt to reconnect: doubling from the first wait to the longest, each shortened at
 * random by up to a half, so that many cameras behind one switch do not come back in step. Not thread-safe.
 */
public final class Backoff {

    private final long firstNanos;
    private final long longestNanos;
    private final RandomGenerator random;
    private int attempts;

    /**
     * A schedule.
     *
     * @param first the first wait before it is shortened
     * @param longest the wait is never longer
     * @param random where the shortening comes from
     */
    public Backoff(Duration first, Duration longest, RandomGenerator random) {
        if (first.isNegative() || first.isZero() || longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("no valid backoff: from " + first + " to " + longest);
        }
        this.firstNanos = first.toNanos();
        this.longestNanos = longest.toNanos();
        this.random = random;
    }

    /** The next wait, in nanoseconds. */
    public long nextNanos() {
        // 62 doublings of a nanosecond are longer than any Duration here
        long full = attempts >= 62 || firstNanos > longestNanos >> attempts ? longestNanos : firstNanos << attempts;
        attempts++;
        return full - (long) (random.nextDouble() * (full / 2));
    }

    /** Starts over: the connection works. */
    public void reset() {
        attempts = 0;
    }

    /** Waits handed out since the start or {@link #reset()}. */
    public int attempts() {
        return attempts;
    }
}
