package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import java.util.ArrayList;
import java.util.List;

/** Reads a page of packets as the document says, and releases nothing by itself. */
final class PacketReader {

    /** What was read of a record. */
    record Read(PacketConfig config, long sequence, long pts, int flags, int lostBefore, byte[] bytes) {
        boolean isKey() {
            return FrameFlag.KEY.in(flags);
        }

        boolean breaks() {
            return FrameFlag.DISCONTINUITY.in(flags);
        }
    }

    final PacketPage page;
    long position;
    int streams;
    int paddings;
    private PacketConfig config;

    PacketReader(PacketPage page) {
        this.page = page;
    }

    /** All packets that are there. */
    List<Read> readAll() {
        List<Read> found = new ArrayList<>();
        long written = page.written();
        while (position < written) {
            int at = page.at(position);
            int size = PacketRecord.bytes(page.buffer(), at);
            long length = PacketRecord.length(size);
            assertEquals(0, position % PacketRecord.SIZE);
            assertTrue(length <= page.untilEnd(position), "in one piece");
            assertTrue(position + length <= written, "complete");
            switch (PacketRecord.kind(page.buffer(), at)) {
                case PacketRecord.PADDING -> {
                    paddings++;
                    assertEquals(page.untilEnd(position), length, "padding goes to the end");
                }
                case PacketRecord.STREAM -> {
                    streams++;
                    config = PacketStream.read(page.buffer(), at + PacketRecord.SIZE, size);
                }
                default -> found.add(packet(at, size));
            }
            position += length;
        }
        return found;
    }

    private Read packet(int at, int size) {
        byte[] bytes = new byte[size];
        page.buffer().get(at + PacketRecord.SIZE, bytes);
        return new Read(
                config,
                PacketRecord.sequence(page.buffer(), at),
                PacketRecord.pts(page.buffer(), at),
                PacketRecord.flags(page.buffer(), at),
                PacketRecord.lostBefore(page.buffer(), at),
                bytes);
    }

    /** Gives back all that was read. */
    void release() {
        page.release(position);
    }
}
