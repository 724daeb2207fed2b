package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.Frame;

/**
 * Compares the frame number in the pixels with what should be there: whole, and larger than the one before unless the
 * stream was broken in between. Not thread-safe.
 */
final class PatternCheck {

    private long lastNumber = -1;
    private long lastSequence;
    private long lastEpoch;
    private int lastTag = -1;

    private long torn;
    private long stale;
    private long outOfOrder;
    private long unreadable;

    /**
     * Looks at a frame.
     *
     * @param pixels of the frame
     * @throws IllegalArgumentException if the format has no luma plane of 8 bits
     */
    void look(Frame frame, HostPixels pixels) {
        requireLuma(frame.format());
        see(
                FrameCode.read(pixels.plane(0), 0, pixels.pitch(0), frame.width(), frame.height()),
                frame.epoch(),
                frame.sequence(),
                frame.breaksStream());
    }

    /** Counts a code that was read from a frame. */
    void see(long code, long epoch, long sequence, boolean breaksStream) {
        if (epoch == lastEpoch && sequence <= lastSequence) {
            outOfOrder++;
        }
        lastSequence = sequence;
        boolean newStream = epoch != lastEpoch || breaksStream;
        lastEpoch = epoch;
        if (code == FrameCode.TORN) {
            torn++;
        } else if (code < 0) {
            unreadable++;
        } else {
            long number = FrameCode.number(code);
            int tag = FrameCode.tag(code);
            if (!newStream && tag == lastTag && number <= lastNumber) {
                stale++;
            }
            lastNumber = number;
            lastTag = tag;
            return;
        }
        if (newStream) {
            lastNumber = -1;
        }
    }

    private static void requireLuma(PixelFormat format) {
        switch (format) {
            case NV12, YUV420P, YUV422P, YUV444P, GRAY8 -> {
                return;
            }
            default ->
                throw new IllegalArgumentException("--verify-pattern reads 8-bit luma, and the frames are "
                        + format.label() + "; leave it out, or have the producer convert to nv12");
        }
    }

    /** Frames made of parts of two. */
    long torn() {
        return torn;
    }

    /** Frames with the number of the one before or an earlier one. */
    long stale() {
        return stale;
    }

    /** Frames whose sequence number is not larger than the one before. */
    long outOfOrder() {
        return outOfOrder;
    }

    /** Frames without a whole code. */
    long unreadable() {
        return unreadable;
    }
}
