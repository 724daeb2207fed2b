package io.github.cuframes.tests.faults;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.SubscriberStatistics;
import io.github.cuframes.tests.FrameVerifier;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.zip.CRC32;

/**
 * Proves of each frame that it is whole, not stale, of its own geometry and generation, and the same until it is given
 * back; and finds for each frame that is missing who said so. One thread looks; any may ask for the {@link #line}.
 */
final class Scrutiny {

    private static final int SHOWN = 3;

    private final CRC32 checksum = new CRC32();
    private DeliveryPolicy policy;
    private FrameVerifier verifier;
    private ByteBuffer copy = ByteBuffer.allocateDirect(0);
    /** The latest. */
    private final Deque<String> violations = new ArrayDeque<>();

    private long violationCount;

    private boolean hasLast;
    private long epoch;
    private int generation;
    private int tag;
    private long sequence;
    private long reconnects;
    private long sum;
    private long code;
    /** Frames skipped since {@link #begin}, as the library should have counted them. */
    private long skipped;

    /** The frame that was another picture when it was looked at again; 0: none. */
    private long changed;

    /** What was wrong with the last frame's picture, and with those before it that came late too. */
    private long wrongPictures;

    private long holesBefore;

    /** Whether the last frame was looked at for so long that a source may have stopped waiting for this subscriber. */
    private boolean late;

    /** Whether the connection, and each lease with it, was ended on purpose. */
    private boolean cut;

    private long received;
    private long overwritten;
    private long corrupt;
    private long generations;
    private long restarts;
    private long skippedByPolicy;
    private long missedWhileAway;
    private long lostBySource;
    private long pastHoles;

    /** A subscription begins. */
    synchronized void begin(DeliveryPolicy with) {
        policy = with;
        hasLast = false;
        pastHoles += verifier == null ? 0 : verifier.holes();
        verifier = null; // a newcomer gets the newest frame, which it may have had before
        skipped = 0;
        reconnects = 0;
        wrongPictures = 0;
        late = false;
        cut = false;
    }

    /** A subscription has ended. */
    synchronized void end(SubscriberStatistics statistics) {
        if (changed != 0 && !leaseMayHaveEnded()) {
            violation("another picture than before, while it was held", changed);
        }
        changed = 0;
        if (statistics.dropped() != skipped) {
            violation("dropped is " + statistics.dropped() + " and " + skipped + " were skipped", sequence);
        }
    }

    /** The connection is about to be cut: what is held from now on, until there is another, may change. */
    synchronized void cut() {
        cut = true;
    }

    /** Looks at a frame that was just received. */
    synchronized void first(Frame frame, long reconnectsSoFar) {
        received++;
        ByteBuffer luma = luma(frame);
        code = FrameCode.read(luma, 0, pitch(frame), frame.width(), frame.height());
        sum = sum(luma);
        boolean away = reconnectsSoFar != reconnects;
        // of frames that were queued when the connection ended, several may be seen before its end is
        boolean undecided = !away && (cut || leaseMayHaveEnded() && isLate(frame));
        if (away && leaseMayHaveEnded()) {
            forgetLast();
        } else if (changed != 0 && !undecided) {
            violation("another picture than before, while it was held", changed);
        }
        changed = undecided ? changed : 0;
        cut &= !away;
        boolean otherEpoch = hasLast && frame.epoch() != epoch;
        boolean otherGeneration = hasLast && !otherEpoch && frame.generation() != generation;
        if (otherEpoch) {
            restarts++;
        } else if (otherGeneration) {
            generations++;
            if (frame.generation() < generation) {
                violation("of generation " + frame.generation() + " after " + generation, frame.sequence());
            }
        }
        if (hasLast && !otherEpoch) {
            skip(frame.sequence() - sequence - 1, away, frame.sequence());
        }
        if (frame.breaksStream()) {
            lostBySource += frame.lostBefore();
        }
        long violationsBefore = violationCount - (undecided ? wrongPictures : 0);
        holesBefore = undecided ? holesBefore : verifier == null ? 0 : verifier.holes();
        if (frame.has(FrameFlag.CORRUPT)) {
            corrupt++; // it was said that the picture is not what was sent
        } else {
            verify(frame, otherGeneration);
        }
        wrongPictures = violationCount - violationsBefore;
        late = isLate(frame);
        hasLast = true;
        epoch = frame.epoch();
        generation = frame.generation();
        sequence = frame.sequence();
        reconnects = reconnectsSoFar;
    }

    /**
     * The source begins to wait for a lossless subscriber after it has published what that holds: until its limit has
     * passed since then, whatever is wrong with a picture is held against the publisher.
     */
    private static boolean isLate(Frame frame) {
        return System.nanoTime() - frame.publishNanos() > FaultProducer.LOSSLESS_TIMEOUT.toNanos();
    }

    private boolean leaseMayHaveEnded() {
        return cut || late && policy.mode() == DeliveryMode.LOSSLESS;
    }

    /** The lease of the last frame had ended when its connection did: of its picture nothing counts, of its place all does. */
    private void forgetLast() {
        long holes = verifier == null ? 0 : Math.min(verifier.holes(), holesBefore);
        if (wrongPictures > 0 || verifier != null && verifier.holes() > holes || changed != 0) {
            overwritten++;
            violationCount -= wrongPictures;
        }
        pastHoles += holes;
        verifier = null;
    }

    private void skip(long count, boolean away, long at) {
        if (count <= 0) {
            if (count < 0) {
                violation("out of order after " + sequence, at);
            }
            return;
        }
        skipped += count;
        if (away) {
            missedWhileAway += count;
        } else if (policy.mode() == DeliveryMode.LOSSLESS) {
            violation(count + " after the one before, and the policy is lossless", at);
        } else {
            skippedByPolicy += count;
        }
    }

    private void verify(Frame frame, boolean otherGeneration) {
        if (code < 0) {
            violation(FrameCode.describe(code), frame.sequence());
            return;
        }
        int newTag = FrameCode.tag(code);
        if (!Picture.fits(newTag, frame.width(), frame.height())) {
            violation(
                    "a picture of tag " + newTag + " in a geometry of " + frame.width() + "x" + frame.height(),
                    frame.sequence());
        }
        if (verifier == null || newTag != tag) {
            if (hasLast && verifier != null && !otherGeneration && frame.epoch() == epoch && !frame.breaksStream()) {
                violation("of another stream (tag " + newTag + " after " + tag + ") without a word", frame.sequence());
            }
            pastHoles += verifier == null ? 0 : verifier.holes();
            tag = newTag;
            verifier = new FrameVerifier(tag, Picture.wrap(tag), this::note);
            hasLast = false;
        }
        boolean newSubscription = !hasLast;
        verifier.next(
                code, frame.epoch(), frame.sequence(), newSubscription || otherGeneration || frame.breaksStream());
    }

    /**
     * Looks at the same frame before it is given back. That of a lossless subscriber which let the source wait for too long
     * may be another by now: its lease has ended, as the end of its connection will say.
     */
    synchronized void again(Frame frame) {
        ByteBuffer luma = luma(frame);
        if (FrameCode.read(luma, 0, pitch(frame), frame.width(), frame.height()) != code || sum(luma) != sum) {
            changed = frame.sequence();
        }
        late = isLate(frame);
    }

    private ByteBuffer luma(Frame frame) {
        if (frame.memoryKind() == MemoryKind.HOST) {
            return frame.plane(0);
        }
        int bytes = frame.rowBytes(0) * frame.rows(0);
        if (copy.capacity() < bytes) {
            copy = ByteBuffer.allocateDirect(bytes);
        }
        copy.clear().limit(bytes);
        frame.download(0, copy);
        return copy;
    }

    private static int pitch(Frame frame) {
        return frame.memoryKind() == MemoryKind.HOST ? frame.pitch(0) : frame.rowBytes(0);
    }

    private long sum(ByteBuffer luma) {
        checksum.reset();
        checksum.update(luma.rewind());
        luma.rewind();
        return checksum.getValue();
    }

    private void violation(String what, long at) {
        note("violation frame " + at + " is " + what);
    }

    /** Takes the reports of the verifier too, of which holes are counted where they are asked for. */
    private void note(String report) {
        if (report.startsWith("violation")) {
            violationCount++;
        }
        if (violations.size() == SHOWN) {
            violations.remove();
        }
        violations.add(Actor.word(report));
    }

    /**
     * What was seen since the start, but for what the next frame will decide: whether the lease of the last one had ended.
     *
     * @param gone why no frame comes any more, or null
     */
    synchronized String line(SubscriberStatistics statistics, String gone) {
        boolean undecided = leaseMayHaveEnded();
        long seen = verifier == null ? 0 : verifier.holes();
        long holes = pastHoles + (undecided ? Math.min(seen, holesBefore) : seen);
        long violationsSoFar = violationCount - (undecided ? wrongPictures : 0);
        return "checked received=" + received + " violations=" + violationsSoFar + " holes=" + holes + " corrupt="
                + corrupt + " generations=" + generations + " restarts=" + restarts + " skipped=" + skippedByPolicy
                + " away=" + missedWhileAway + " source=" + lostBySource + " overwritten=" + overwritten
                + " reconnects="
                + (statistics == null ? 0 : statistics.reconnects())
                + " gone=" + (gone == null ? "no" : gone) + " what="
                + (violations.isEmpty() ? "-" : String.join(";", violations));
    }
}
