package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/** How to subscribe to packets; see {@link PacketSubscriber#builder}. Not thread-safe. */
public final class PacketSubscriberBuilder {

    final String key;
    Path runDirectory;
    String name = "java " + ProcessHandle.current().pid();
    boolean reconnect = true;
    Duration connectTimeout = Duration.ofSeconds(5);
    Ticker ticker = Ticker.SYSTEM;

    PacketSubscriberBuilder(String key) {
        RunDirectory.requireKey(key);
        this.key = key;
    }

    /** Where publishers have their sockets; by default where they put them by default. */
    public PacketSubscriberBuilder runDirectory(Path directory) {
        this.runDirectory = Objects.requireNonNull(directory, "directory");
        return this;
    }

    /** What operators see; 1 to 48 bytes of UTF-8. By default "java" and the process id. */
    public PacketSubscriberBuilder name(String seen) {
        int bytes = seen.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > SubscriberSlot.NAME_SIZE || seen.indexOf(0) >= 0) {
            throw new IllegalArgumentException(
                    "a subscriber's name has 1 to " + SubscriberSlot.NAME_SIZE + " bytes in UTF-8, not " + bytes);
        }
        this.name = seen;
        return this;
    }

    /** Whether to connect again when the publisher is gone and comes back, or another takes the key; true by default. */
    public PacketSubscriberBuilder reconnect(boolean again) {
        this.reconnect = again;
        return this;
    }

    /** How long {@link #connect()} waits for a publisher; 5 s by default. */
    public PacketSubscriberBuilder connectTimeout(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("a timeout is not negative: " + timeout);
        }
        this.connectTimeout = timeout;
        return this;
    }

    /**
     * Connects. Returns when the publisher has accepted; its first packet may be long in coming.
     *
     * @throws SubscriberException if there is no publisher within the time given, or it says no
     */
    public PacketSubscriber connect() {
        PacketSubscriber subscriber = new PacketSubscriber(this);
        try {
            subscriber.connectWithin(Subscriber.toNanos(connectTimeout));
            return subscriber;
        } catch (RuntimeException | Error e) {
            subscriber.close();
            throw e;
        }
    }
}
