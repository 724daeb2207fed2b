package io.github.cuframes.subscriber;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/** How to subscribe to packets; see {@link PacketSubscriber#builder}. Not thread-safe. */
public final class PacketSubscriberBuilder {

    final ConnectionSettings connection;

    PacketSubscriberBuilder(String key) {
        this.connection = new ConnectionSettings(key);
    }

    /** Where publishers have their sockets; by default where they put them by default. */
    public PacketSubscriberBuilder runDirectory(Path directory) {
        connection.runDirectory = Objects.requireNonNull(directory, "directory");
        return this;
    }

    /** What operators see; 1 to 48 bytes of UTF-8. By default "java" and the process id. */
    public PacketSubscriberBuilder name(String seen) {
        connection.name(seen);
        return this;
    }

    /** Whether to connect again when the publisher is gone and comes back, or another takes the key; true by default. */
    public PacketSubscriberBuilder reconnect(boolean again) {
        connection.reconnect = again;
        return this;
    }

    /** How long {@link #connect()} waits for a publisher; 5 s by default. */
    public PacketSubscriberBuilder connectTimeout(Duration timeout) {
        connection.connectTimeout(timeout);
        return this;
    }

    /**
     * Connects. Returns when the publisher has accepted; its first packet may be long in coming.
     *
     * @throws SubscriberException if there is no publisher within the time given, or it says no
     */
    public PacketSubscriber connect() {
        PacketSubscriber subscriber = new PacketSubscriber(this);
        subscriber.connector.connectFirst(connection.connectTimeout());
        return subscriber;
    }
}
