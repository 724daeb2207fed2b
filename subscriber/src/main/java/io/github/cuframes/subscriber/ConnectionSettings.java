package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/** How to connect, whatever is received then; the builders' common part. Not thread-safe. */
final class ConnectionSettings {

    final String key;
    /** Where publishers have their sockets; null for where they put them by default. */
    Path runDirectory;

    boolean reconnect = true;
    Ticker ticker = Ticker.SYSTEM;
    private String name = "java " + ProcessHandle.current().pid();
    private Duration connectTimeout = Duration.ofSeconds(5);

    ConnectionSettings(String key) {
        RunDirectory.requireKey(key);
        this.key = key;
    }

    String name() {
        return name;
    }

    void name(String seen) {
        int bytes = seen.getBytes(StandardCharsets.UTF_8).length;
        if (bytes == 0 || bytes > SubscriberSlot.NAME_SIZE || seen.indexOf(0) >= 0) {
            throw new IllegalArgumentException(
                    "a subscriber's name has 1 to " + SubscriberSlot.NAME_SIZE + " bytes in UTF-8, not " + bytes);
        }
        this.name = seen;
    }

    Duration connectTimeout() {
        return connectTimeout;
    }

    void connectTimeout(Duration timeout) {
        if (timeout.isNegative()) {
            throw new IllegalArgumentException("a timeout is not negative: " + timeout);
        }
        this.connectTimeout = timeout;
    }
}
