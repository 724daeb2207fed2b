package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import io.github.cuframes.protocol.layout.PeerState;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers the encoded packets of a stream beside its frames; see {@link Publisher#packets()}. Every subscriber of packets has a
 * page of its own, into which each packet is copied: one that does not read misses packets up to a keyframe, and nobody else
 * notices.
 *
 * <p>One thread at a time begins and publishes; any thread counts. Nothing here waits for a subscriber or allocates for a
 * packet, but that the memory for the packets since the last keyframe grows to its limit.
 */
public final class PacketPublisher {

    private static final Logger LOG = LoggerFactory.getLogger(PacketPublisher.class);

    private final RingState state;
    private final PacketRing ring;
    private final Runnable wakeControl;

    PacketPublisher(RingState state, Runnable wakeControl) {
        this.state = state;
        this.ring = state.packets;
        this.wakeControl = wakeControl;
    }

    /** The most bytes of a packet; a larger one is lost for everybody. */
    public int maxPacketBytes() {
        return ring.maxRecord() - PacketRecord.SIZE;
    }

    /**
     * A source has begun, for the first time or anew: packets are offered from the next keyframe on. Does nothing after the
     * publisher's end.
     *
     * @throws IllegalArgumentException if what holds for the packets is more than a page has room for
     */
    public void begin(PacketConfig config) {
        Objects.requireNonNull(config, "config");
        if (PacketRecord.length(PacketStream.bytes(config)) > ring.maxRecord()) {
            throw new IllegalArgumentException("extradata of "
                    + config.extradata().remaining() + " bytes does not fit; raise the memory for packets");
        }
        state.lock.lock();
        try {
            boolean other = !config.equals(ring.config);
            ring.config = config;
            ring.group.clear();
            for (Peer peer : ring.readers) {
                if (other) {
                    peer.packets().configured();
                } else {
                    peer.packets().breakOff();
                }
            }
        } finally {
            state.lock.unlock();
        }
    }

    /**
     * Copies a packet for everybody who reads. Does nothing before {@link #begin} and after the publisher's end.
     *
     * @param pts presentation time in ticks of the time base, {@link FrameInfo#NO_TIME} if unknown
     * @param dts decoding time, likewise
     * @param duration ticks, 0 if unknown
     * @param captureNanos wall clock of the camera in nanoseconds since 1970, {@link FrameInfo#NO_TIME} if unknown
     * @param flags bits of {@link FrameFlag}: {@link FrameFlag#KEY}, {@link FrameFlag#DISCONTINUITY}, {@link FrameFlag#CORRUPT}
     * @param data from position to limit, which stay as they are
     */
    public void publish(long pts, long dts, long duration, long captureNanos, int flags, ByteBuffer data) {
        // an interrupted thread that writes to a channel closes it: the subscribers' sockets are not to suffer
        boolean interrupted = Thread.interrupted();
        state.lock.lock();
        try {
            if (state.closed || ring.config == null) {
                return;
            }
            long number = ++ring.sequence;
            long now = System.nanoTime();
            if (PacketRecord.length(data.remaining()) > ring.maxRecord()) {
                lose(data.remaining());
                return;
            }
            if (FrameFlag.KEY.in(flags)) {
                ring.group.begin();
            }
            ring.group.add(number, pts, dts, duration, captureNanos, now, flags, data);
            boolean failed = false;
            for (int i = 0; i < ring.readers.size(); i++) {
                Peer peer = ring.readers.get(i);
                if (peer.state() == PeerState.ACTIVE && !peer.isLost()) {
                    peer.reclaim(now);
                    if (!peer.isLost()
                            && peer.packets()
                                    .offer(ring.config, number, pts, dts, duration, captureNanos, now, flags, data)) {
                        peer.ringIfAsleep();
                    }
                    peer.count();
                    failed |= peer.isLost();
                }
            }
            if (failed) {
                wakeControl.run();
            }
        } finally {
            state.lock.unlock();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private void lose(int bytes) {
        if (ring.tooLarge++ == 0) {
            LOG.warn(
                    "{}: a packet of {} bytes is larger than {} bytes, and so lost for subscribers of packets, up to the"
                            + " next keyframe; raise the memory for packets (--packet-memory)",
                    state.options.key(),
                    bytes,
                    maxPacketBytes());
        }
        ring.group.clear();
        for (int i = 0; i < ring.readers.size(); i++) {
            ring.readers.get(i).packets().lose();
        }
    }

    /** Those who subscribe to packets now, in the order in which they came; any thread. Empty after closing. */
    public List<PacketSubscriberCounters> subscribers() {
        state.lock.lock();
        try {
            return ring.readers.stream().map(Peer::packetCounters).toList();
        } finally {
            state.lock.unlock();
        }
    }

    /** What there was so far; any thread. */
    public PacketCounters counters() {
        state.lock.lock();
        try {
            return new PacketCounters(ring.sequence, ring.tooLarge, ring.readers.size(), ring.pageBytes());
        } finally {
            state.lock.unlock();
        }
    }
}
