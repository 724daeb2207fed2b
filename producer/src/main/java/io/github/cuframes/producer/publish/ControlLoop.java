package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.FramingException;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.ProtocolException;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The publisher's thread on the control socket: accepts, receives, keeps deadlines, and is the only one that closes
 * connections. It never waits for a peer. Other threads mark a peer as failed and call {@link #wakeup()}.
 */
final class ControlLoop implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ControlLoop.class);

    /** How often deadlines, pages and the heartbeat are looked after, in milliseconds. */
    private static final long TICK_MILLIS = 500;

    /** Connections beyond those that the publisher admits: half-open ones and observers. */
    private static final int SPARE_CONNECTIONS = 2 * PublisherOptions.MAX_OBSERVERS;

    private static final long JOIN_MILLIS = 2_000;

    private final Admission publisher;
    private final String key;
    private final int maxConnections;
    private final ControlServer server;
    private final Selector selector;
    private final LongSupplier clock;
    private final List<Peer> peers = new ArrayList<>();
    private final Thread thread;

    private SelectionKey listening;
    private long nextTick;
    private volatile ByeReason closing;
    private volatile long ticks;

    /** What the loop tells its publisher; each call takes the publisher's lock itself. */
    interface Admission {

        /** A client has introduced itself: answers it, or throws why not. */
        void greet(Peer peer, Message.Hello hello) throws ProtocolException;

        /** A subscriber has mapped what it was sent. */
        void acknowledge(Peer peer, int generation) throws ProtocolException;

        /** A subscriber asks to look at its page. */
        void request(Peer peer) throws ProtocolException;

        /** Time has passed. */
        void tick(long nanos);

        /** A connection has ended; it is told once for each peer that was connected. */
        void gone(Peer peer);
    }

    ControlLoop(String key, int maxSubscribers, ControlServer server, LongSupplier clock, Admission publisher)
            throws IOException {
        this.key = key;
        this.maxConnections = maxSubscribers + SPARE_CONNECTIONS;
        this.server = server;
        this.clock = clock;
        this.publisher = publisher;
        this.selector = ControlServer.openSelector();
        this.thread = new Thread(this::run, "cuframes-control-" + key);
        thread.setDaemon(true);
    }

    void start() throws IOException {
        listening = server.register(selector, null);
        nextTick = clock.getAsLong();
        thread.start();
    }

    /** Has the loop look for failed peers; any thread. */
    void wakeup() {
        selector.wakeup();
    }

    /** Grows twice a second for as long as the loop goes round; any thread. */
    long ticks() {
        return ticks;
    }

    private void run() {
        try {
            while (closing == null) {
                selector.select(TICK_MILLIS);
                for (SelectionKey ready : selector.selectedKeys()) {
                    if (ready.attachment() instanceof Peer peer) {
                        serve(ready, peer);
                    } else {
                        accept(ready);
                    }
                }
                selector.selectedKeys().clear();
                long now = clock.getAsLong();
                if (nextTick - now <= 0) {
                    nextTick = now + TICK_MILLIS * 1_000_000;
                    listening.interestOps(SelectionKey.OP_ACCEPT);
                    publisher.tick(now);
                    ticks++;
                }
                cutOff(now);
            }
        } catch (IOException | RuntimeException e) {
            LOG.error("{}: the control socket failed, nobody can subscribe any more", key, e);
        } finally {
            farewell();
        }
    }

    private void accept(SelectionKey ready) {
        try {
            ControlConnection connection;
            while ((connection = server.accept()) != null) {
                if (peers.size() >= maxConnections) {
                    LOG.warn("{}: a connection was closed at once, {} are open", key, peers.size());
                    connection.close();
                } else {
                    admit(connection);
                }
            }
        } catch (IOException e) {
            // out of descriptors, most likely: the connection would be reported again at once, so wait for a tick
            ready.interestOps(0);
            LOG.warn("{}: a connection cannot be accepted: {}", key, e.getMessage());
        }
    }

    private void admit(ControlConnection connection) throws IOException {
        try {
            long deadline = clock.getAsLong() + PublisherOptions.HANDSHAKE_TIMEOUT.toNanos();
            Peer peer = new Peer(connection, connection.peer(), deadline);
            connection.register(selector, SelectionKey.OP_READ, peer);
            peers.add(peer);
        } catch (IOException e) {
            LOG.debug("{}: a client left while it was accepted", key, e);
            connection.close();
        }
    }

    private void serve(SelectionKey ready, Peer peer) {
        if (peer.connection().isClosed()) {
            return;
        }
        try {
            if (ready.isValid() && ready.isWritable() && peer.connection().flush()) {
                ready.interestOps(SelectionKey.OP_READ);
            }
            ReceiveStatus status;
            while (peer.failure() == null && (status = peer.connection().receive(0)) != ReceiveStatus.NOTHING) {
                if (status == ReceiveStatus.END || !handle(peer)) {
                    close(peer);
                    return;
                }
            }
            if (ready.isValid() && peer.connection().hasUnsent()) {
                ready.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
            }
        } catch (ProtocolException e) {
            peer.fail(e.code(), e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("{}: serving {} failed", key, peer, e);
            peer.fail(ErrorCode.INTERNAL, "the publisher failed: " + e);
        } catch (FramingException e) {
            peer.fail(ErrorCode.PROTOCOL_VIOLATION, e.getMessage());
        } catch (IOException e) {
            LOG.debug("{}: {} is gone", key, peer, e);
            close(peer);
        }
    }

    /** Whether the connection goes on. */
    private boolean handle(Peer peer) throws ProtocolException {
        ControlConnection connection = peer.connection();
        Message message = MessageCodec.decode(connection.type(), connection.body());
        if (message instanceof Message.Hello hello) {
            publisher.greet(peer, hello);
        } else if (message instanceof Message.Ack ack) {
            publisher.acknowledge(peer, ack.generation());
        } else if (message instanceof Message.Request) {
            publisher.request(peer);
        } else if (message instanceof Message.Bye) {
            return false;
        } else if (message instanceof Message.Failure failure) {
            LOG.warn("{}: {} gave up: {} ({})", key, peer, failure.text(), failure.code());
            return false;
        } else if (message != null) {
            throw new ProtocolException(
                    ErrorCode.PROTOCOL_VIOLATION, "a " + message.type() + " message is the publisher's to send");
        }
        return true;
    }

    /** Ends the connections of those that failed, here or on the frame path, or are late. */
    private void cutOff(long now) {
        for (int i = peers.size() - 1; i >= 0; i--) {
            Peer peer = peers.get(i);
            if (peer.isPastDeadline(now)) {
                peer.fail(ErrorCode.HANDSHAKE_TIMEOUT, "the handshake was not finished within 5 s");
            }
            ProtocolException failure = peer.failure();
            if (peer.isDisconnected()) {
                close(peer);
            } else if (failure != null) {
                LOG.warn("{}: {} is cut off: {} ({})", key, peer, failure.getMessage(), failure.code());
                peer.send(new Message.Failure(ProtocolVersion.CURRENT, failure.code(), failure.getMessage()));
                close(peer);
            }
        }
    }

    private void close(Peer peer) {
        if (!peers.remove(peer)) {
            return;
        }
        publisher.gone(peer);
        try {
            peer.connection().close();
        } catch (IOException e) {
            LOG.debug("{}: closing the socket of {} failed", key, peer, e);
        }
    }

    private void farewell() {
        ByeReason reason = closing == null ? ByeReason.CLOSING : closing;
        for (Peer peer : List.copyOf(peers)) {
            peer.send(new Message.Bye(reason));
            close(peer);
        }
        try (selector;
                server) {
            LOG.debug("{}: the control socket is closed", key);
        } catch (IOException e) {
            LOG.warn("{}: closing the control socket failed: {}", key, e.getMessage());
        }
    }

    /** Says goodbye to everybody, closes all sockets and waits for the thread; a second call does nothing. */
    void close(ByeReason reason) {
        closing = reason;
        selector.wakeup();
        try {
            thread.join(JOIN_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        close(ByeReason.CLOSING);
    }
}
