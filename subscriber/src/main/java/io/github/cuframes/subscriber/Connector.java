package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.RunDirectory;
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
 * The way to a publisher: connects and greets, hands out what a {@link Session} receives, notices its end and connects again.
 * The states are those of {@link SubscriberState}, which has their edges.
 *
 * <p>One thread at a time is in {@link #next}; all else is for any.
 *
 * @param <T> what is received
 */
final class Connector<T> implements AutoCloseable {

    /** Makes the session of a connection. */
    interface Opener<T> {
        Session<T> open(ControlConnection connection);
    }

    private static final Logger LOG = LoggerFactory.getLogger(Connector.class);

    private static final long HANDSHAKE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final String NO_ANSWER =
            "it took the connection and says nothing; see whether its process is stopped";
    /** Less than this leaves no time for an answer. */
    private static final long SHORTEST_CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private static final long LONGEST_CONNECT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_WAIT_NANOS = Long.MAX_VALUE / 2;

    private final String key;
    private final Path namedDirectory;
    private final String name;
    private final boolean reconnect;
    private final Ticker ticker;
    private final String item;
    private final Opener<T> opener;

    private final Backoff backoff;
    private final AtomicLong connections = new AtomicLong();
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean inNext = new AtomicBoolean();
    /** Guards the pair of {@link #session} and {@link #closed}, so that no session begins after the end. */
    private final Object lifecycle = new Object();

    private volatile SubscriberState state = SubscriberState.DISCONNECTED;
    private volatile boolean atEnd;
    private volatile Session<T> session;
    private long handshakeDeadline;
    /** Why nothing will come any more, or null. */
    private SubscriberException refusal;

    private boolean tried;
    private String lastProblem = "";

    /** What is received is called an item, as in "the items cannot be read". */
    Connector(ConnectionSettings settings, String item, Opener<T> opener) {
        this.key = settings.key;
        this.namedDirectory = settings.runDirectory;
        this.name = settings.name();
        this.reconnect = settings.reconnect;
        this.ticker = settings.ticker;
        this.item = item;
        this.opener = opener;
        this.backoff = new Backoff(ticker.nanoTime());
    }

    static long toNanos(Duration duration) {
        try {
            return Math.min(duration.toNanos(), LONGEST_WAIT_NANOS);
        } catch (ArithmeticException e) {
            return LONGEST_WAIT_NANOS; // 146 years will do
        }
    }

    String key() {
        return key;
    }

    SubscriberState state() {
        return state;
    }

    /** Whether nothing will ever come again, though nobody refused. */
    boolean isAtEnd() {
        return atEnd;
    }

    /** Connections made after the first. */
    long reconnects() {
        return Math.max(0, connections.get() - 1);
    }

    /**
     * Connects for the first time; what cannot be connected is closed.
     *
     * @throws SubscriberException if there is no publisher in time, or it says no
     */
    void connectFirst(Duration timeout) {
        try {
            connectWithin(Math.max(toNanos(timeout), SHORTEST_CONNECT_NANOS));
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void connectWithin(long wait) {
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
     * Waits for the next item, connecting again when the publisher went away and comes back.
     *
     * @param timeoutNanos how long to wait at most; 0 looks without waiting
     * @param advice what to do where another thread is in here
     * @return null if none came in time, and at once when {@link #isAtEnd()}
     */
    T next(long timeoutNanos, String advice) {
        if (!inNext.compareAndSet(false, true)) {
            throw new IllegalStateException(
                    "another thread is waiting for a " + item + " of \"" + key + "\"; " + advice);
        }
        try {
            long wait = Math.max(0, Math.min(timeoutNanos, LONGEST_WAIT_NANOS));
            return await(ticker.nanoTime() + wait);
        } finally {
            inNext.set(false);
        }
    }

    private T await(long deadline) {
        int rounds = 0;
        while (!atEnd) {
            requireOpen();
            boolean progress = true;
            if (state == SubscriberState.STREAMING) {
                Session<T> current = session;
                T taken = take(current);
                if (taken != null) {
                    return taken;
                }
                if (current.isEnded() && current.pauseNanos() == 0) {
                    leave(current);
                } else {
                    progress = await(current, deadline);
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

    private void requireOpen() {
        if (isClosed()) {
            throw new IllegalStateException("the subscriber of \"" + key + "\" is closed");
        }
        if (refusal != null) {
            throw refusal;
        }
    }

    private boolean isClosed() {
        return closed.getCount() == 0;
    }

    private T take(Session<T> current) {
        try {
            return current.take();
        } catch (ProtocolException e) {
            throw refuse(current, e);
        }
    }

    /** Waits for something to take or a message; whether there may be something new. */
    private boolean await(Session<T> current, long deadline) {
        long pause = current.pauseNanos();
        try {
            if (pause <= 0) {
                return current.await(deadline);
            }
            if (!current.isEnded() && current.receive(0)) {
                return true; // it may end what is waited for
            }
            pause(Math.min(deadline - ticker.nanoTime(), pause));
            return false;
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
        pause(Math.min(backoff.remaining(now), deadline - now));
        if (!isClosed() && backoff.remaining(ticker.nanoTime()) <= 0) {
            become(SubscriberState.CONNECTING);
        }
    }

    private void pause(long nanos) {
        if (nanos > 0) {
            try {
                ticker.await(closed, nanos);
            } catch (InterruptedException e) {
                throw interrupted();
            }
        }
    }

    private void connect(long deadline) {
        long now = ticker.nanoTime();
        tried = true;
        Session<T> begun = null;
        try {
            RunDirectory directory =
                    RunDirectory.resolve(namedDirectory, System.getenv(), RunDirectory.Role.SUBSCRIBER);
            long wait = Math.max(1_000_000, Math.min(deadline - now, LONGEST_CONNECT_NANOS));
            begun = opener.open(ControlConnection.connect(directory.socketOf(key), Duration.ofNanos(wait)));
            synchronized (lifecycle) {
                session = begun;
                if (isClosed()) {
                    begun.close();
                    return;
                }
            }
            handshakeDeadline = now + HANDSHAKE_NANOS;
            begun.greet(name);
            become(SubscriberState.HANDSHAKE);
        } catch (IOException e) {
            if (begun != null) {
                begun.close(); // the one that could not say HELLO
            }
            disconnected(e.getMessage());
        }
    }

    private void greet(long deadline, boolean first) {
        Session<T> current = session;
        try {
            current.receive(Math.min(deadline, handshakeDeadline) - ticker.nanoTime());
        } catch (ProtocolException e) {
            throw refuse(current, e);
        }
        if (current.isGreeted()) {
            become(SubscriberState.STREAMING);
            if (isClosed()) {
                current.close(); // also what was mapped since close() looked
            }
            backoff.succeeded();
            connections.incrementAndGet();
            LOG.debug("subscribed to {}", key);
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
    private void leave(Session<T> current) {
        Message.Failure failure = current.failure();
        ByeReason bye = current.bye();
        boolean interrupted = Thread.currentThread().isInterrupted() && failure == null && bye == null;
        if (interrupted || failure != null) {
            current.revoke(); // the publisher lives and ends the leases
        }
        current.close();
        if (interrupted) {
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
        if (bye == ByeReason.END_OF_STREAM || bye != null && !reconnect) {
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
    private SubscriberException refused(Session<T> current, Message.Failure failure) {
        current.close();
        return refuseWith(new SubscriberException(
                "the producer of \"" + key + "\" refuses (" + failure.code() + "): " + current.reason(failure),
                failure.code(),
                null));
    }

    /** The publisher broke the protocol, or its memory is where this process cannot read it. */
    private SubscriberException refuse(Session<T> current, ProtocolException e) {
        current.sayLast(Incoming.failure(e));
        current.revoke();
        current.close();
        String sentence = e.code() == ErrorCode.MEMORY_UNREACHABLE
                ? "the " + item + "s of \"" + key + "\" cannot be read here: " + e.getMessage()
                : "the producer of \"" + key + "\" cannot be understood: " + e.getMessage()
                        + "; see that both sides run the same version of cuframes";
        return refuseWith(new SubscriberException(sentence, e.code(), e));
    }

    private SubscriberException refuseWith(SubscriberException exception) {
        refusal = exception;
        become(SubscriberState.REFUSED);
        return exception;
    }

    private SubscriberException interrupted() {
        Thread.currentThread().interrupt();
        return new SubscriberException("waiting for a " + item + " of \"" + key + "\" was interrupted", null, null);
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

    /** Ends the connection. A thread in {@link #next} gets an {@link IllegalStateException}. A second call does nothing. */
    @Override
    public void close() {
        Session<T> last;
        synchronized (lifecycle) {
            if (isClosed()) {
                return;
            }
            closed.countDown();
            state = SubscriberState.CLOSED;
            last = session;
        }
        if (last != null) {
            if (last.isGreeted()) {
                last.leave();
            }
            last.close();
        }
    }
}
