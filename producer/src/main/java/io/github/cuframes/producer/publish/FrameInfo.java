package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameFlag;

/**
 * What a writer says of a frame when it publishes it. Reusable: {@link #reset()} and fill in again. Not thread-safe.
 */
public final class FrameInfo {

    /** Stands for a time that is not known. */
    public static final long NO_TIME = Long.MIN_VALUE;

    private long pts;
    private long ptsNanos;
    private long captureNanos;
    private long durationNanos;
    private int lostBefore;
    private int flags;

    /** An object with nothing known. */
    public FrameInfo() {
        reset();
    }

    /** Forgets everything. */
    public FrameInfo reset() {
        pts = NO_TIME;
        ptsNanos = NO_TIME;
        captureNanos = NO_TIME;
        durationNanos = 0;
        lostBefore = 0;
        flags = 0;
        return this;
    }

    /** Sets the presentation time in ticks of the stream's time base, and the same in nanoseconds. */
    public FrameInfo pts(long ticks, long nanos) {
        pts = ticks;
        ptsNanos = nanos;
        return this;
    }

    /** Sets the wall clock at which the camera took the frame, in nanoseconds since 1970-01-01 UTC. */
    public FrameInfo captureNanos(long nanos) {
        captureNanos = nanos;
        return this;
    }

    /** Sets for how long the frame is meant to be shown, in nanoseconds; 0 is unknown. */
    public FrameInfo durationNanos(long nanos) {
        durationNanos = nanos;
        return this;
    }

    /** Sets how many frames the writer knows were lost between the frame before and this one. */
    public FrameInfo lostBefore(int frames) {
        lostBefore = frames;
        return this;
    }

    /** Adds a flag. */
    public FrameInfo flag(FrameFlag flag) {
        flags |= flag.bit();
        return this;
    }

    /** Ticks, or {@link #NO_TIME}. */
    public long pts() {
        return pts;
    }

    /** Nanoseconds, or {@link #NO_TIME}. */
    public long ptsNanos() {
        return ptsNanos;
    }

    /** Nanoseconds since 1970, or {@link #NO_TIME}. */
    public long captureNanos() {
        return captureNanos;
    }

    /** Nanoseconds, 0 when unknown. */
    public long durationNanos() {
        return durationNanos;
    }

    /** Frames. */
    public int lostBefore() {
        return lostBefore;
    }

    /** The bits of {@link FrameFlag}. */
    public int flags() {
        return flags;
    }
}
