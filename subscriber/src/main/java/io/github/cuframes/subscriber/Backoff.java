package io.github.cuframes.subscriber;

import java.util.concurrent.TimeUnit;

/** When to try to connect again: 50 ms after the end of a connection, then twice as long each time, up to a second. */
final class Backoff {

    static final long FIRST_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    static final long LAST_NANOS = TimeUnit.SECONDS.toNanos(1);

    private long delay = FIRST_NANOS;
    private long nextAt;

    /** The next attempt is due at once. */
    Backoff(long now) {
        nextAt = now;
    }

    /** An attempt failed, or a connection ended. */
    void failed(long now) {
        nextAt = now + delay;
        delay = Math.min(2 * delay, LAST_NANOS);
    }

    /** The publisher asked for patience. */
    void refused(long now) {
        delay = LAST_NANOS;
        failed(now);
    }

    /** A connection stands. */
    void succeeded() {
        delay = FIRST_NANOS;
    }

    /** Nanoseconds until the next attempt, not positive when it is due. */
    long remaining(long now) {
        return nextAt - now;
    }
}
