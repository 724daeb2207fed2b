package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.frame.FrameFlag;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a subscriber counts, over all of its connections. One thread at a time counts; any may read.
 *
 * <p>A break is seen in two ways, neither of which suffices: by the flag of a frame that was delivered, and by the ring's
 * counter, which knows those of frames that were not delivered, but may be ahead of the frame at hand. The larger of the
 * two is right. Where the counter was ahead, the frame that it stood for comes later, and is broken all the same.
 */
final class Counters {

    private final AtomicLong received = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong gaps = new AtomicLong();
    private final AtomicLong copied = new AtomicLong();

    private long epoch;
    private long lastSequence;
    private long flagged;
    private long counterAtFirst;
    /** Breaks of this epoch that are in {@link #gaps}. */
    private long counted;

    /** Whether a frame with the flag was taken since the last one that went to the application. */
    private boolean broken;

    /** A frame is copied to another GPU. */
    void copied() {
        copied.lazySet(copied.get() + 1);
    }

    /** A frame was taken out of the queue, perhaps to be skipped. */
    void taken(int flags) {
        if (FrameFlag.DISCONTINUITY.in(flags)) {
            flagged++;
            broken = true;
        }
    }

    /** Whether a frame went to the application before, or a later one did: a new connection begins with the newest there is. */
    boolean had(long frameEpoch, long sequence) {
        return frameEpoch == epoch && sequence <= lastSequence;
    }

    /**
     * A frame goes to the application.
     *
     * @param counter discontinuities in the ring
     * @param inOrder whether the frames between this one and the newest are still to come
     * @return whether the stream is broken before it
     */
    boolean returned(long frameEpoch, long sequence, long counter, boolean inOrder) {
        received.lazySet(received.get() + 1);
        boolean told = broken;
        broken = false;
        if (frameEpoch != epoch) {
            boolean first = epoch == 0;
            epoch = frameEpoch;
            lastSequence = sequence;
            flagged = 0;
            counterAtFirst = counter;
            counted = 0;
            if (!first) {
                gaps.lazySet(gaps.get() + 1);
            }
            return !first;
        }
        boolean jumped = sequence != lastSequence + 1;
        dropped.lazySet(dropped.get() + sequence - lastSequence - 1);
        lastSequence = sequence;
        counterAtFirst = Math.min(counterAtFirst, counter - flagged); // it was ahead of the first frame
        long breaks = inOrder && !jumped ? flagged : Math.max(flagged, counter - counterAtFirst);
        if (breaks <= counted) {
            return told;
        }
        gaps.lazySet(gaps.get() + breaks - counted);
        counted = breaks;
        return true;
    }

    SubscriberStatistics snapshot(long reconnects) {
        return new SubscriberStatistics(received.get(), dropped.get(), gaps.get(), reconnects, copied.get());
    }
}
