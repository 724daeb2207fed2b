package io.github.cuframes.producer.ingest;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait before each attempt to reconnect: a few times as long as the first, then doubling up to the longest, each shortened at
 * random by up to a half, so that many cameras behind one switch do not come back in step. Not thread-safe.
 */
public final class Backoff {

    private final long firstNanos;
    private final long longestNanos;
    private final int quick;
    private final RandomGenerator random;
    private int attempts;

    /** A schedule whose waits double from the first on. */
    public Backoff(Duration first, Duration longest, RandomGenerator random) {
        this(first, longest, 1, random);
    }

    /**
     * A schedule.
     *
     * @param first the first wait before it is shortened
     * @param longest the wait is never longer
     * @param quick so many waits are as long as the first
     * @param random where the shortening comes from
     */
    public Backoff(Duration first, Duration longest, int quick, RandomGenerator random) {
        if (first.isNegative() || first.isZero() || longest.compareTo(first) < 0) {
            throw new IllegalArgumentException("no valid backoff: from " + first + " to " + longest);
        }
        this.firstNanos = first.toNanos();
        this.longestNanos = longest.toNanos();
        this.quick = quick;
        this.random = random;
    }

    /** The next wait, in nanoseconds. */
    public long nextNanos() {
        // 62 doublings of a nanosecond are longer than any Duration here
        int doublings = Math.max(0, ++attempts - quick);
        long full = doublings >= 62 || firstNanos > longestNanos >> doublings ? longestNanos : firstNanos << doublings;
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
