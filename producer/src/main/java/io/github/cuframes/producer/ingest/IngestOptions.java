package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.decode.DecoderOptions;
import io.github.cuframes.producer.watch.CallLimits;
import io.github.cuframes.producer.watch.NativeCall;
import io.github.cuframes.protocol.frame.Rational;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * What to read, how to decode it, and how often to try.
 *
 * @param source the input
 * @param decoder the decoder
 * @param filter an FFmpeg filter graph that changes the frames; null if none does
 * @param rate the most frames a second of the main stream, the others being left out before they are filtered; null for all
 * @param firstRetry the wait before each of the first attempts to reconnect, then doubled for each
 * @param longestRetry the longest wait between two attempts
 * @param callTimeout the longest that a native call may take before it counts as hung, beyond the deadlines of the source
 * @param retryFirst whether to try again also when there was no connection yet; otherwise the first failure is final,
 *     since it is most likely a mistake in the command
 * @param taps who gets the packets, too
 */
public record IngestOptions(
        SourceOptions source,
        DecoderOptions decoder,
        String filter,
        Rational rate,
        Duration firstRetry,
        Duration longestRetry,
        Duration callTimeout,
        boolean retryFirst,
        List<PacketTap> taps) {

    /** Of native calls: by far longer than any takes, on a machine that works. */
    public static final Duration CALL_TIMEOUT = Duration.ofSeconds(30);

    /** Checks that everything is there. */
    public IngestOptions {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(decoder, "decoder");
        Objects.requireNonNull(firstRetry, "firstRetry");
        Objects.requireNonNull(longestRetry, "longestRetry");
        Objects.requireNonNull(callTimeout, "callTimeout");
        taps = List.copyOf(taps);
    }

    /** Attempts every half second at first and every 15 seconds in the end. */
    public static IngestOptions of(SourceOptions source) {
        return new IngestOptions(
                source,
                DecoderOptions.DEFAULT,
                null,
                null,
                Duration.ofMillis(500),
                Duration.ofSeconds(15),
                CALL_TIMEOUT,
                false,
                List.of());
    }

    /** The same with another decoder. */
    public IngestOptions withDecoder(DecoderOptions value) {
        return new IngestOptions(source, value, filter, rate, firstRetry, longestRetry, callTimeout, retryFirst, taps);
    }

    /** The same with another filter graph; null for none. */
    public IngestOptions withFilter(String value) {
        return new IngestOptions(source, decoder, value, rate, firstRetry, longestRetry, callTimeout, retryFirst, taps);
    }

    /** The same with another rate; null for every frame. */
    public IngestOptions withRate(Rational value) {
        return new IngestOptions(
                source, decoder, filter, value, firstRetry, longestRetry, callTimeout, retryFirst, taps);
    }

    /** The same with other waits. */
    public IngestOptions withRetries(Duration first, Duration longest) {
        return new IngestOptions(source, decoder, filter, rate, first, longest, callTimeout, retryFirst, taps);
    }

    /** The same, patient from the start or not. */
    public IngestOptions withRetryFirst(boolean value) {
        return new IngestOptions(source, decoder, filter, rate, firstRetry, longestRetry, callTimeout, value, taps);
    }

    /** The same with others who get the packets. */
    public IngestOptions withTaps(List<PacketTap> value) {
        return new IngestOptions(
                source, decoder, filter, rate, firstRetry, longestRetry, callTimeout, retryFirst, value);
    }

    /** The same with another limit for native calls. */
    public IngestOptions withCallTimeout(Duration value) {
        return new IngestOptions(source, decoder, filter, rate, firstRetry, longestRetry, value, retryFirst, taps);
    }

    /**
     * For how long each native call may go on. Whoever waits for the network has its deadline first. A pipe is waited for
     * as long as its writer likes, and a filter's first use may compile kernels.
     */
    CallLimits callLimits() {
        CallLimits limits = new CallLimits(callTimeout)
                .with(NativeCall.SET_UP, callTimeout.multipliedBy(4))
                .with(NativeCall.FILTER, callTimeout.multipliedBy(4));
        SafeUrl url = source.url();
        if (url.isFile() && !Files.isRegularFile(Path.of(url.path()))) {
            return limits.without(NativeCall.OPEN).without(NativeCall.READ);
        }
        return limits.with(NativeCall.OPEN, callTimeout.plus(source.openTimeout()))
                .with(NativeCall.READ, callTimeout.plus(source.readTimeout()));
    }
}
