package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.Ring;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the writer's side ({@link Publisher}) and the subscribers' side ({@link FrontDesk}) of a publisher share, with
 * its two locks: {@link #growth} is held while memory is allocated or closed, and taken first; {@link #lock} guards
 * every field here, the pool, the peers and all writes to the ring, and is held for short work without any waiting.
 */
final class RingState {

    private static final Logger LOG = LoggerFactory.getLogger(RingState.class);

    final PublisherOptions options;
    final Ring ring;
    final SlotPool pool;
    final ReentrantLock growth = new ReentrantLock();
    final ReentrantLock lock = new ReentrantLock();

    /** Signalled when leases ended, a peer became active or left, or the publisher was closed. */
    final Condition changed = lock.newCondition();

    /** Those that were greeted, for frames, and are not gone. */
    final List<Peer> subscribers = new ArrayList<>();

    /** Null where no packets are offered. */
    final PacketRing packets;

    RingSlot newest;
    int writerSlots;
    boolean closed;

    RingState(PublisherOptions options, Ring ring, RingSlot.Writer writer) {
        this.options = options;
        this.ring = ring;
        this.pool = new SlotPool(writer, ring);
        this.packets = options.packetMemory() == 0 ? null : new PacketRing(options.packetMemory());
    }

    /** Slots that never run out: the writer's, the newest frame's, and one for each credit. */
    int slotsNeeded(int moreCredits) {
        int slots = writerSlots + 1 + moreCredits;
        for (Peer peer : subscribers) {
            slots += peer.credits();
        }
        return slots;
    }

    /**
     * Allocates memory for slots, after closing what is finished, so that the limit bounds old and new together. Wants
     * {@link #growth} and not {@link #lock}, since it takes milliseconds.
     *
     * @throws IOException if the limit or the system does not allow it; nothing is allocated then
     */
    List<FrameMemory> allocate(int slots, long stride) throws IOException {
        closeFinished();
        FrameMemoryAllocator allocator = options.allocator();
        long granularity = allocator.granularity();
        long perSlab = allocator.maxSize() / granularity * granularity / stride;
        if (perSlab == 0) {
            throw new IOException("a slot of " + stride + " bytes is larger than an allocation can be ("
                    + allocator.maxSize() + " bytes)");
        }
        List<Long> sizes = new ArrayList<>();
        long wanted = 0;
        for (long left = slots; left > 0; left -= perSlab) {
            long size = (Math.min(left, perSlab) * stride + granularity - 1) / granularity * granularity;
            sizes.add(size);
            wanted += size;
        }
        long bytesInUse = bytes();
        if (wanted > options.maxMemory() - bytesInUse) {
            throw new IOException(slots + " more slots of " + stride + " bytes, which take " + wanted
                    + " bytes, do not fit into the limit of " + options.maxMemory() + " bytes, " + bytesInUse
                    + " of which are in use; raise --max-memory or lower --credits or --max-subscribers");
        }
        List<FrameMemory> memories = new ArrayList<>();
        try {
            for (long size : sizes) {
                memories.add(allocator.allocate(size));
            }
            return memories;
        } catch (IOException | RuntimeException e) {
            memories.forEach(FrameMemory::close);
            throw e;
        }
    }

    private long bytes() {
        lock.lock();
        try {
            return pool.bytes();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Closes the memory that nobody here uses any more; its bytes count until then. Wants {@link #growth} and not
     * {@link #lock}.
     */
    void closeFinished() {
        FrameMemory memory;
        while ((memory = pollFinished()) != null) {
            long size = memory.size();
            try {
                memory.close();
            } catch (RuntimeException e) {
                // its bytes go on counting, as they are still taken; nobody could do more about it
                LOG.error("{}: {} bytes of frame memory cannot be given back", options.key(), size, e);
                continue;
            }
            lock.lock();
            try {
                pool.closed(size);
                if (!closed) {
                    showMemory();
                }
            } finally {
                lock.unlock();
            }
        }
    }

    private FrameMemory pollFinished() {
        lock.lock();
        try {
            return pool.pollFinished();
        } finally {
            lock.unlock();
        }
    }

    /** Makes slots of new memory and tells those that have been greeted. Wants {@link #lock}. */
    void install(List<FrameMemory> memories) {
        List<Slab> added = memories.stream().map(pool::add).toList();
        for (Peer peer : subscribers) {
            peer.sendMemory(pool.generation(), pool, added);
        }
        showMemory();
    }

    /** Whether there is no subscriber of frames. If so, the newest frame is dropped. Takes {@link #lock}. */
    boolean leaveOut() {
        lock.lock();
        try {
            boolean unwanted = !closed && subscribers.isEmpty();
            if (unwanted && newest != null) {
                pool.drop(newest);
                newest = null;
                showMemory();
            }
            return unwanted;
        } finally {
            lock.unlock();
        }
    }

    /** Delivers the newest frame to one subscriber, if there is one that it has not been offered. Wants {@link #lock}. */
    void deliverNewest(Peer peer, long nanos) {
        if (newest != null
                && peer.state() == PeerState.ACTIVE
                && newest.sequence > peer.lastSequence()
                && peer.leases().hasCredit()
                && peer.prepare(newest)) {
            peer.show(nanos);
            peer.ringIfAsleep();
            peer.count();
        }
    }

    /** Subscribers of frames and of packets. Wants {@link #lock}. */
    int subscriberCount() {
        return subscribers.size() + (packets == null ? 0 : packets.readers.size());
    }

    /** Of those, the ones that get frames or packets by now. Wants {@link #lock}. */
    int activeSubscribers() {
        int active = packets == null ? 0 : packets.active();
        for (Peer peer : subscribers) {
            active += peer.state() == PeerState.ACTIVE ? 1 : 0;
        }
        return active;
    }

    /** Takes back what all subscribers released. Wants {@link #lock}. */
    void reclaim(long nanos) {
        for (int i = 0; i < subscribers.size(); i++) {
            subscribers.get(i).reclaim(nanos);
        }
    }

    /** Shows observers what the memory is used for. Wants {@link #lock}. */
    void showMemory() {
        ring.memory(pool.bytes(), pool.slots(), pool.inUse(), subscriberCount());
    }
}
