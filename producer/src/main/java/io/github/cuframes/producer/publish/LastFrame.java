package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.PeerState;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The last frame of a source, which no newer one makes up for: a subscriber of mode latest that is busy when it comes gets
 * some time to end a lease and ask for it.
 */
final class LastFrame {

    /** How long the end of a stream is put off at most; a reader of one frame a second is done by then. */
    static final long GRACE_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Pages are looked at this often at least, whatever their subscribers say. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

    private LastFrame() {}

    /** Waits until everybody has it, the time has come or the publisher is closed. */
    static void await(RingState state, long deadlineNanos, LongSupplier clock) {
        state.lock.lock();
        try {
            while (!state.closed && isMissing(state) && deadlineNanos - clock.getAsLong() > 0) {
                state.changed.awaitNanos(POLL_NANOS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the owner wants it to end now
        } finally {
            state.lock.unlock();
        }
    }

    private static boolean isMissing(RingState state) {
        boolean missing = false;
        List<Peer> subscribers = state.subscribers;
        for (int i = 0; i < subscribers.size() && state.newest != null; i++) {
            Peer peer = subscribers.get(i);
            if (peer.mode() == DeliveryMode.LATEST && peer.state() == PeerState.ACTIVE && !peer.isLost()) {
                long now = System.nanoTime();
                peer.reclaim(now);
                state.deliverNewest(peer, now);
                missing |= peer.lastSequence() < state.newest.sequence && !peer.isLost();
            }
        }
        return missing;
    }
}
