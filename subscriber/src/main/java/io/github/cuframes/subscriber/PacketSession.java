package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;

/**
 * The page of one connection of a subscriber of packets, and the packets that are open.
 *
 * <p>One thread at a time uses it; {@link #leave()}, {@link #close()} and what packets call are for any.
 */
final class PacketSession extends Session<Packet> {

    /** The first version with packets. */
    private static final int FIRST_MINOR = 2;

    private final PacketCounters counters;

    private PacketPage page;
    private long epoch;
    private PacketConfig config;
    private long read;
    private long lastSequence;

    /** In the order in which they were taken; guarded by itself. */
    private final ArrayDeque<Packet> open = new ArrayDeque<>();

    PacketSession(ControlConnection connection, String key, Ticker ticker, PacketCounters counters) {
        super(connection, key, ticker);
        this.counters = counters;
    }

    @Override
    Message.Hello hello(String name) {
        return Incoming.hello(key, name, Role.PACKETS);
    }

    @Override
    long pageSize(Message.Welcome welcome) throws ProtocolException {
        if (!PacketPage.isCapacity(welcome.packetPageSize() - PacketPage.SIZE)) {
            throw Incoming.violation("WELCOME announces a page of packets of " + welcome.packetPageSize()
                    + " bytes, which there cannot be");
        }
        return welcome.packetPageSize();
    }

    /** The ring was looked at once, that it is the right publisher's; what it shows is for observers. */
    @Override
    void begin(Message.Welcome welcome, Ring ring, ByteBuffer mapped) throws ProtocolException {
        page = Incoming.checked(() -> PacketPage.open(mapped, welcome.epoch(), welcome.subscriberId()));
        epoch = welcome.epoch();
    }

    @Override
    void handle(Message message) throws ProtocolException {
        throw Incoming.violation("a " + message.type() + " message came to a subscriber of packets");
    }

    @Override
    String reason(Message.Failure told) {
        ProtocolVersion theirs = told.version();
        return told.code() == ErrorCode.PROTOCOL_VIOLATION && theirs.minor() < FIRST_MINOR
                ? "it speaks protocol " + theirs + ", which has no packets; update it"
                : super.reason(told);
    }

    @Override
    boolean hasNext() {
        return page.written() != read;
    }

    @Override
    void sleeping(boolean asleep) {
        page.sleeping(asleep);
    }

    @Override
    Packet take() throws ProtocolException {
        for (long written = page.written(); written != read; written = page.written()) {
            if (written < read || written - read > page.capacity()) {
                throw Incoming.violation(
                        "the page has " + page.capacity() + " bytes, and records from " + read + " to " + written);
            }
            int at = page.at(read);
            int kind = PacketRecord.kind(page.buffer(), at);
            int bytes = PacketRecord.bytes(page.buffer(), at);
            long length = bytes < 0 ? Long.MAX_VALUE : PacketRecord.length(bytes);
            if (read % PacketRecord.SIZE != 0 || length > written - read || length > page.untilEnd(read)) {
                throw Incoming.violation("a record of " + Integer.toUnsignedString(bytes) + " bytes at " + read
                        + " reaches beyond " + written + ", or the page's end");
            }
            long begin = read;
            read += length;
            if (kind == PacketRecord.PACKET) {
                return packet(begin, bytes);
            }
            if (kind == PacketRecord.STREAM) {
                config = Incoming.checked(() -> PacketStream.read(page.buffer(), at + PacketRecord.SIZE, bytes));
            }
            synchronized (open) {
                releaseRead();
            }
        }
        return null;
    }

    private Packet packet(long begin, int bytes) throws ProtocolException {
        if (config == null) {
            throw Incoming.violation("a packet came before what holds for it");
        }
        Packet packet = new Packet(this, page, begin, bytes, read, config, epoch);
        if (packet.sequence() <= lastSequence) {
            throw Incoming.violation("packet " + packet.sequence() + " came after packet " + lastSequence);
        }
        lastSequence = packet.sequence();
        synchronized (open) {
            open.addLast(packet);
        }
        counters.returned(packet);
        return packet;
    }

    boolean isClosed(Packet packet) {
        synchronized (open) {
            return packet.closed;
        }
    }

    /** The page is given back up to the oldest packet that is open. */
    void close(Packet packet) {
        synchronized (open) {
            if (packet.closed) {
                return;
            }
            packet.closed = true;
            long done = -1;
            while (!open.isEmpty() && open.peekFirst().closed) {
                done = open.pollFirst().end;
            }
            if (done >= 0) {
                page.release(done);
            }
        }
    }

    /** Wants the lock of {@link #open}. */
    private void releaseRead() {
        if (open.isEmpty()) {
            page.release(read);
        }
    }
}
