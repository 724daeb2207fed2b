package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.AVERROR_ENOMEM;

import io.github.cuframes.producer.decode.DecodeException;
import io.github.cuframes.producer.decode.FrameFacts;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A rendition: an output whose failures do not end the camera. What fails is said once and tried again after a while; the
 * frames until then are lost here and nowhere else. Only a filter that cannot be used on the camera's first frame is a
 * mistake in the command, and ends it. Belongs to the decoding thread.
 */
final class SideOutput implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(SideOutput.class);

    private final String key;
    private final Output output;
    private final IngestCounters counters;
    private final BooleanSupplier unwanted;
    private final Clock clock;
    private final Backoff backoff;
    private boolean proven;
    private boolean idle;
    private String failure;
    private long retryAt;

    /**
     * An output that is guarded from now on.
     *
     * @param unwanted whether a frame need not be made, since nobody would get it
     * @param proven whether its filter was used before, so that no failure is a mistake in the command
     * @param backoff how long to leave it alone after each failure in a row
     */
    SideOutput(
            String key,
            Output output,
            IngestCounters counters,
            BooleanSupplier unwanted,
            boolean proven,
            Clock clock,
            Backoff backoff) {
        this.key = key;
        this.output = output;
        this.counters = counters;
        this.unwanted = unwanted;
        this.proven = proven;
        this.clock = clock;
        this.backoff = backoff;
    }

    /** The sentence of a failure, with the name of the rendition that it is about. */
    static DecodeException named(String key, IOException e) {
        int code = e instanceof DecodeException decode ? decode.code() : 0;
        return new DecodeException("rendition \"" + key + "\": " + e.getMessage(), code, e);
    }

    Output output() {
        return output;
    }

    /**
     * Publishes a frame if somebody wants it, it is due and all is well.
     *
     * @throws DecodeException if its filter cannot be used at all
     */
    void offer(AVFrame frame, Rational timeBase) throws DecodeException {
        if (isIdle()) {
            counters.increment(IngestCounter.UNWANTED);
            return;
        }
        if (!output.takes(FrameFacts.ptsNanos(frame, timeBase))) {
            return;
        }
        if (failure != null && clock.nanoTime() - retryAt < 0) {
            missed();
            return;
        }
        long before = counters.get(IngestCounter.PUBLISHED);
        try {
            output.offer(frame, timeBase);
        } catch (IOException e) {
            fail(e);
            return;
        }
        if (counters.get(IngestCounter.PUBLISHED) != before) {
            succeeded();
        }
    }

    /** The camera's first frame is made in any case: it shows whether the filter can be used, and what the stream is like. */
    private boolean isIdle() {
        boolean wasIdle = idle;
        idle = proven && unwanted.getAsBoolean();
        if (wasIdle && !idle) {
            output.resume();
        }
        return idle;
    }

    /** Publishes what its filter still holds. */
    void drain() throws DecodeException {
        if (failure == null) {
            try {
                output.drain();
            } catch (IOException e) {
                fail(e);
            }
        }
    }

    private void missed() {
        counters.increment(IngestCounter.DROPPED_FAILED);
        output.lose();
    }

    private void succeeded() {
        proven = true;
        if (failure != null) {
            failure = null;
            backoff.reset();
            LOG.info("{}: frames flow again", key);
        }
    }

    private void fail(IOException e) throws DecodeException {
        output.forget();
        missed();
        // memory may be had later; what FFmpeg says of filters and formats stays true
        if (!proven && e instanceof DecodeException decode && decode.code() != AVERROR_ENOMEM()) {
            throw named(key, e);
        }
        long wait = backoff.nextNanos();
        retryAt = clock.nanoTime() + wait;
        String message = Objects.requireNonNullElse(e.getMessage(), e.toString());
        if (message.equals(failure)) {
            LOG.debug("{}: still no frames: {}", key, message);
        } else {
            LOG.warn("{}: no frames, tried again until there are: {}", key, message);
        }
        failure = message;
    }

    @Override
    public void close() {
        output.close();
    }
}
