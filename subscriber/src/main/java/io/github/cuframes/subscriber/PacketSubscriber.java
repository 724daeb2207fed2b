package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.SubscriberState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the encoded packets of one stream: from the last keyframe on, in order. Who does not read in time misses packets
 * up to a keyframe, which then says so: {@link Packet#breaksStream()}.
 *
 * <pre>
 *   try (PacketSubscriber subscriber = PacketSubscriber.connect("cam1")) {
 *       while (!subscriber.isAtEnd()) {
 *           try (Packet packet = subscriber.next(Duration.ofSeconds(1))) {
 *               if (packet != null) {
 *                   write(packet.config(), packet.data());
 *               }
 *           }
 *       }
 *   }
 * </pre>
 *
 * <p><b>Threads.</b> One thread at a time calls {@link #next}; a second one is turned away with an {@link
 * IllegalStateException}. Everything else, {@link #close()} included, is for any thread. The subscriber has no thread of
 * its own: a connection is looked after, and made anew, inside {@code next}.
 */
public final class PacketSubscriber implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(PacketSubscriber.class);

    private static final long HANDSHAKE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final long SHORTEST_CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LONGEST_CONNECT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final String NO_ANSWER =
            "it took the connection and says nothing; see whether its process is stopped";

    /** The first version with packets. */
    private static final int FIRST_MINOR = 2;

    private final String key;
    private final Path namedDirectory;
    private final String name;
    private final boolean reconnect;
    private final Ticker ticker;
    private final Backoff backoff;

    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean inNext = new AtomicBoolean();
    /** Guards the pair of {@link #session} and {@link #closed}, so that no session begins after the end. */
    private final Object lifecycle = new Object();

    private final AtomicLong received = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong gaps = new AtomicLong();
    private final AtomicLong connections = new AtomicLong();
    private long epoch;

    private volatile SubscriberState state = SubscriberState.DISCONNECTED;
    private volatile boolean atEnd;
    private volatile PacketSession session;
    private long handshakeDeadline;
    /** Why there will be no packet any more, or null. */
    private SubscriberException refusal;

    private boolean tried;
    private String lastProblem = "";

    PacketSubscriber(PacketSubscriberBuilder builder) {
        this.key = builder.connection.key;
        this.namedDirectory = builder.connection.runDirectory;
        this.name = builder.connection.name();
        this.reconnect = builder.connection.reconnect;
        this.ticker = builder.connection.ticker;
        this.backoff = new Backoff(ticker.nanoTime());
    }

    /**
     * Subscribes to the packets of a stream in the default run directory, waiting 5 s for its publisher.
     *
     * @param key the stream's name
     * @throws SubscriberException if there is no publisher, or it says no
     * @throws IllegalArgumentException if this is no valid key
     */
    public static PacketSubscriber connect(String key) {
        return builder(key).connect();
    }

    /**
     * Subscribes with other settings than the defaults.
     *
     * @throws IllegalArgumentException if this is no valid key
     */
    public static PacketSubscriberBuilder builder(String key) {
        return new PacketSubscriberBuilder(key);
    }

    /** The stream's name. */
    public String key() {
        return key;
    }

    /** Where the connection stands. */
    public SubscriberState state() {
        return state;
    }

    /**
     * Whether no packet will ever come again: the publisher said that its source has ended, or left and {@link
     * PacketSubscriberBuilder#reconnect} is off. What had been written was returned before.
     */
    public boolean isAtEnd() {
        return atEnd;
    }

    /** What was counted so far. */
    public PacketStatistics statistics() {
        return new PacketStatistics(
                received.get(), bytes.get(), dropped.get(), gaps.get(), Math.max(0, connections.get() - 1));
    }

    /** {@link #next(long)} with a duration. */
    public Packet next(Duration timeout) {
        return next(Subscriber.toNanos(timeout));
    }

    /**
     * Waits for the next packet, connecting again when the publisher went away and comes back.
     *
     * <p>Interrupting a thread in here ends the connection (as for any channel of the JDK); this call then throws with the
     * thread's interrupt status set, and a later one connects again.
     *
     * @param timeoutNanos how long to wait at most; 0 looks without waiting
     * @return a packet, the caller's to close; null if none came in time, and at once when {@link #isAtEnd()}
     * @throws SubscriberException if the publisher refused or broke the protocol, and asking again would not help; also if
     *     it is gone without a word and {@link PacketSubscriberBuilder#reconnect} is off
     * @throws IllegalStateException if this is closed, or if another thread is in here
     */
    public Packet next(long timeoutNanos) {
        if (!inNext.compareAndSet(false, true)) {
            throw new IllegalStateException(
                    "another thread is waiting for a packet of \"" + key + "\"; use a subscriber for each thread");
        }
        try {
            long wait = Math.max(0, Math.min(timeoutNanos, Long.MAX_VALUE / 2));
            return awaitPacket(ticker.nanoTime() + wait);
        } finally {
            inNext.set(false);
        }
    }

    private Packet awaitPacket(long deadline) {
        int rounds = 0;
        while (!atEnd) {
            requireOpen();
            boolean progress;
            if (state == SubscriberState.STREAMING) {
                PacketSession current = session;
                // first: what was written before the end is to be found after it
                boolean ended = current.isEnded();
                Packet packet = take(current);
                if (packet != null) {
                    return count(packet);
                }
                progress = ended || awaitRecord(current, deadline);
                if (ended) {
                    leave(current);
                }
            } else {
                advance(deadline, false);
                progress = state == SubscriberState.STREAMING;
            }
            // what has come is looked at after the deadline too, but a publisher that never stops talking keeps nobody
            if ((!progress || ++rounds > Session.MOST_AT_ONCE) && ticker.nanoTime() - deadline >= 0) {
                return null;
            }
        }
        return null;
    }

    private Packet count(Packet packet) {
        boolean first = received.getAndIncrement() == 0;
        bytes.addAndGet(packet.size());
        dropped.addAndGet(packet.lostBefore());
        if (!first && (packet.breaksStream() || packet.epoch() != epoch)) {
            gaps.incrementAndGet();
        }
        epoch = packet.epoch();
        return packet;
    }

    private void requireOpen() {
        if (closed.getCount() == 0) {
            throw new IllegalStateException("the subscriber of \"" + key + "\" is closed");
        }
        if (refusal != null) {
            throw refusal;
        }
    }

    private Packet take(PacketSession current) {
        try {
            return current.take();
        } catch (ProtocolException e) {
            throw refuse(current, e);
        }
    }

    /** Waits for a record or a message; whether there may be something new. */
    private boolean awaitRecord(PacketSession current, long deadline) {
        if (!current.fallAsleep()) {
            current.wakeUp();
            return true;
        }
        try {
            return receive(current, deadline - ticker.nanoTime()) || current.hasRecord();
        } finally {
            current.wakeUp();
        }
    }

    private boolean receive(PacketSession current, long nanos) {
        try {
            return current.receive(nanos);
        } catch (ProtocolException e) {
            throw refuse(current, e);
        }
    }

    /** A step towards STREAMING. */
    private void advance(long deadline, boolean first) {
        switch (state) {
            case DISCONNECTED -> awaitAttempt(deadline);
            case CONNECTING -> connect(deadline);
            case HANDSHAKE -> greet(deadline, first);
            default -> requireOpen();
        }
    }

    private void awaitAttempt(long deadline) {
        long now = ticker.nanoTime();
        long nanos = Math.min(backoff.remaining(now), deadline - now);
        if (nanos > 0) {
            try {
                ticker.await(closed, nanos);
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }
        if (closed.getCount() > 0 && backoff.remaining(ticker.nanoTime()) <= 0) {
            become(SubscriberState.CONNECTING);
        }
    }

    private void connect(long deadline) {
        long now = ticker.nanoTime();
        tried = true;
        PacketSession begun = null;
        try {
            RunDirectory directory =
                    RunDirectory.resolve(namedDirectory, System.getenv(), RunDirectory.Role.SUBSCRIBER);
            long wait = Math.max(1_000_000, Math.min(deadline - now, LONGEST_CONNECT_NANOS));
            begun = new PacketSession(ControlConnection.connect(directory.socketOf(key), Duration.ofNanos(wait)), key);
            synchronized (lifecycle) {
                session = begun;
                if (closed.getCount() == 0) {
                    begun.close();
                    return;
                }
            }
            handshakeDeadline = now + HANDSHAKE_NANOS;
            begun.hello(Subscriber.LIBRARY, name);
            become(SubscriberState.HANDSHAKE);
        } catch (IOException e) {
            if (begun != null) {
                begun.close(); // the one that could not say HELLO
            }
            disconnected(e.getMessage());
        }
    }

    private void greet(long deadline, boolean first) {
        PacketSession current = session;
        receive(current, Math.min(deadline, handshakeDeadline) - ticker.nanoTime());
        if (current.isGreeted()) {
            become(SubscriberState.STREAMING);
            backoff.succeeded();
            connections.incrementAndGet();
            LOG.debug("subscribed to the packets of {}", key);
        } else if (current.isEnded()) {
            Message.Failure failure = current.failure();
            if (failure != null && (first || !Incoming.isWorthTryingAgain(failure.code()))) {
                throw refused(current, failure);
            }
            current.close();
            disconnected("the producer ended the connection" + (failure == null ? "" : ": " + failure.printableText()));
            if (failure != null) {
                backoff.refused(ticker.nanoTime());
            }
        } else if (ticker.nanoTime() - handshakeDeadline >= 0) {
            current.close();
            disconnected(NO_ANSWER);
        }
    }

    private void disconnected(String why) {
        lastProblem = why;
        become(SubscriberState.DISCONNECTED);
        backoff.failed(ticker.nanoTime());
    }

    /** The connection has ended and its page is read empty. */
    private void leave(PacketSession current) {
        Message.Failure failure = current.failure();
        current.close();
        if (Thread.currentThread().isInterrupted() && failure == null && current.bye() == null) {
            disconnected("its thread was interrupted");
            throw interrupted();
        }
        if (failure != null) {
            if (!reconnect || !Incoming.isWorthTryingAgain(failure.code())) {
                throw refused(current, failure);
            }
            LOG.warn("the producer of {} ended the subscription, trying again: {}", key, failure.printableText());
            disconnected(failure.printableText());
            backoff.refused(ticker.nanoTime());
            return;
        }
        disconnected("the producer has gone");
        if (current.bye() == ByeReason.END_OF_STREAM || current.bye() != null && !reconnect) {
            atEnd = true;
        } else if (!reconnect) {
            requireOpen();
            refusal = new SubscriberException(
                    "the producer of \"" + key + "\" is gone without a word; see whether it has crashed", null, null);
            throw refusal;
        } else {
            LOG.debug("the producer of {} is gone, waiting for it to come back", key);
        }
    }

    /** The publisher said no. */
    private SubscriberException refused(PacketSession current, Message.Failure failure) {
        current.close();
        ProtocolVersion theirs = failure.version();
        boolean old = failure.code() == ErrorCode.PROTOCOL_VIOLATION && theirs.minor() < FIRST_MINOR;
        return refuseWith(new SubscriberException(
                "the producer of \"" + key + "\" refuses (" + failure.code() + "): "
                        + (old
                                ? "it speaks protocol " + theirs + ", which has no packets; update it"
                                : failure.printableText()),
                failure.code(),
                null));
    }

    /** The publisher broke the protocol. */
    private SubscriberException refuse(PacketSession current, ProtocolException e) {
        current.sayLast(Incoming.failure(e));
        current.close();
        return refuseWith(new SubscriberException(
                "the producer of \"" + key + "\" cannot be understood: " + e.getMessage()
                        + "; see that both sides run the same version of cuframes",
                e.code(),
                e));
    }

    private SubscriberException refuseWith(SubscriberException exception) {
        refusal = exception;
        become(SubscriberState.REFUSED);
        return exception;
    }

    private SubscriberException interrupted() {
        Thread.currentThread().interrupt();
        return new SubscriberException("waiting for a packet of \"" + key + "\" was interrupted", null, null);
    }

    private void become(SubscriberState next) {
        synchronized (lifecycle) {
            if (state != SubscriberState.CLOSED) {
                if (!state.canBecome(next)) {
                    throw new IllegalStateException("a subscriber does not go from " + state + " to " + next);
                }
                state = next;
            }
        }
    }

    /** Connects for the first time. */
    void connectWithin(long nanos) {
        long wait = Math.max(nanos, SHORTEST_CONNECT_NANOS);
        long deadline = ticker.nanoTime() + wait;
        while (state != SubscriberState.STREAMING) {
            if (tried && state != SubscriberState.CONNECTING && ticker.nanoTime() - deadline >= 0) {
                throw new SubscriberException(
                        "no producer of \"" + key + "\" answered within " + TimeUnit.NANOSECONDS.toMillis(wait)
                                + " ms: " + (state == SubscriberState.HANDSHAKE ? NO_ANSWER : lastProblem),
                        null,
                        null);
            }
            advance(deadline, true);
        }
    }

    /**
     * Ends the connection. Packets that are open stay readable. A thread in {@link #next} gets an {@link
     * IllegalStateException}. A second call does nothing.
     */
    @Override
    public void close() {
        PacketSession last;
        synchronized (lifecycle) {
            if (closed.getCount() == 0) {
                return;
            }
            closed.countDown();
            state = SubscriberState.CLOSED;
            last = session;
        }
        if (last != null) {
            if (last.isGreeted()) {
                last.sayLast(new Message.Bye(ByeReason.CLOSING));
            }
            last.close();
        }
    }
}
