package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.Rational;

/** Leaves frames out so that a rate is not exceeded, by the frames' own times. Not thread-safe. */
final class FrameThinner {

    private static final double NANOS = 1e9;

    private final double interval;
    private double due;
    private boolean begun;

    /** All frames pass if the rate is unknown. */
    FrameThinner(Rational rate) {
        interval = rate.isKnown() ? NANOS / rate.toDouble() : 0;
    }

    /**
     * Whether a frame is to be kept.
     *
     * @param time of the frame in nanoseconds
     * @param anew whether times do not go on from the frame before
     */
    boolean isDue(long time, boolean anew) {
        if (!begun || anew) {
            begun = true;
            due = time;
        }
        // times jitter and are rounded: a frame may be early by a tenth of the interval
        if (time < due - interval / 10) {
            return false;
        }
        due = Math.max(due + interval, time - interval);
        return true;
    }
}
