package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.ProtocolVersion;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * The 4096 bytes that the publisher shares with one subscriber, and nobody else. What the publisher writes and what the
 * subscriber writes lie two cache lines apart, because processors fetch lines in pairs.
 *
 * <pre>
 *      0  magic, version, epoch, subscriber's id, capacities      publisher, once
 *    128  delivered, publisherWaits                               publisher
 *    256  taken, sleeping                                         subscriber
 *    384  released[64]                                            subscriber
 *   1024  queue[64] of 32 bytes                                   publisher
 *   3072  reserved, zero
 * </pre>
 *
 * <p>A delivery is numbered from 1; delivery n stands at {@code queue[(n - 1) % 64]} and carries a lease number, which
 * is free at that moment. Storing n at {@code released[lease]} ends the lease.
 *
 * <p>Guarantees: entry n is complete when {@code delivered >= n} has been seen with acquire; a slot's frame does not
 * change from then until {@code released[lease] = n} is stored with release. Each side has one thread on the page at a
 * time, but for {@link #release}, which any thread of the subscriber may call for a lease that it owns.
 */
public final class SubscriberPage {

    /** The bytes "CUFP". */
    public static final int MAGIC = 0x50465543;

    /** Deliveries in the queue, and lease numbers. */
    public static final int CAPACITY = 64;

    static final int MAGIC_OFFSET = 0;
    static final int MAJOR_OFFSET = MAGIC_OFFSET + Integer.BYTES;
    static final int MINOR_OFFSET = MAJOR_OFFSET + Short.BYTES;
    static final int EPOCH_OFFSET = MINOR_OFFSET + Short.BYTES;
    static final int SUBSCRIBER_ID_OFFSET = EPOCH_OFFSET + Long.BYTES;
    static final int QUEUE_CAPACITY_OFFSET = SUBSCRIBER_ID_OFFSET + Long.BYTES;
    static final int LEASE_CAPACITY_OFFSET = QUEUE_CAPACITY_OFFSET + Integer.BYTES;
    static final int DELIVERED_OFFSET = 128;
    static final int PUBLISHER_WAITS_OFFSET = DELIVERED_OFFSET + Long.BYTES;
    static final int TAKEN_OFFSET = 256;
    static final int SLEEPING_OFFSET = TAKEN_OFFSET + Long.BYTES;
    static final int RELEASED_OFFSET = 384;
    static final int QUEUE_OFFSET = 1024;
    static final int RESERVED_OFFSET = QUEUE_OFFSET + CAPACITY * QueueEntry.SIZE;

    /** Bytes of the structure. */
    public static final int SIZE = 4096;

    private final ByteBuffer page;

    private SubscriberPage(ByteBuffer page) {
        this.page = page;
    }

    /** Writes the constant part of a page of zeros; the publisher's side. */
    public static SubscriberPage create(ByteBuffer zeros, long epoch, long subscriberId) {
        ByteBuffer page = Fields.checked(zeros, "a subscriber's page", SIZE);
        Fields.putShort(page, MAJOR_OFFSET, ProtocolVersion.CURRENT.major());
        Fields.putShort(page, MINOR_OFFSET, ProtocolVersion.CURRENT.minor());
        Fields.putLong(page, EPOCH_OFFSET, epoch);
        Fields.putLong(page, SUBSCRIBER_ID_OFFSET, subscriberId);
        Fields.putInt(page, QUEUE_CAPACITY_OFFSET, CAPACITY);
        Fields.putInt(page, LEASE_CAPACITY_OFFSET, CAPACITY);
        // Pairs with the acquire in open(): whoever sees the magic sees the rest.
        Fields.putIntRelease(page, MAGIC_OFFSET, MAGIC);
        return new SubscriberPage(page);
    }

    /**
     * Checks the constant part; the subscriber's side.
     *
     * @throws IllegalArgumentException if this is not the page of that subscriber
     */
    public static SubscriberPage open(ByteBuffer mapped, long epoch, long subscriberId) {
        ByteBuffer page = Fields.checked(mapped, "a subscriber's page", SIZE);
        // Pairs with the release in create().
        if (Fields.getIntAcquire(page, MAGIC_OFFSET) != MAGIC) {
            throw new IllegalArgumentException("this is not a subscriber's page: it does not begin with CUFP");
        }
        if (Fields.getShort(page, MAJOR_OFFSET) != ProtocolVersion.CURRENT.major()
                || Fields.getLong(page, EPOCH_OFFSET) != epoch
                || Fields.getLong(page, SUBSCRIBER_ID_OFFSET) != subscriberId
                || Fields.getInt(page, QUEUE_CAPACITY_OFFSET) != CAPACITY
                || Fields.getInt(page, LEASE_CAPACITY_OFFSET) != CAPACITY) {
            throw new IllegalArgumentException("the page is another subscriber's, or another version's");
        }
        return new SubscriberPage(page);
    }

    /** Deliveries so far; the subscriber's side. */
    public long delivered() {
        // Pairs with the release in show(): entry and frame are complete.
        return Fields.getLongAcquire(page, DELIVERED_OFFSET);
    }

    /** Whether the publisher waits for a lease to end; the subscriber's side, after a release. */
    public boolean publisherWaits() {
        // Pairs with the fence in publisherWaits(boolean): either it sees the release, or this sees that it waits.
        VarHandle.fullFence();
        return Fields.getIntAcquire(page, PUBLISHER_WAITS_OFFSET) != 0;
    }

    /** The sequence number of a delivery that {@link #delivered()} covers. */
    public long sequence(long delivery) {
        return Fields.getLong(page, entry(delivery) + QueueEntry.SEQUENCE_OFFSET);
    }

    /** The slot of a delivery. */
    public int slot(long delivery) {
        return Fields.getInt(page, entry(delivery) + QueueEntry.SLOT_OFFSET);
    }

    /** The generation of a delivery's slot. */
    public int generation(long delivery) {
        return Fields.getInt(page, entry(delivery) + QueueEntry.GENERATION_OFFSET);
    }

    /** The lease number of a delivery. */
    public int lease(long delivery) {
        return Fields.getInt(page, entry(delivery) + QueueEntry.LEASE_OFFSET);
    }

    /** Says that deliveries up to this one have been taken out of the queue; the subscriber's side. */
    public void taken(long delivery) {
        // Pairs with the acquire in taken(): only counted, never relied on.
        Fields.putLongRelease(page, TAKEN_OFFSET, delivery);
    }

    /** Deliveries taken out of the queue; the publisher's side. */
    public long taken() {
        return Fields.getLongAcquire(page, TAKEN_OFFSET);
    }

    /** Ends a lease; the subscriber's side, any thread. */
    public void release(int lease, long delivery) {
        // Pairs with the acquire in released(): all reads of the frame happen before.
        Fields.putLongRelease(page, RELEASED_OFFSET + lease * Long.BYTES, delivery);
    }

    /** The last delivery whose lease with this number ended; the publisher's side. */
    public long released(int lease) {
        // Pairs with the release in release().
        return Fields.getLongAcquire(page, RELEASED_OFFSET + lease * Long.BYTES);
    }

    /**
     * Says that the subscriber is about to block on its socket, or no longer; the subscriber's side. After {@code true}
     * it must look at {@link #delivered()} once more before it blocks.
     */
    public void sleeping(boolean sleeping) {
        Fields.putIntRelease(page, SLEEPING_OFFSET, sleeping ? 1 : 0);
        if (sleeping) {
            // Pairs with the fence in sleeping(): either the publisher sees this, or we see its delivery.
            VarHandle.fullFence();
        }
    }

    /** Whether the subscriber wants a doorbell; the publisher's side, after a delivery. */
    public boolean sleeping() {
        // Pairs with the fence in sleeping(boolean).
        VarHandle.fullFence();
        return Fields.getIntAcquire(page, SLEEPING_OFFSET) != 0;
    }

    /** Says that the publisher waits for a lease to end; the publisher's side, which looks once more afterwards. */
    public void publisherWaits(boolean waits) {
        Fields.putIntRelease(page, PUBLISHER_WAITS_OFFSET, waits ? 1 : 0);
        // Pairs with the fence in publisherWaits().
        VarHandle.fullFence();
    }

    /** Puts delivery {@code delivered() + 1} into the queue and shows it; the publisher's side. */
    public void deliver(long delivery, long sequence, int slot, int generation, int lease) {
        prepare(delivery, sequence, slot, generation, lease);
        show(delivery);
    }

    /** Puts delivery {@code delivered() + 1} into the queue, where nobody sees it yet; the publisher's side. */
    public void prepare(long delivery, long sequence, int slot, int generation, int lease) {
        int at = entry(delivery);
        Fields.putLong(page, at + QueueEntry.SEQUENCE_OFFSET, sequence);
        Fields.putInt(page, at + QueueEntry.SLOT_OFFSET, slot);
        Fields.putInt(page, at + QueueEntry.GENERATION_OFFSET, generation);
        Fields.putInt(page, at + QueueEntry.LEASE_OFFSET, lease);
    }

    /** Shows a delivery that is prepared and whose frame is complete; the publisher's side. */
    public void show(long delivery) {
        // Pairs with the acquire in delivered().
        Fields.putLongRelease(page, DELIVERED_OFFSET, delivery);
    }

    private static int entry(long delivery) {
        return QUEUE_OFFSET + (int) ((delivery - 1) & (CAPACITY - 1)) * QueueEntry.SIZE;
    }
}
