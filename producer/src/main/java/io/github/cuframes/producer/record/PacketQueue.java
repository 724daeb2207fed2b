package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;

import java.util.ArrayDeque;
import java.util.function.Supplier;
import org.bytedeco.ffmpeg.avcodec.AVPacket;

/**
 * Packets on their way to the writer, so that a slow disk does not hold up the camera. When it is full, packets are dropped up
 * to the next key frame for which there is room. Any thread puts, one takes.
 */
final class PacketQueue {

    /** What is waiting: a packet, or news of the connection. */
    record Entry(AVPacket packet, RecordedStreams connected) {

        /** The connection is over. */
        static final Entry DISCONNECTED = new Entry(null, null);

        private void free() {
            if (packet != null) {
                av_packet_free(packet);
            }
            if (connected != null) {
                connected.close();
            }
        }
    }

    /** What became of a packet that was offered. */
    enum Offer {
        TAKEN,
        DROPPED,
        /** The first one that is dropped. */
        OVERFLOW
    }

    private final long mostBytes;
    private final int mostPackets;

    // guarded by this
    private final ArrayDeque<Entry> entries = new ArrayDeque<>();
    private long bytes;
    private boolean dropping;
    private boolean closed;
    private long dropped;

    PacketQueue(long mostBytes, int mostPackets) {
        this.mostBytes = mostBytes;
        this.mostPackets = mostPackets;
    }

    /** A packet of which a reference is made if there is room. */
    synchronized Offer offer(int size, boolean keyFrame, Supplier<AVPacket> reference) {
        boolean fits = bytes + size <= mostBytes && entries.size() < mostPackets;
        AVPacket packet = closed || !fits || dropping && !keyFrame ? null : reference.get();
        if (packet == null) {
            dropped++;
            boolean first = !dropping && !closed;
            dropping = true;
            return first ? Offer.OVERFLOW : Offer.DROPPED;
        }
        dropping = false;
        bytes += size;
        entries.add(new Entry(packet, null));
        notifyAll();
        return Offer.TAKEN;
    }

    /** News of the connection, for which there is always room. */
    synchronized void put(Entry entry) {
        if (closed) {
            entry.free();
            return;
        }
        entries.add(entry);
        notifyAll();
    }

    /**
     * Waits for something to take, or for its end.
     *
     * @param millis for so long at most; 0 for any time
     * @return false if nothing came
     */
    synchronized boolean await(long millis) throws InterruptedException {
        if (entries.isEmpty() && !closed) {
            wait(millis);
        }
        return !entries.isEmpty() || closed;
    }

    /** The next one, which is the caller's then; null when it is closed and empty. */
    synchronized Entry take() throws InterruptedException {
        while (entries.isEmpty()) {
            if (closed) {
                return null;
            }
            wait();
        }
        Entry entry = entries.remove();
        if (entry.packet() != null) {
            bytes -= entry.packet().size();
        }
        return entry;
    }

    /** Nothing more comes; what is waiting is still to be taken. */
    synchronized void close() {
        closed = true;
        notifyAll();
    }

    synchronized long dropped() {
        return dropped;
    }
}
