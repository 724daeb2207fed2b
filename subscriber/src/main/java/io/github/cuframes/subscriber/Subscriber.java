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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Receives the frames of one stream, in place.
 *
 * <pre>
 *   try (Subscriber subscriber = Subscriber.connect("cam1")) {
 *       while (!subscriber.isAtEnd()) {
 *           try (Frame frame = subscriber.next(Duration.ofSeconds(1))) {
 *               if (frame != null) {
 *                   detect(frame.plane(0), frame.pitch(0), frame.width(), frame.height());
 *               }
 *           }
 *       }
 *   }
 * </pre>
 *
 * <p><b>Threads.</b> One thread at a time calls {@link #next}; a second one is turned away with an {@link
 * IllegalStateException}. Everything else, {@link #close()} included, is for any thread. The subscriber has no thread of
 * its own, unless {@link #start} is called: a connection is looked after, and made anew, inside {@code next}.
 *
 * <p><b>Allocation.</b> {@code next} makes one {@link Frame} for each frame: 104 bytes, measured on a 64-bit JVM 17 with
 * compressed references. One that has to wait on the socket makes 16 to 36 bytes more (measured with lossless, some of
 * it for REQUESTs). Each {@link Frame#plane} makes a buffer object. Connecting and changes of size or format make more.
 */
public final class Subscriber implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Subscriber.class);

    private static final long HANDSHAKE_NANOS = TimeUnit.SECONDS.toNanos(5);
    private static final String NO_ANSWER =
            "it took the connection and says nothing; see whether its process is stopped";
    /** Less than this leaves no time for an answer. */
    private static final long SHORTEST_CONNECT_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** How often to look whether the GPU has done with a frame that the next one needs the place of. */
    private static final long GPU_STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private static final long LONGEST_CONNECT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_WAIT_NANOS = Long.MAX_VALUE / 2;

    static final String LIBRARY = library();

    private final String key;
    private final Path namedDirectory;
    private final DeliveryPolicy policy;
    private final int credits;
    private final String name;
    private final long spinNanos;
    private final boolean reconnect;
    private final GpuChoice.Wish wish;
    private final Ticker ticker;

    private final Counters counters = new Counters();
    private final Backoff backoff;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final AtomicBoolean inNext = new AtomicBoolean();
    /** Guards the pair of {@link #session} and {@link #closed}, so that no session begins after the end. */
    private final Object lifecycle = new Object();

    private volatile SubscriberState state = SubscriberState.DISCONNECTED;
    private volatile boolean atEnd;
    private volatile Session session;
    private long handshakeDeadline;
    /** Why there will be no frame any more, or null. */
    private SubscriberException refusal;

    private boolean tried;
    private String lastProblem = "";

    Subscriber(SubscriberBuilder builder) {
        this.key = builder.connection.key;
        this.namedDirectory = builder.connection.runDirectory;
        this.policy = builder.policy;
        this.credits = builder.credits;
        this.name = builder.connection.name();
        this.spinNanos = builder.spinNanos;
        this.reconnect = builder.connection.reconnect;
        this.wish = new GpuChoice.Wish(builder.gpu, builder.copyToMyGpu);
        this.ticker = builder.connection.ticker;
        this.backoff = new Backoff(ticker.nanoTime());
    }

    private static String library() {
        String version = Subscriber.class.getPackage().getImplementationVersion();
        return "cuframes-java " + (version == null ? "dev" : version);
    }

    /**
     * Subscribes to the newest frames of a stream in the default run directory, waiting 5 s for its publisher.
     *
     * @param key the stream's name
     * @throws SubscriberException if there is no publisher, or it says no
     * @throws IllegalArgumentException if this is no valid key
     */
    public static Subscriber connect(String key) {
        return builder(key).connect();
    }

    /**
     * Subscribes with other settings than the defaults.
     *
     * @throws IllegalArgumentException if this is no valid key
     */
    public static SubscriberBuilder builder(String key) {
        return new SubscriberBuilder(key);
    }

    static long toNanos(Duration duration) {
        try {
            return Math.min(duration.toNanos(), LONGEST_WAIT_NANOS);
        } catch (ArithmeticException e) {
            return LONGEST_WAIT_NANOS; // 146 years will do
        }
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
     * Whether no frame will ever come again: the publisher said that its source has ended, or left and {@link
     * SubscriberBuilder#reconnect} is off. What had been delivered was returned before.
     */
    public boolean isAtEnd() {
        return atEnd;
    }

    /** What was counted so far. */
    public SubscriberStatistics statistics() {
        return counters.snapshot();
    }

    /** {@link #next(long)} with a duration. */
    public Frame next(Duration timeout) {
        return next(toNanos(timeout));
    }

    /**
     * Waits for the next frame according to the policy, connecting again when the publisher went away and comes back.
     *
     * <p>Interrupting a thread in here ends the connection (as for any channel of the JDK); this call then throws with the
     * thread's interrupt status set, and a later one connects again.
     *
     * @param timeoutNanos how long to wait at most; 0 looks without waiting
     * @return a frame, the caller's to close; null if none came in time, and at once when {@link #isAtEnd()}
     * @throws SubscriberException if the publisher refused or broke the protocol, and asking again would not help; also if
     *     it is gone without a word and {@link SubscriberBuilder#reconnect} is off
     * @throws IllegalStateException if this is closed, if another thread is in here, or if the application holds as many
     *     frames as it has credits
     */
    public Frame next(long timeoutNanos) {
        if (!inNext.compareAndSet(false, true)) {
            throw new IllegalStateException("another thread is waiting for a frame of \"" + key
                    + "\"; use a subscriber for each thread, or start() a handler");
        }
        try {
            long wait = Math.max(0, Math.min(timeoutNanos, LONGEST_WAIT_NANOS));
            return awaitFrame(ticker.nanoTime() + wait);
        } finally {
            inNext.set(false);
        }
    }

    private Frame awaitFrame(long deadline) {
        int rounds = 0;
        while (!atEnd) {
            requireOpen();
            boolean progress = true;
            if (state == SubscriberState.STREAMING) {
                Session current = session;
                current.poll();
                requireCredit(current);
                Frame frame = take(current);
                if (frame != null) {
                    return frame;
                }
                if (current.isEnded()) {
                    leave(current);
                } else {
                    progress = awaitDelivery(current, deadline);
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
        if (closed.getCount() == 0) {
            throw new IllegalStateException("the subscriber of \"" + key + "\" is closed");
        }
        if (refusal != null) {
            throw refusal;
        }
    }

    private void requireCredit(Session current) {
        if (current.leases().areUsedUp()) {
            throw new IllegalStateException("all " + current.leases().credits() + " frames that the subscriber of \""
                    + key + "\" may hold are held; close one, or ask for more credits");
        }
    }

    private Frame take(Session current) {
        try {
            return current.take();
        } catch (ProtocolException e) {
            throw refuse(current, e);
        }
    }

    /** Waits for a delivery or a message; whether there may be something new. */
    private boolean awaitDelivery(Session current, long deadline) {
        long now = ticker.nanoTime();
        if (current.isMemoryMissing()) {
            return receive(current, Math.min(deadline - now, Session.MEMORY_NANOS));
        }
        if (current.isBufferMissing()) {
            pause(Math.min(deadline - now, GPU_STEP_NANOS));
            return false;
        }
        if (spinNanos > 0) {
            long spinEnd = now + Math.min(spinNanos, deadline - now);
            while (now - spinEnd < 0) {
                if (current.hasDelivery()) {
                    return true;
                }
                Thread.onSpinWait();
                now = ticker.nanoTime();
            }
        }
        if (!current.fallAsleep()) {
            current.wakeUp();
            return true;
        }
        try {
            return receive(current, deadline - now) || current.hasDelivery();
        } finally {
            current.wakeUp();
        }
    }

    private boolean receive(Session current, long nanos) {
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
        pause(Math.min(backoff.remaining(now), deadline - now));
        if (closed.getCount() > 0 && backoff.remaining(ticker.nanoTime()) <= 0) {
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
        try {
            RunDirectory directory =
                    RunDirectory.resolve(namedDirectory, System.getenv(), RunDirectory.Role.SUBSCRIBER);
            long wait = Math.max(1_000_000, Math.min(deadline - now, LONGEST_CONNECT_NANOS));
            ControlConnection connection = ControlConnection.connect(directory.socketOf(key), Duration.ofNanos(wait));
            Session begun = new Session(connection, key, policy, wish, ticker, counters);
            synchronized (lifecycle) {
                session = begun;
                if (closed.getCount() == 0) {
                    begun.close();
                    return;
                }
            }
            handshakeDeadline = now + HANDSHAKE_NANOS;
            begun.hello(LIBRARY, name, credits);
            become(SubscriberState.HANDSHAKE);
        } catch (IOException e) {
            if (session != null) {
                session.close(); // the one that could not say HELLO
            }
            disconnected(e.getMessage());
        }
    }

    private void greet(long deadline, boolean first) {
        Session current = session;
        long now = ticker.nanoTime();
        receive(current, Math.min(deadline, handshakeDeadline) - now);
        if (current.isGreeted()) {
            become(SubscriberState.STREAMING);
            backoff.succeeded();
            counters.connected();
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

    /** The connection has ended and its queue is read empty. */
    private void leave(Session current) {
        Message.Failure failure = current.failure();
        if (Thread.currentThread().isInterrupted() && failure == null && current.bye() == null) {
            current.leases().revoke(); // the publisher lives and ends our leases
            current.close();
            disconnected("its thread was interrupted");
            throw interrupted();
        }
        if (failure != null) {
            current.leases().revoke();
            if (!reconnect || !Incoming.isWorthTryingAgain(failure.code())) {
                throw refused(current, failure);
            }
            LOG.warn("the producer of {} ended the subscription, trying again: {}", key, failure.printableText());
            current.close();
            disconnected(failure.printableText());
            backoff.refused(ticker.nanoTime());
            return;
        }
        current.close();
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
    private SubscriberException refused(Session current, Message.Failure failure) {
        current.close();
        return refuseWith(new SubscriberException(
                "the producer of \"" + key + "\" refuses (" + failure.code() + "): " + failure.printableText(),
                failure.code(),
                null));
    }

    /** The publisher broke the protocol, or its frames are where this process cannot read them. */
    private SubscriberException refuse(Session current, ProtocolException e) {
        current.sayLast(Incoming.failure(e));
        if (current.leases() != null) {
            current.leases().revoke();
        }
        current.close();
        String sentence = e.code() == ErrorCode.MEMORY_UNREACHABLE
                ? "the frames of \"" + key + "\" cannot be read here: " + e.getMessage()
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
        return new SubscriberException("waiting for a frame of \"" + key + "\" was interrupted", null, null);
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
     * Has a thread of the library take the frames: from now on the subscription owns this subscriber, and {@link #next} is
     * its to call.
     *
     * @param handler called on that thread, which is a daemon, for each frame
     * @return what ends it
     */
    public Subscription start(FrameHandler handler) {
        return new Subscription(this, handler);
    }

    /**
     * Ends the connection and with it the leases of all frames: they can no longer be read, so close them before. A
     * thread in {@link #next} gets an {@link IllegalStateException}. A second call does nothing.
     */
    @Override
    public void close() {
        Session last;
        synchronized (lifecycle) {
            if (closed.getCount() == 0) {
                return;
            }
            closed.countDown();
            state = SubscriberState.CLOSED;
            last = session;
        }
        if (last != null) {
            if (last.leases() != null) {
                last.warnOfOpenFrames();
                last.leases().revoke();
                last.sayLast(new Message.Bye(ByeReason.CLOSING));
            }
            last.close();
        }
    }
}
