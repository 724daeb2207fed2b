package io.github.cuframes.producer.ingest;

import java.util.concurrent.CountDownLatch;

/**
 * Holds packets back until their time has come. The first one sets the scale. When the reader falls behind by more than
 * {@link #LATEST}, the scale is set anew instead of being caught up with in a burst. Belongs to the reading thread.
 */
final class Pacer {

    /** Nanoseconds behind which time is given up. */
    static final long LATEST = 500_000_000L;

    private final Clock clock;
    private boolean started;
    private long origin;

    Pacer(Clock clock) {
        this.clock = clock;
    }

    /** Sets the scale anew at the next packet. */
    void restart() {
        started = false;
    }

    /**
     * Waits until it is time for a packet.
     *
     * @param mediaNanos its time stamp
     * @return false if the wait was ended by {@code stop}
     */
    boolean pace(long mediaNanos, CountDownLatch stop) throws InterruptedException {
        long now = clock.nanoTime();
        if (!started) {
            started = true;
            origin = now - mediaNanos;
        }
        long wait = origin + mediaNanos - now;
        if (wait < -LATEST) {
            origin = now - mediaNanos;
        } else if (wait > 0) {
            return !clock.await(stop, wait);
        }
        return true;
    }
}
