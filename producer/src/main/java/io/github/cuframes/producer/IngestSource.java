package io.github.cuframes.producer;

import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.ingest.Ingest;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.IngestState;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A camera or file. */
final class IngestSource implements FrameSource {

    private static final Logger LOG = LoggerFactory.getLogger(IngestSource.class);

    private final Ingest ingest;
    private final ProducerListener listener;
    private boolean hasStreamed;

    IngestSource(IngestOptions options, FrameWriters writers, ProducerListener listener) {
        this.listener = listener;
        this.ingest = new Ingest(options, writers, this::changed);
    }

    private void changed(IngestState from, IngestState to, IOException cause) {
        switch (to) {
            case CONNECTING -> {
                if (!hasStreamed) {
                    listener.stateChanged(SourceState.CONNECTING, null);
                }
            }
            case STREAMING -> {
                hasStreamed = true;
                listener.stateChanged(SourceState.STREAMING, null);
            }
            case WAITING ->
                listener.stateChanged(hasStreamed ? SourceState.RECONNECTING : SourceState.CONNECTING, cause);
            case ENDED -> listener.stateChanged(SourceState.ENDED, null);
            case FAILED -> listener.stateChanged(SourceState.FAILED, cause);
            default -> LOG.debug("from {} to {}", from, to);
        }
    }

    @Override
    public void start() {
        ingest.start();
    }

    @Override
    public boolean stop(Duration timeout) {
        try {
            if (ingest.stop(timeout)) {
                return true;
            }
            LOG.warn("the source is still in a system call after {} ms and is left to itself", timeout.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    @Override
    public Map<IngestCounter, Long> counters() {
        Map<IngestCounter, Long> counters = new EnumMap<>(IngestCounter.class);
        for (IngestCounter counter : IngestCounter.values()) {
            counters.put(counter, ingest.counters().get(counter));
        }
        return counters;
    }
}
