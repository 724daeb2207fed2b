package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.pattern.TestPatternSource;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;

/** The built-in test pattern. */
final class PatternSource implements FrameSource {

    private final TestPatternSource.Builder builder;
    private final ProducerListener listener;
    private TestPatternSource source;
    private volatile boolean stopping;

    PatternSource(TestPatternSource.Builder builder, ProducerListener listener) {
        this.builder = builder;
        this.listener = listener;
    }

    @Override
    public synchronized void start() throws IOException {
        if (stopping) {
            return;
        }
        listener.stateChanged(SourceState.STREAMING, null);
        source = builder.start();
        source.done().whenComplete((nothing, failure) -> {
            if (stopping) {
                return;
            }
            if (failure == null) {
                listener.stateChanged(SourceState.ENDED, null);
            } else {
                listener.stateChanged(
                        SourceState.FAILED,
                        failure instanceof IOException cause
                                ? cause
                                : new IOException("the test pattern failed: " + failure, failure));
            }
        });
    }

    @Override
    public boolean stop(Duration timeout) {
        TestPatternSource started;
        synchronized (this) {
            stopping = true;
            started = source;
        }
        if (started != null) {
            return started.close(timeout);
        }
        return true;
    }

    @Override
    public Map<IngestCounter, Long> counters() {
        return Map.of();
    }

    @Override
    public Map<IngestCounter, Long> renditionCounters(int rendition) {
        throw new IndexOutOfBoundsException("a test pattern has no renditions");
    }
}
