package io.github.cuframes.subscriber;

import java.util.concurrent.atomic.AtomicLong;

/** What a subscriber of packets counts, over all of its connections. One thread at a time counts; any may read. */
final class PacketCounters {

    private final AtomicLong received = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong gaps = new AtomicLong();
    private long epoch;

    /** A packet goes to the application. */
    void returned(Packet packet) {
        boolean first = received.getAndIncrement() == 0;
        bytes.addAndGet(packet.size());
        dropped.addAndGet(packet.lostBefore());
        if (!first && (packet.breaksStream() || packet.epoch() != epoch)) {
            gaps.incrementAndGet();
        }
        epoch = packet.epoch();
    }

    PacketStatistics snapshot(long reconnects) {
        return new PacketStatistics(received.get(), bytes.get(), dropped.get(), gaps.get(), reconnects);
    }
}
