package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.protocol.frame.Rational;

/**
 * Leaves out frames by their time stamps, so that a rate is not exceeded. What is left is on a grid as far as the frames are:
 * every fifth of 25 a second for 5, and 10 a second on average for 10. A frame without a time stamp is never left out, nor
 * is the first after a jump back. One thread.
 */
final class Thinner {

    private final Rational rate;
    private final long interval;
    private long due = FrameInfo.NO_TIME;
    private long last = FrameInfo.NO_TIME;

    // of all frames, taken or not
    private long seen = FrameInfo.NO_TIME;
    private long distance;

    /** At most so many frames a second. */
    Thinner(Rational rate) {
        this.rate = rate;
        this.interval = Math.max(1, 1_000_000_000L * rate.denominator() / rate.numerator());
    }

    /** The rate of what is left, of frames that come at another rate or an unknown one. */
    Rational rateOf(Rational incoming) {
        return incoming.isKnown() && incoming.toDouble() < rate.toDouble() ? incoming : rate;
    }

    /** Nanoseconds from one frame to the next of those that are left. */
    long intervalNanos() {
        return interval;
    }

    /** The next frame is taken, whenever it comes. */
    void restart() {
        due = FrameInfo.NO_TIME;
    }

    /**
     * Whether {@link #take} would take this frame: the one that is nearest to the time when the next is due, or any later one.
     * Of each frame it may be asked again.
     */
    boolean wants(long ptsNanos) {
        if (ptsNanos == FrameInfo.NO_TIME) {
            return true;
        }
        if (seen != FrameInfo.NO_TIME && ptsNanos > seen) {
            distance = ptsNanos - seen;
        }
        seen = ptsNanos;
        return startsAnew(ptsNanos) || ptsNanos - due >= -Math.min(distance, interval) / 2;
    }

    private boolean startsAnew(long ptsNanos) {
        return due == FrameInfo.NO_TIME || ptsNanos < last;
    }

    /** Whether the next frame is taken, and not left out. */
    boolean take(long ptsNanos) {
        if (!wants(ptsNanos)) {
            return false;
        }
        if (ptsNanos != FrameInfo.NO_TIME) {
            if (startsAnew(ptsNanos) || ptsNanos - due >= 2 * interval) {
                due = ptsNanos + interval;
            } else {
                // one that comes late does not make the next late, as time stamps of cameras jitter
                due = Math.max(due + interval, ptsNanos + interval / 2);
            }
            last = ptsNanos;
        }
        return true;
    }
}
