package io.github.cuframes.producer.metrics;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.producer.publish.PublisherCounters;
import java.util.Collection;
import java.util.LinkedHashMap;
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

    static Health of(Collection<CameraView> views) throws JsonProcessingException {
        Map<String, Object> health = new LinkedHashMap<>();
        boolean well = views.stream().allMatch(CameraView::isWell);
        health.put("healthy", well);
        health.put("cameras", views.stream().map(Health::describe).toList());
        return new Health(well, JSON.writeValueAsString(health));
    }

    private static Map<String, Object> describe(CameraView view) {
        Map<String, Object> camera = new LinkedHashMap<>();
        camera.put("camera", view.key());
        camera.put("healthy", view.isWell());
        camera.put("state", view.state());
        camera.put(
                "newestFrameAgeSeconds",
                view.producer() == null ? null : age(view.producer().counters()));
        camera.put(
                "lastError", view.lastError() == null ? null : view.lastError().getMessage());
        return camera;
    }

    private static Double age(PublisherCounters counters) {
        return counters.newestNanos() == 0 ? null : (System.nanoTime() - counters.newestNanos()) / NANOS_IN_SECOND;
    }
}
