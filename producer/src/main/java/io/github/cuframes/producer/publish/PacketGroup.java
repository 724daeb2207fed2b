package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The packets since the last keyframe, as records, so that a newcomer begins there: bounded, and given up until the next
 * keyframe where the bound does not suffice. Guarded by the publisher's lock.
 */
final class PacketGroup {

    private static final int FIRST_SIZE = 64 << 10;

    private final int limit;
    private ByteBuffer records = ByteBuffer.allocate(0);
    private int used;
    private int packets;
    private long lastSequence;
    private boolean whole;

    /** With so many bytes of records at most. */
    PacketGroup(int limit) {
        this.limit = limit;
    }

    /** Forgets all; nothing is kept until the next keyframe. */
    void clear() {
        used = 0;
        packets = 0;
        whole = false;
    }

    /** Begins anew with a keyframe, which is yet to be added. */
    void begin() {
        clear();
        whole = true;
    }

    /** Keeps a packet, if the group's keyframe and all behind it were kept. */
    void add(long sequence, long pts, long dts, long duration, long capture, long publish, int flags, ByteBuffer data) {
        if (!whole) {
            return;
        }
        int size = data.remaining();
        long end = used + PacketRecord.length(size);
        if (end > limit) {
            clear();
            return;
        }
        if (end > records.capacity()) {
            int larger = (int) Math.min(limit, Math.max(end, Math.max(FIRST_SIZE, 2L * records.capacity())));
            records = ByteBuffer.wrap(Arrays.copyOf(records.array(), larger));
        }
        PacketRecord.write(records, used, size, sequence, pts, dts, duration, capture, publish, flags, 0);
        records.put(used + PacketRecord.SIZE, data, data.position(), size);
        used = (int) end;
        packets++;
        lastSequence = sequence;
    }

    boolean isEmpty() {
        return packets == 0;
    }

    /** Bytes of the records. */
    int bytes() {
        return used;
    }

    int packets() {
        return packets;
    }

    long lastSequence() {
        return lastSequence;
    }

    /** Writes the records to where there is room for them in one piece. */
    void copyTo(PacketPage page, long position) {
        page.buffer().put(page.at(position), records, 0, used);
    }
}
