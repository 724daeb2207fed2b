package io.github.cuframes.producer.metrics;

import io.github.cuframes.producer.CameraState;
import io.github.cuframes.producer.CameraStatus;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ProducerGroup;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * A camera at one moment, whether it has a producer or not.
 *
 * @param key its name
 * @param source what its source does
 * @param state that in the words of whoever runs it
 * @param lastError what went wrong last, also if it is well again; null if nothing has
 * @param producer for its counters; null while it has none, or a closed one
 */
record CameraView(String key, SourceState source, String state, IOException lastError, Producer producer) {

    /** Whether it streams, or has come to its end in good order. */
    boolean isWell() {
        return (producer != null || state.equals(CameraState.ENDED.label()))
                && (source == SourceState.STREAMING || source == SourceState.ENDED);
    }

    static List<CameraView> of(Collection<Producer> producers) {
        return producers.stream().map(CameraView::of).toList();
    }

    private static CameraView of(Producer producer) {
        boolean closed = producer.isClosed();
        SourceState source = producer.state();
        return new CameraView(
                producer.key(),
                source,
                closed ? "closed" : source.label(),
                producer.lastFailure().orElse(null),
                closed ? null : producer);
    }

    static List<CameraView> of(ProducerGroup group) {
        return group.cameras().stream()
                .map(camera -> of(camera, group.producer(camera.key())))
                .toList();
    }

    private static CameraView of(CameraStatus camera, Optional<Producer> producer) {
        SourceState source =
                switch (camera.state()) {
                    case STARTING, CONNECTING -> SourceState.CONNECTING;
                    case STREAMING -> SourceState.STREAMING;
                    case RECONNECTING, RETRYING -> SourceState.RECONNECTING;
                    case ENDED -> SourceState.ENDED;
                    default -> SourceState.FAILED;
                };
        Producer live = producer.filter(it -> !it.isClosed()).orElse(null);
        return new CameraView(camera.key(), source, camera.state().label(), camera.lastError(), live);
    }
}
