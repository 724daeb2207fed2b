package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.ProtocolException;
import java.nio.ByteBuffer;

/**
 * What one subscriber of packets has been given and has not read yet: the publisher's record, which is the only one that
 * counts. The page is read, never trusted. Guarded by the publisher's lock.
 */
final class PacketQueue {

    /** What becomes of packets. */
    private enum Mode {
        /** No packet was written yet: those before the first keyframe are not missed. → READING */
        NEW,
        /** Packets are written as they come. → SKIPPING where there is no room for one */
        READING,
        /** Packets are dropped and counted until a keyframe finds room. → READING */
        SKIPPING
    }

    private final PacketPage page;
    private Mode mode = Mode.NEW;
    private long written;
    private long released;
    /** What holds for the packet that is written next is not in the page yet. */
    private boolean streamDue = true;

    private int lost;
    private long delivered;
    private long dropped;
    private long lastSequence;

    PacketQueue(PacketPage page) {
        this.page = page;
    }

    long delivered() {
        return delivered;
    }

    long dropped() {
        return dropped;
    }

    long lastSequence() {
        return lastSequence;
    }

    /** Bytes written and not read yet, as far as was looked. */
    long unread() {
        return written - released;
    }

    /** Bytes that there is room for. */
    int capacity() {
        return page.capacity();
    }

    boolean sleeping() {
        return page.sleeping();
    }

    /**
     * Looks at the page for what was read.
     *
     * @return whether it was anything
     * @throws ProtocolException if the page holds what no subscriber that keeps to the protocol writes there
     */
    boolean reclaim() throws ProtocolException {
        long value = page.released();
        if (value == released) {
            return false;
        }
        if (value < released || value > written || value % PacketRecord.SIZE != 0) {
            throw new ProtocolException(
                    ErrorCode.PROTOCOL_VIOLATION,
                    "packets were released up to position " + Long.toUnsignedString(value) + ", where " + released
                            + " to " + written + " is possible");
        }
        released = value;
        return true;
    }

    /** Other parameters hold for the packets from now on, which begin with a keyframe. */
    void configured() {
        streamDue = true;
        breakOff();
    }

    /** The next packet to be written is a keyframe. */
    void breakOff() {
        if (mode == Mode.READING) {
            mode = Mode.SKIPPING;
        }
    }

    /** A packet was lost before anybody could have it. */
    void lose() {
        if (mode != Mode.NEW) {
            drop();
        }
    }

    private void drop() {
        mode = Mode.SKIPPING;
        dropped++;
        lost++;
    }

    /** Gives a newcomer what there is since the last keyframe; nothing has been written before. */
    void begin(PacketConfig config, PacketGroup group) {
        if (config == null || group.isEmpty()) {
            return;
        }
        written = stream(config, 0);
        group.copyTo(page, written);
        written += group.bytes();
        delivered = group.packets();
        lastSequence = group.lastSequence();
        mode = Mode.READING;
        page.show(written);
    }

    /** Writes a packet if there is room, else counts it; whether there is something new to be read. */
    boolean offer(
            PacketConfig config,
            long sequence,
            long pts,
            long dts,
            long duration,
            long capture,
            long publish,
            int flags,
            ByteBuffer data) {
        boolean key = FrameFlag.KEY.in(flags);
        if (mode == Mode.NEW && !key) {
            return false;
        }
        int size = data.remaining();
        long packet = PacketRecord.length(size);
        long stream = streamDue ? PacketRecord.length(PacketStream.bytes(config)) : 0;
        long begin = fit(written, stream);
        long end = fit(begin + stream, packet) + packet;
        if (mode == Mode.SKIPPING && !key || end - released > page.capacity()) {
            drop();
            return false;
        }
        long position = streamDue ? stream(config, pad(written, stream)) : written;
        position = pad(position, packet);
        int told = lost > 0 ? flags | FrameFlag.DISCONTINUITY.bit() : flags;
        int at = page.at(position);
        PacketRecord.write(page.buffer(), at, size, sequence, pts, dts, duration, capture, publish, told, lost);
        page.buffer().put(at + PacketRecord.SIZE, data, data.position(), size);
        written = position + packet;
        mode = Mode.READING;
        lost = 0;
        delivered++;
        lastSequence = sequence;
        page.show(written);
        return true;
    }

    /** Where a record begins that is to lie in one piece. */
    private long fit(long position, long length) {
        int left = page.untilEnd(position);
        return length > left ? position + left : position;
    }

    private long pad(long position, long length) {
        long begin = fit(position, length);
        if (begin > position) {
            int bytes = (int) (begin - position) - PacketRecord.SIZE;
            PacketRecord.write(page.buffer(), page.at(position), PacketRecord.PADDING, bytes);
        }
        return begin;
    }

    /** Writes the parameters where there is room for them. */
    private long stream(PacketConfig config, long position) {
        int at = page.at(position);
        int bytes = PacketStream.bytes(config);
        PacketRecord.write(page.buffer(), at, PacketRecord.STREAM, bytes);
        PacketStream.write(page.buffer(), at + PacketRecord.SIZE, config);
        streamDue = false;
        return position + PacketRecord.length(bytes);
    }
}
