package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.layout.SubscriberPage;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/** How to subscribe; see {@link Subscriber#builder}. Not thread-safe. */
public final class SubscriberBuilder {

    final ConnectionSettings connection;
    DeliveryPolicy policy = DeliveryPolicy.latest();
    int credits;
    long spinNanos;
    String gpu;
    boolean copyToMyGpu;

    SubscriberBuilder(String key) {
        this.connection = new ConnectionSettings(key);
    }

    /** Where publishers have their sockets; by default where they put them by default. */
    public SubscriberBuilder runDirectory(Path directory) {
        connection.runDirectory = Objects.requireNonNull(directory, "directory");
        return this;
    }

    /** Which frames to get; by default the newest. */
    public SubscriberBuilder policy(DeliveryPolicy chosen) {
        this.policy = Objects.requireNonNull(chosen, "policy");
        return this;
    }

    /**
     * Frames that the application may hold at a time, those waiting in its queue included; each costs the publisher a
     * slot.
     *
     * @param leases 1 to 64, or 0 to leave it to the publisher (2 for latest, depth + 1 for fifo, 4 for lossless)
     */
    public SubscriberBuilder credits(int leases) {
        if (leases < 0 || leases > SubscriberPage.CAPACITY) {
            throw new IllegalArgumentException("a subscriber has 1 to " + SubscriberPage.CAPACITY
                    + " credits (0: as the publisher likes), not " + leases);
        }
        this.credits = leases;
        return this;
    }

    /** What operators see; 1 to 48 bytes of UTF-8. By default "java" and the process id. */
    public SubscriberBuilder name(String seen) {
        connection.name(seen);
        return this;
    }

    /**
     * For how long to watch memory before a wait goes to sleep on the socket; zero by default. A spinning wait sees a
     * frame within a microsecond or two instead of some tens, and costs a processor core.
     */
    public SubscriberBuilder spin(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("a time to spin is not negative: " + duration);
        }
        this.spinNanos = Connector.toNanos(duration);
        return this;
    }

    /** Whether to connect again when the publisher is gone and comes back, or another takes the key; true by default. */
    public SubscriberBuilder reconnect(boolean again) {
        connection.reconnect = again;
        return this;
    }

    /** How long {@link #connect()} waits for a publisher; 5 s by default. */
    public SubscriberBuilder connectTimeout(Duration timeout) {
        connection.connectTimeout(timeout);
        return this;
    }

    /**
     * The GPU that is to read frames of GPU memory; by default the one that they lie on if this process sees it, else the
     * first that it sees. Frames of another GPU are read through peer access; where the two have none, the subscriber is
     * told so. Means nothing for frames of host memory.
     *
     * @param indexOrUuid its number in this process, or its UUID with or without {@code GPU-}
     */
    public SubscriberBuilder gpu(String indexOrUuid) {
        this.gpu = Objects.requireNonNull(indexOrUuid, "indexOrUuid");
        return this;
    }

    /**
     * Whether frames of another GPU than the one that reads are copied to it, instead of being read where they lie; false by
     * default. Each frame costs a copy then, which this process queues and pays for, and each credit the memory of a frame on
     * the GPU that reads. {@link SubscriberStatistics#copied()} counts.
     */
    public SubscriberBuilder copyToMyGpu(boolean copy) {
        this.copyToMyGpu = copy;
        return this;
    }

    SubscriberBuilder ticker(Ticker time) {
        connection.ticker = time;
        return this;
    }

    /**
     * Connects. Returns when the publisher has accepted; its first frame may be long in coming.
     *
     * @throws SubscriberException if there is no publisher within the time given, or it says no
     */
    public Subscriber connect() {
        Subscriber subscriber = new Subscriber(this);
        subscriber.connector.connectFirst(connection.connectTimeout());
        return subscriber;
    }
}
