package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.frame.DeliveryMode;
import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * The publisher's account of one subscriber: 128 bytes in the ring, written by the publisher, read by observers and
 * never by the frame path.
 *
 * <pre>
 *   0       8     12    16    20      24     28       32        40        48       56        64       72       76   80       128
 *   +-------+-----+-----+-----+-------+------+--------+---------+---------+--------+---------+--------+--------+----+--------+
 *   |  id   |state| pid | uid | mode  |depth | credits|delivered|released |dropped |last seq.|last see|  held  |gen.|  name  |
 *   +-------+-----+-----+-----+-------+------+--------+---------+---------+--------+---------+--------+--------+----+--------+
 * </pre>
 */
public final class SubscriberSlot {

    static final int ID_OFFSET = 0;
    static final int STATE_OFFSET = ID_OFFSET + Long.BYTES;
    static final int PID_OFFSET = STATE_OFFSET + Integer.BYTES;
    static final int UID_OFFSET = PID_OFFSET + Integer.BYTES;
    static final int MODE_OFFSET = UID_OFFSET + Integer.BYTES;
    static final int DEPTH_OFFSET = MODE_OFFSET + Integer.BYTES;
    static final int CREDITS_OFFSET = DEPTH_OFFSET + Integer.BYTES;
    static final int DELIVERED_OFFSET = CREDITS_OFFSET + Integer.BYTES;
    static final int RELEASED_OFFSET = DELIVERED_OFFSET + Long.BYTES;
    static final int DROPPED_OFFSET = RELEASED_OFFSET + Long.BYTES;
    static final int LAST_SEQUENCE_OFFSET = DROPPED_OFFSET + Long.BYTES;
    static final int LAST_SEEN_NANOS_OFFSET = LAST_SEQUENCE_OFFSET + Long.BYTES;
    static final int HELD_OFFSET = LAST_SEEN_NANOS_OFFSET + Long.BYTES;
    static final int GENERATION_OFFSET = HELD_OFFSET + Integer.BYTES;
    static final int NAME_OFFSET = GENERATION_OFFSET + Integer.BYTES;

    /** Bytes that a subscriber's name may have in UTF-8. */
    public static final int NAME_SIZE = 48;

    /** Bytes of the structure. */
    public static final int SIZE = NAME_OFFSET + NAME_SIZE;

    private final ByteBuffer ring;
    private final int base;

    SubscriberSlot(ByteBuffer ring, int base) {
        this.ring = ring;
        this.base = base;
    }

    /** Number of the connection in this epoch, from 1; 0 when the slot is free. */
    public long id() {
        // Pairs with the release in open().
        return Fields.getLongAcquire(ring, base + ID_OFFSET);
    }

    /** The state, or nothing for a number that this version does not know. */
    public Optional<PeerState> state() {
        return PeerState.ofCode(Fields.getInt(ring, base + STATE_OFFSET));
    }

    /** Process id in the publisher's pid namespace; 0 if it cannot be seen from there. */
    public int pid() {
        return Fields.getInt(ring, base + PID_OFFSET);
    }

    /** User id in the publisher's user namespace. */
    public int uid() {
        return Fields.getInt(ring, base + UID_OFFSET);
    }

    /** How frames are chosen; nothing for a subscriber of packets, or a number that this version does not know. */
    public Optional<DeliveryMode> mode() {
        return DeliveryMode.ofCode(Fields.getInt(ring, base + MODE_OFFSET));
    }

    /** Depth of a fifo, else 0. */
    public int depth() {
        return Fields.getInt(ring, base + DEPTH_OFFSET);
    }

    /** Leases that it may have at a time. */
    public int credits() {
        return Fields.getInt(ring, base + CREDITS_OFFSET);
    }

    /** Frames delivered. */
    public long delivered() {
        return Fields.getLong(ring, base + DELIVERED_OFFSET);
    }

    /** Leases ended, as far as the publisher has looked. */
    public long released() {
        return Fields.getLong(ring, base + RELEASED_OFFSET);
    }

    /** Frames not delivered because no credit was left. */
    public long dropped() {
        return Fields.getLong(ring, base + DROPPED_OFFSET);
    }

    /** Sequence number of the last frame delivered. */
    public long lastSequence() {
        return Fields.getLong(ring, base + LAST_SEQUENCE_OFFSET);
    }

    /** CLOCK_MONOTONIC in nanoseconds when the publisher last saw it do something. */
    public long lastSeenNanos() {
        return Fields.getLong(ring, base + LAST_SEEN_NANOS_OFFSET);
    }

    /** Leases not ended, as far as the publisher has looked. */
    public int held() {
        return Fields.getInt(ring, base + HELD_OFFSET);
    }

    /** The last generation that it acknowledged. */
    public int generation() {
        return Fields.getInt(ring, base + GENERATION_OFFSET);
    }

    /** What it calls itself. */
    public String name() {
        return Fields.getText(ring, base + NAME_OFFSET, NAME_SIZE);
    }

    /** Takes the slot for a subscriber of packets, which has no mode and no credits; the publisher's side. */
    public void openForPackets(long id, int pid, int uid, String name) {
        open(id, pid, uid, 0, 0, 0, name);
    }

    /** Takes the slot for a subscriber; the publisher's side. */
    public void open(long id, int pid, int uid, DeliveryMode mode, int depth, int credits, String name) {
        open(id, pid, uid, mode.code(), depth, credits, name);
    }

    private void open(long id, int pid, int uid, int mode, int depth, int credits, String name) {
        for (int i = 0; i < SIZE; i += Long.BYTES) {
            Fields.putLong(ring, base + i, 0);
        }
        Fields.putInt(ring, base + STATE_OFFSET, PeerState.GREETED.code());
        Fields.putInt(ring, base + PID_OFFSET, pid);
        Fields.putInt(ring, base + UID_OFFSET, uid);
        Fields.putInt(ring, base + MODE_OFFSET, mode);
        Fields.putInt(ring, base + DEPTH_OFFSET, depth);
        Fields.putInt(ring, base + CREDITS_OFFSET, credits);
        Fields.putText(ring, base + NAME_OFFSET, NAME_SIZE, name);
        // Pairs with the acquire in id(): an observer that sees the id sees who it is.
        Fields.putLongRelease(ring, base + ID_OFFSET, id);
    }

    /** Changes the state; the publisher's side. */
    public void state(PeerState state) {
        Fields.putInt(ring, base + STATE_OFFSET, state.code());
    }

    /** Notes an acknowledged generation; the publisher's side. */
    public void generation(int generation) {
        Fields.putInt(ring, base + GENERATION_OFFSET, generation);
    }

    /** Writes the counters; the publisher's side. */
    public void count(long delivered, long released, long dropped, long lastSequence, long lastSeenNanos, int held) {
        Fields.putLong(ring, base + DELIVERED_OFFSET, delivered);
        Fields.putLong(ring, base + RELEASED_OFFSET, released);
        Fields.putLong(ring, base + DROPPED_OFFSET, dropped);
        Fields.putLong(ring, base + LAST_SEQUENCE_OFFSET, lastSequence);
        Fields.putLong(ring, base + LAST_SEEN_NANOS_OFFSET, lastSeenNanos);
        Fields.putInt(ring, base + HELD_OFFSET, held);
    }

    /** Frees the slot; the publisher's side. */
    public void close() {
        Fields.putLongRelease(ring, base + ID_OFFSET, 0);
        Fields.putInt(ring, base + STATE_OFFSET, 0);
    }
}
