package io.github.cuframes.producer.ingest;

import io.github.cuframes.producer.decode.DecoderOptions;
import java.time.Duration;
import java.util.Objects;

/**
 * What to read, how to decode it, and how often to try.
 *
 * @param source the input
 * @param decoder the decoder
 * @param filter an FFmpeg filter graph that changes the frames; null if none does
 * @param firstRetry the wait before the first attempt to reconnect; doubled for each attempt after it
 * @param longestRetry the longest wait between two attempts
 * @param retryFirst whether to try again also when there was no connection yet; otherwise the first failure is final,
 *     since it is most likely a mistake in the command
 */
public record IngestOptions(
        SourceOptions source,
        DecoderOptions decoder,
        String filter,
        Duration firstRetry,
        Duration longestRetry,
        boolean retryFirst) {

    /** Checks that everything is there. */
    public IngestOptions {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(decoder, "decoder");
        Objects.requireNonNull(firstRetry, "firstRetry");
        Objects.requireNonNull(longestRetry, "longestRetry");
    }

    /** Attempts after half a second at first and every 15 seconds in the end. */
    public static IngestOptions of(SourceOptions source) {
        return new IngestOptions(
                source, DecoderOptions.DEFAULT, null, Duration.ofMillis(500), Duration.ofSeconds(15), false);
    }

    /** The same with another decoder. */
    public IngestOptions withDecoder(DecoderOptions value) {
        return new IngestOptions(source, value, filter, firstRetry, longestRetry, retryFirst);
    }

    /** The same with another filter graph; null for none. */
    public IngestOptions withFilter(String value) {
        return new IngestOptions(source, decoder, value, firstRetry, longestRetry, retryFirst);
    }

    /** The same with other waits. */
    public IngestOptions withRetries(Duration first, Duration longest) {
        return new IngestOptions(source, decoder, filter, first, longest, retryFirst);
    }

    /** The same, patient from the start or not. */
    public IngestOptions withRetryFirst(boolean value) {
        return new IngestOptions(source, decoder, filter, firstRetry, longestRetry, value);
    }
}
