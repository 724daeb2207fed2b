package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PeerState;
import java.util.ArrayList;
import java.util.List;

/**
 * What a publisher knows of packets: parameters, the packets since the last keyframe, who reads them, and how much memory
 * all that may take. Every method wants the publisher's lock.
 */
final class PacketRing {

    /** Readers that the memory is divided for, beside what is kept for newcomers. */
    private static final int SHARES = 8;

    /** The least memory for packets. */
    static final long MIN_MEMORY = SHARES * PacketPage.MIN_CAPACITY;

    private final int capacity;
    private final int maxReaders;
    final PacketGroup group;

    /** Those that were greeted and are not gone. */
    final List<Peer> readers = new ArrayList<>();

    PacketConfig config;
    long sequence;
    long tooLarge;

    /**
     * Divides the memory.
     *
     * @param memory bytes for all, at least {@link #MIN_MEMORY}
     */
    PacketRing(long memory) {
        capacity = (int) Math.min(PacketPage.MAX_CAPACITY / 2, Long.highestOneBit(memory / SHARES));
        group = new PacketGroup(capacity / 2);
        maxReaders = (int) Math.min(Integer.MAX_VALUE, (memory - capacity / 2) / (PacketPage.SIZE + capacity));
    }

    /** Bytes of data in a page. */
    int capacity() {
        return capacity;
    }

    /** The most bytes of a record: it finds room in an empty page, wherever that begins. */
    int maxRecord() {
        return capacity / 4;
    }

    int maxReaders() {
        return maxReaders;
    }

    /** Bytes of the pages there are. */
    long pageBytes() {
        return (long) readers.size() * (PacketPage.SIZE + capacity);
    }

    @Override
    public String toString() {
        return "packets take " + maxReaders * (long) (PacketPage.SIZE + capacity)
                + " bytes of memory at most in the pages of " + maxReaders + " subscribers, and " + capacity / 2
                + " in the producer";
    }

    int active() {
        int active = 0;
        for (Peer peer : readers) {
            active += peer.state() == PeerState.ACTIVE ? 1 : 0;
        }
        return active;
    }
}
