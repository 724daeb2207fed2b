package io.github.cuframes.producer.ingest;

import java.time.Duration;
import java.util.Objects;

/**
 * What to read and how.
 *
 * @param url the input
 * @param transport how RTSP carries media; ignored for other inputs
 * @param openTimeout until the stream's description is there: name resolution, connection, handshake, probing
 * @param readTimeout between two packets
 * @param loop at the end of a file, start over; pts go on from where they were
 * @param realtime hand out the packets of a file no earlier than their time stamps say
 */
public record SourceOptions(
        SafeUrl url,
        RtspTransport transport,
        Duration openTimeout,
        Duration readTimeout,
        boolean loop,
        boolean realtime) {

    private static final Duration LONGEST = Duration.ofDays(1);

    /** Checks the values. */
    public SourceOptions {
        Objects.requireNonNull(url, "url");
        Objects.requireNonNull(transport, "transport");
        check(openTimeout, "open timeout");
        check(readTimeout, "read timeout");
    }

    private static void check(Duration timeout, String what) {
        if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(what + " " + timeout + " is out of range; give 1 ms to 1 day");
        }
    }

    /** TCP, 10 s to open, 5 s between packets, once, as fast as it can. */
    public static SourceOptions of(SafeUrl url) {
        return new SourceOptions(url, RtspTransport.TCP, Duration.ofSeconds(10), Duration.ofSeconds(5), false, false);
    }

    /** The same with another transport. */
    public SourceOptions withTransport(RtspTransport value) {
        return new SourceOptions(url, value, openTimeout, readTimeout, loop, realtime);
    }

    /** The same with other deadlines. */
    public SourceOptions withTimeouts(Duration open, Duration read) {
        return new SourceOptions(url, transport, open, read, loop, realtime);
    }

    /** The same, starting over at the end or not. */
    public SourceOptions withLoop(boolean value) {
        return new SourceOptions(url, transport, openTimeout, readTimeout, value, realtime);
    }

    /** The same, paced or not. */
    public SourceOptions withRealtime(boolean value) {
        return new SourceOptions(url, transport, openTimeout, readTimeout, loop, value);
    }
}
