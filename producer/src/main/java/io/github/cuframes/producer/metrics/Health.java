package io.github.cuframes.producer.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Whether all cameras do what they are for, at one moment.
 *
 * @param well whether each streams, or has come to its end in good order
 * @param json an object with that and each camera
 */
record Health(boolean well, String json) {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final double NANOS_IN_SECOND = TimeUnit.SECONDS.toNanos(1);

    static Health of(Collection<Producer> producers) throws JsonProcessingException {
        List<Map<String, Object>> cameras = new ArrayList<>();
        boolean well = true;
        for (Producer producer : producers) {
            boolean camera = isWell(producer);
            cameras.add(describe(producer, camera));
            well &= camera;
        }
        Map<String, Object> health = new LinkedHashMap<>();
        health.put("healthy", well);
        health.put("cameras", cameras);
        return new Health(well, JSON.writeValueAsString(health));
    }

    private static boolean isWell(Producer producer) {
        SourceState state = producer.state();
        return !producer.isClosed() && (state == SourceState.STREAMING || state == SourceState.ENDED);
    }

    private static Map<String, Object> describe(Producer producer, boolean well) {
        PublisherCounters counters = producer.counters();
        Map<String, Object> camera = new LinkedHashMap<>();
        camera.put("camera", producer.key());
        camera.put("healthy", well);
        camera.put("state", producer.isClosed() ? "closed" : producer.state().label());
        camera.put(
                "newestFrameAgeSeconds",
                counters.published() == 0 ? null : (System.nanoTime() - counters.newestNanos()) / NANOS_IN_SECOND);
        camera.put(
                "lastError", producer.lastFailure().map(IOException::getMessage).orElse(null));
        return camera;
    }
}
