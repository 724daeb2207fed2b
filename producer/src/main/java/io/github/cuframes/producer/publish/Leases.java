package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.ProtocolException;

/**
 * What one subscriber has been given and has not given back: the publisher's record, which is the only one that counts.
 * The page is read, never trusted: a value that was not handed out under that lease number ends the connection. Guarded
 * by the publisher's lock.
 */
final class Leases {

    private final SubscriberPage page;
    private final SlotPool pool;
    private final int credits;
    private final RingSlot[] slots = new RingSlot[SubscriberPage.CAPACITY];
    private final long[] deliveries = new long[SubscriberPage.CAPACITY];
    private final long[] ended = new long[SubscriberPage.CAPACITY];
    private final long[] shownNanos = new long[SubscriberPage.CAPACITY];

    private long held;
    private long delivered;
    private long released;
    private long releaseNanos;
    private int prepared;

    Leases(SubscriberPage page, SlotPool pool, int credits) {
        this.page = page;
        this.pool = pool;
        this.credits = credits;
    }

    int held() {
        return Long.bitCount(held);
    }

    long delivered() {
        return delivered;
    }

    long released() {
        return released;
    }

    /** From delivery to the look at the page that found the lease ended, summed over all that it ended itself. */
    long releaseNanos() {
        return releaseNanos;
    }

    boolean hasCredit() {
        return held() < credits;
    }

    /** Reserves the slot for the subscriber and puts it into the queue, where it is not seen yet. Wants a credit. */
    void prepare(RingSlot slot) {
        int lease = Long.numberOfTrailingZeros(~held);
        held |= 1L << lease;
        pool.hold(slot);
        slots[lease] = slot;
        deliveries[lease] = ++delivered;
        prepared = lease;
        page.prepare(delivered, slot.sequence, slot.index, slot.generation(), lease);
    }

    /** Shows the subscriber what was prepared. */
    void show(long nanos) {
        shownNanos[prepared] = nanos;
        page.show(delivered);
    }

    /**
     * Takes back what the subscriber released.
     *
     * @return how many leases ended
     * @throws ProtocolException if the page holds what no subscriber that keeps to the protocol writes there
     */
    int reclaim(long nanos) throws ProtocolException {
        int count = 0;
        for (long rest = held; rest != 0; rest &= rest - 1) {
            int lease = Long.numberOfTrailingZeros(rest);
            long value = page.released(lease);
            if (value == deliveries[lease]) {
                releaseNanos += Math.max(0, nanos - shownNanos[lease]);
                end(lease);
                count++;
            } else if (value != ended[lease]) {
                throw new ProtocolException(
                        ErrorCode.PROTOCOL_VIOLATION,
                        "lease " + lease + " was released for delivery " + Long.toUnsignedString(value)
                                + ", but it stands for delivery " + deliveries[lease]);
            }
        }
        return count;
    }

    /** Ends all leases, as the connection has ended. */
    void endAll() {
        for (long rest = held; rest != 0; rest &= rest - 1) {
            end(Long.numberOfTrailingZeros(rest));
        }
    }

    private void end(int lease) {
        held &= ~(1L << lease);
        ended[lease] = deliveries[lease];
        released++;
        pool.drop(slots[lease]);
        slots[lease] = null;
    }
}
