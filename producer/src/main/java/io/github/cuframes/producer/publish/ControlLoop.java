package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.FramingException;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.layout.PeerState;
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
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The publisher's thread on the control socket: accepts, receives, keeps deadlines, and is the only one that closes
 * connections. It never waits for a peer. Other threads mark a peer as failed and call {@link #wakeup()}.
 *
 * <p>No peer can keep it from the others: of each it reads {@link #MESSAGES_AT_ONCE} messages and then none for
 * {@link #REST_NANOS}, and it accepts {@link #ACCEPTS_AT_ONCE} connections before it looks at those that it has. When
 * there are as many connections as there may be, the one that has said nothing for longest makes way for a new one, so
 * that half-open connections keep nobody out. What clients bring about is logged within the bounds of {@link LogLimit}.
 */
final class ControlLoop implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ControlLoop.class);

    /** How often deadlines, pages and the heartbeat are looked after, in milliseconds. */
    private static final long TICK_MILLIS = 500;

    /** Connections beyond those that the publisher admits: half-open ones and observers. */
    private static final int SPARE_CONNECTIONS = 2 * PublisherOptions.MAX_OBSERVERS;

    /** Connections that are accepted without looking at anything else. */
    private static final int ACCEPTS_AT_ONCE = 64;

    /** Messages of one peer that are handled without looking at anything else; a handshake has three. */
    private static final int MESSAGES_AT_ONCE = 16;

    /** For how long nothing is read of a peer that had more to say than that. */
    private static final long REST_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

    private static final long JOIN_MILLIS = 2_000;

    private final Admission publisher;
    private final String key;
    private final int maxConnections;
    private final ControlServer server;
    private final Selector selector;
    private final LongSupplier clock;
    private final LogLimit lines;

    /** In the order in which they connected. */
    private final List<Peer> peers = new ArrayList<>();

    /** Those of peers that had more to say and are not read for a moment. */
    private final List<SelectionKey> resting = new ArrayList<>();

    private final Thread thread;

    private SelectionKey listening;
    private long nextTick;
    private long restEnd;
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

    ControlLoop(
            String key,
            int maxSubscribers,
            ControlServer server,
            LongSupplier clock,
            LogLimit lines,
            Admission publisher)
            throws IOException {
        this.key = key;
        this.maxConnections = maxSubscribers + SPARE_CONNECTIONS;
        this.server = server;
        this.clock = clock;
        this.lines = lines;
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
                selector.select(resting.isEmpty() ? TICK_MILLIS : TimeUnit.NANOSECONDS.toMillis(REST_NANOS));
                for (SelectionKey ready : selector.selectedKeys()) {
                    if (!(ready.attachment() instanceof Peer peer)) {
                        accept(ready);
                    } else if (!resting.contains(ready)) {
                        serve(ready, peer);
                    }
                }
                selector.selectedKeys().clear();
                long now = clock.getAsLong();
                if (!resting.isEmpty() && restEnd - now <= 0) {
                    serveRested(now);
                }
                if (nextTick - now <= 0) {
                    nextTick = now + TICK_MILLIS * 1_000_000;
                    listening.interestOps(SelectionKey.OP_ACCEPT);
                    publisher.tick(now);
                    ticks++;
                    int unsaid = lines.renew();
                    if (unsaid > 0) {
                        LOG.warn(
                                "{}: {} more lines about clients were left out; see what connects so often",
                                key,
                                unsaid);
                    }
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
            for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
                ControlConnection connection = server.accept();
                if (connection == null) {
                    return;
                }
                if (peers.size() < maxConnections || makeRoom()) {
                    admit(connection);
                } else {
                    if (lines.take()) {
                        LOG.warn("{}: a connection was closed at once, {} are open", key, peers.size());
                    }
                    connection.close();
                }
            }
        } catch (IOException e) {
            // out of descriptors, most likely: the connection would be reported again at once, so wait for a tick
            ready.interestOps(0);
            LOG.warn("{}: a connection cannot be accepted: {}", key, e.getMessage());
        }
    }

    /** Ends the connection that has waited longest without a HELLO; whether there was one. */
    private boolean makeRoom() {
        for (Peer peer : peers) {
            if (peer.state() == PeerState.CONNECTED) {
                peer.fail(
                        ErrorCode.HANDSHAKE_TIMEOUT,
                        "no HELLO came before others wanted to connect, and " + maxConnections
                                + " connections are open");
                cutOff(peer, peer.failure());
                return true;
            }
        }
        return false;
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

    private void serveRested(long now) {
        List<SelectionKey> rested = List.copyOf(resting);
        resting.clear();
        restEnd = now + REST_NANOS;
        for (SelectionKey ready : rested) {
            serve(ready, (Peer) ready.attachment());
        }
    }

    private void serve(SelectionKey ready, Peer peer) {
        if (peer.connection().isClosed()) {
            return;
        }
        try {
            if (ready.isValid() && peer.connection().hasUnsent()) {
                peer.connection().flush();
            }
            ReceiveStatus status = receive(peer);
            if (status == ReceiveStatus.END) {
                close(peer);
                return;
            }
            boolean rests = status == ReceiveStatus.MESSAGE;
            if (rests) {
                restEnd = resting.isEmpty() ? clock.getAsLong() + REST_NANOS : restEnd;
                resting.add(ready);
            }
            // not valid once the selector has reported that the peer is gone, while what it sent before is still unread
            if (ready.isValid()) {
                ready.interestOps((rests ? 0 : SelectionKey.OP_READ)
                        | (peer.connection().hasUnsent() ? SelectionKey.OP_WRITE : 0));
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

    /** Handles what a peer says; MESSAGE if it has more to say, END if its connection is to be closed. */
    private ReceiveStatus receive(Peer peer) throws IOException {
        boolean requested = false;
        ReceiveStatus status = ReceiveStatus.NOTHING;
        for (int i = 0; i < MESSAGES_AT_ONCE && peer.failure() == null; i++) {
            status = peer.connection().receive(0);
            if (status != ReceiveStatus.MESSAGE) {
                break;
            }
            Message message = MessageCodec.decode(
                    peer.connection().type(), peer.connection().body());
            // any number of REQUESTs in a row asks for the same as one: to look at the page
            boolean request = message instanceof Message.Request;
            if (requested && !request) {
                publisher.request(peer);
            }
            requested = request;
            if (!request && message != null && !handle(peer, message)) {
                return ReceiveStatus.END;
            }
        }
        if (requested && status != ReceiveStatus.END) {
            publisher.request(peer);
        }
        return status;
    }

    /** Whether the connection goes on. */
    private boolean handle(Peer peer, Message message) throws ProtocolException {
        if (message instanceof Message.Hello hello) {
            publisher.greet(peer, hello);
        } else if (message instanceof Message.Ack ack) {
            publisher.acknowledge(peer, ack.generation());
        } else if (message instanceof Message.Bye) {
            return false;
        } else if (message instanceof Message.Failure failure) {
            if (lines.take()) {
                LOG.warn("{}: {} gave up: {} ({})", key, peer, failure.printableText(), failure.code());
            }
            return false;
        } else {
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
                cutOff(peer, failure);
            }
        }
    }

    private void cutOff(Peer peer, ProtocolException failure) {
        if (lines.take()) {
            LOG.warn("{}: {} is cut off: {} ({})", key, peer, failure.getMessage(), failure.code());
        }
        peer.send(new Message.Failure(ProtocolVersion.CURRENT, failure.code(), failure.getMessage()));
        close(peer);
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
