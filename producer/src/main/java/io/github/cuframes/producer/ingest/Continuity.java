package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.publish.FrameInfo;

/** Sees where time jumps: back, or ahead by far more than the frames' distance. */
final class Continuity {

    private static final long LEAP_NANOS = 1_000_000_000L;
    private static final int LEAP_FRAMES = 3;

    private long last = FrameInfo.NO_TIME;
    private long distance;

    /** Forgets what was; the next frame continues anything. */
    void restart() {
        last = FrameInfo.NO_TIME;
        distance = 0;
    }

    /** Whether a frame does not go on from the one before. Frames without a time always do. */
    boolean isBrokenBy(long ptsNanos) {
        if (ptsNanos == FrameInfo.NO_TIME) {
            return false;
        }
        long step = last == FrameInfo.NO_TIME ? 0 : ptsNanos - last;
        // the first step tells the distance, so that it can't be too long; a slow stream is no row of gaps
        boolean broken = step < 0 || (distance > 0 && step > Math.max(LEAP_NANOS, LEAP_FRAMES * distance));
        last = ptsNanos;
        distance = step > 0 ? step : distance;
        return broken;
    }
}
