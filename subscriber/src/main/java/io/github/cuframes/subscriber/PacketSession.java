package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection of a subscriber of packets: greeting, page, and the packets that are open.
 *
 * <p>One thread at a time uses it; {@link #close()} and what packets call are for any. A {@link ProtocolException} from
 * here means that the publisher broke the protocol.
 */
final class PacketSession implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PacketSession.class);

    private final ControlConnection connection;
    private final String key;

    private volatile PacketPage page;
    private volatile ImportedFile file;
    private long epoch;
    private PacketConfig config;
    private long read;
    private long lastSequence;

    private boolean ended;
    private Message.Failure failure;
    private ByeReason bye;

    /** In the order in which they were taken; guarded by itself. */
    private final ArrayDeque<Packet> open = new ArrayDeque<>();

    PacketSession(ControlConnection connection, String key) {
        this.connection = connection;
        this.key = key;
    }

    /** Says HELLO. */
    void hello(String library, String name) throws IOException {
        Incoming.send(
                connection,
                new Message.Hello(
                        ProtocolVersion.CURRENT,
                        library,
                        key,
                        name,
                        Role.PACKETS,
                        DeliveryMode.LATEST,
                        0,
                        0,
                        MemoryKind.HOST.bit(),
                        (int) ProcessHandle.current().pid(),
                        List.of()));
    }

    /** Whether WELCOME was mapped and answered. */
    boolean isGreeted() {
        return page != null;
    }

    /** Whether the socket has nothing more to say. */
    boolean isEnded() {
        return ended;
    }

    /** The publisher's last word, or null. */
    Message.Failure failure() {
        return failure;
    }

    /** Why the publisher left in good order, or null. */
    ByeReason bye() {
        return bye;
    }

    /**
     * Reads and handles one message.
     *
     * @param timeoutNanos how long to wait for it at most
     * @return whether there was one, or the end
     */
    boolean receive(long timeoutNanos) throws ProtocolException {
        if (ended) {
            return true;
        }
        try {
            ReceiveStatus status = connection.receive(timeoutNanos);
            if (status == ReceiveStatus.NOTHING) {
                return false;
            }
            if (status == ReceiveStatus.END) {
                ended = true;
            } else if (!Incoming.isDoorbell(connection) || page == null) {
                handle(Incoming.decode(connection));
            }
            return true;
        } catch (ProtocolException e) {
            throw e;
        } catch (IOException e) {
            if (Incoming.isBreach(e)) {
                throw Incoming.violation(e.getMessage());
            }
            LOG.debug("the connection to {} failed", key, e);
            ended = true;
            return true;
        }
    }

    private void handle(Message message) throws IOException {
        if (message == null) {
            return; // a later version's
        }
        if (message instanceof Message.Failure told) {
            failure = told;
            ended = true;
        } else if (message instanceof Message.Bye left) {
            bye = left.reason();
            ended = true;
        } else if (message instanceof Message.Welcome welcome && page == null) {
            greet(welcome);
        } else {
            connection.takeDescriptors().forEach(Descriptors::close);
            throw Incoming.violation("a " + message.type() + " message came to a subscriber of packets");
        }
    }

    private void greet(Message.Welcome welcome) throws IOException {
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(welcome, files, 2);
        try {
            // looked at once: that it is the right publisher's; what it shows is for observers
            Incoming.ring(files.get(0), welcome, key);
            if (!PacketPage.isCapacity(welcome.packetPageSize() - PacketPage.SIZE)) {
                throw Incoming.violation("WELCOME announces a page of packets of " + welcome.packetPageSize()
                        + " bytes, which there cannot be");
            }
        } catch (ProtocolException e) {
            files.forEach(Descriptors::close);
            throw e;
        }
        file = Incoming.map(() -> ImportedFile.readWrite(files.get(1), welcome.packetPageSize()));
        try {
            page = PacketPage.open(file.buffer(), welcome.epoch(), welcome.subscriberId());
        } catch (IllegalArgumentException e) {
            throw Incoming.violation(e.getMessage());
        }
        epoch = welcome.epoch();
        Incoming.send(connection, new Message.Ack(0));
    }

    /** Whether there is something that was not read. Cheap. */
    boolean hasRecord() {
        return page.written() != read;
    }

    /** Says that this side is about to block; whether it may, since nothing has come meanwhile. */
    boolean fallAsleep() {
        page.sleeping(true);
        return page.written() == read;
    }

    void wakeUp() {
        page.sleeping(false);
    }

    /** The next packet; null if there is none now. */
    Packet take() throws ProtocolException {
        while (true) {
            long written = page.written();
            if (written == read) {
                return null;
            }
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
                try {
                    config = PacketStream.read(page.buffer(), at + PacketRecord.SIZE, bytes);
                } catch (IllegalArgumentException e) {
                    throw Incoming.violation(e.getMessage());
                }
            }
            synchronized (open) {
                releaseRead();
            }
        }
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

    /** Says something and nothing after it; whether it arrives does not matter. */
    void sayLast(Message message) {
        try {
            Incoming.send(connection, message);
        } catch (IOException e) {
            LOG.debug("the connection to {} ended before the last word", key, e);
        }
    }

    /** Ends the connection; packets that are open stay readable. A second call does nothing. */
    @Override
    public void close() {
        ImportedFile mapped = file;
        if (mapped != null) {
            mapped.close(); // lets go of it; the mapping ends when no packet refers to it
        }
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", key, e);
        }
    }
}
