package io.github.cuframes.tests;

import io.github.cuframes.protocol.pattern.FrameCode;
import java.util.function.Consumer;

/**
 * Judges a sequence of frames by the codes in their pixels. For one thread. Allocates only where something is wrong.
 */
public final class FrameVerifier {

    private static final long WITHOUT_WRAP = 1L << 32;

    private final int tag;
    private final long wrap;
    private final Consumer<String> reports;

    private long lastEpoch;
    private long lastSequence;
    private long lastNumber;
    private boolean hasLast;

    private long violations;
    private long breaks;
    private long holes;

    /**
     * A verifier that has seen nothing.
     *
     * @param tag the stream's, or -1 for any
     * @param wrap how many frames the source has before it starts over with 0 without saying so; 0: it never does
     * @param reports takes the {@link Report}s {@code violation} and {@code hole}
     */
    public FrameVerifier(int tag, long wrap, Consumer<String> reports) {
        this.tag = tag;
        this.wrap = wrap == 0 ? WITHOUT_WRAP : wrap;
        this.reports = reports;
    }

    /**
     * Takes the next frame.
     *
     * @param code as read by {@link FrameCode#read}
     * @param breaks whether it was said that the frame does not go on from the one before
     */
    public void next(long code, long epoch, long sequence, boolean breaks) {
        if (code < 0) {
            violation(FrameCode.describe(code), sequence);
            return;
        }
        if (tag >= 0 && FrameCode.tag(code) != tag) {
            violation("another stream's: " + FrameCode.describe(code), sequence);
        }
        long number = FrameCode.number(code);
        if (breaks) {
            this.breaks++;
        } else if (hasLast && epoch == lastEpoch) {
            follow(number, sequence);
        } else if (hasLast) {
            violation("of another epoch, and nobody said so", sequence);
        }
        if (hasLast && epoch == lastEpoch && sequence <= lastSequence) {
            violation("out of order after " + lastSequence, sequence);
        }
        hasLast = true;
        lastEpoch = epoch;
        lastSequence = sequence;
        lastNumber = number;
    }

    private void follow(long number, long sequence) {
        long step = Math.floorMod(number - lastNumber, wrap);
        if (step == 0) {
            violation("stale: number " + number + " again", sequence);
        } else if (step > wrap / 2) {
            violation("number " + number + " after " + lastNumber, sequence);
        } else if (step < sequence - lastSequence) {
            violation("number " + number + " is " + step + " after the one before", sequence);
        } else if (step > sequence - lastSequence) {
            long missing = step - (sequence - lastSequence);
            holes += missing;
            reports.accept("hole sequence=" + sequence + " number=" + number + " missing=" + missing);
        }
    }

    /** Something is wrong with a frame. */
    public void violation(String what, long sequence) {
        violations++;
        reports.accept("violation frame " + sequence + " is " + what);
    }

    /** Frames that were torn, damaged, stale, out of order or otherwise wrong. */
    public long violations() {
        return violations;
    }

    /** Frames that were said not to go on from the one before. */
    public long breaks() {
        return breaks;
    }

    /** Numbers of the source that no sequence number stands for, though nothing was said. */
    public long holes() {
        return holes;
    }

    /** The number of the last frame. */
    public long lastNumber() {
        return lastNumber;
    }
}
