package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.message.SubscriberState;
import java.time.Duration;

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

    private final Counters counters = new Counters();
    /** The builder's to connect. */
    final Connector<Frame> connector;

    Subscriber(SubscriberBuilder builder) {
        String key = builder.connection.key;
        Ticker ticker = builder.connection.ticker;
        FrameSession.Wish wish = new FrameSession.Wish(
                builder.policy,
                builder.credits,
                builder.spinNanos,
                new GpuChoice.Wish(builder.gpu, builder.copyToMyGpu));
        this.connector = new Connector<>(
                builder.connection, "frame", connection -> new FrameSession(connection, key, ticker, wish, counters));
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

    /** The stream's name. */
    public String key() {
        return connector.key();
    }

    /** Where the connection stands. */
    public SubscriberState state() {
        return connector.state();
    }

    /**
     * Whether no frame will ever come again: the publisher said that its source has ended, or left and {@link
     * SubscriberBuilder#reconnect} is off. What had been delivered was returned before.
     */
    public boolean isAtEnd() {
        return connector.isAtEnd();
    }

    /** What was counted so far. */
    public SubscriberStatistics statistics() {
        return counters.snapshot(connector.reconnects());
    }

    /** {@link #next(long)} with a duration. */
    public Frame next(Duration timeout) {
        return next(Connector.toNanos(timeout));
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
        return connector.next(timeoutNanos, "use a subscriber for each thread, or start() a handler");
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
        connector.close();
    }
}
