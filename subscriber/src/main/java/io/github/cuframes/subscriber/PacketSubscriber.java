package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.message.SubscriberState;
import java.time.Duration;

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

    private final PacketCounters counters = new PacketCounters();
    /** The builder's to connect. */
    final Connector<Packet> connector;

    PacketSubscriber(PacketSubscriberBuilder builder) {
        String key = builder.connection.key;
        Ticker ticker = builder.connection.ticker;
        this.connector = new Connector<>(
                builder.connection, "packet", connection -> new PacketSession(connection, key, ticker, counters));
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
        return connector.key();
    }

    /** Where the connection stands. */
    public SubscriberState state() {
        return connector.state();
    }

    /**
     * Whether no packet will ever come again: the publisher said that its source has ended, or left and {@link
     * PacketSubscriberBuilder#reconnect} is off. What had been written was returned before.
     */
    public boolean isAtEnd() {
        return connector.isAtEnd();
    }

    /** What was counted so far. */
    public PacketStatistics statistics() {
        return counters.snapshot(connector.reconnects());
    }

    /** {@link #next(long)} with a duration. */
    public Packet next(Duration timeout) {
        return next(Connector.toNanos(timeout));
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
        return connector.next(timeoutNanos, "use a subscriber for each thread");
    }

    /**
     * Ends the connection. Packets that are open stay readable. A thread in {@link #next} gets an {@link
     * IllegalStateException}. A second call does nothing.
     */
    @Override
    public void close() {
        connector.close();
    }
}
