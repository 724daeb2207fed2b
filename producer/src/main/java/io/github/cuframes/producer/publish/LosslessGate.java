package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.message.ErrorCode;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Where the writer waits for lossless subscribers, each for so long at most: the only wait of the frame path. All
 * methods want the publisher's lock, which is let go while the writer waits.
 */
final class LosslessGate {

    /** A writer that waits looks at the pages at least this often, whatever its subscribers tell it. */
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private final RingState state;
    private final Runnable wakeControl;
    private boolean open;

    LosslessGate(RingState state, Runnable wakeControl) {
        this.state = state;
        this.wakeControl = wakeControl;
    }

    /** From now on nobody is waited for. */
    void open() {
        open = true;
        state.changed.signalAll();
    }

    /**
     * Waits until every lossless subscriber has a credit, is gone or is cut off.
     *
     * @return false if the writer must not wait, or not any longer: the gate is open, or the thread was interrupted
     */
    boolean pass() {
        try {
            long left = POLL_NANOS;
            while (isAnyWithoutCredit(System.nanoTime())) {
                if (open) {
                    return false;
                }
                // signalled by requests, leaving peers and close(); bounded for peers that release and say nothing
                left = left <= 0 ? POLL_NANOS : left;
                left = state.changed.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private boolean isAnyWithoutCredit(long now) {
        List<Peer> subscribers = state.subscribers;
        boolean waits = false;
        for (int i = 0; i < subscribers.size() && !state.closed; i++) {
            Peer peer = subscribers.get(i);
            if (peer.mode() == DeliveryMode.LOSSLESS && peer.state() == PeerState.ACTIVE && !peer.isLost()) {
                waits |= isWithoutCredit(peer, now);
            }
        }
        return waits;
    }

    private boolean isWithoutCredit(Peer peer, long now) {
        long limit = state.options.losslessTimeout().toNanos();
        peer.reclaim(now);
        if (!peer.leases().hasCredit()) {
            peer.startWait(now);
        }
        if (peer.leases().hasCredit()) {
            peer.endWait();
            return false;
        }
        if (now - peer.waitedSinceNanos() - limit < 0) {
            return true;
        }
        peer.fail(
                ErrorCode.TOO_SLOW,
                "the source waited for this subscriber for " + TimeUnit.NANOSECONDS.toMillis(limit) + " ms");
        wakeControl.run();
        return false;
    }
}
