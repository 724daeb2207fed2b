package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.producer.publish.SubscriberCounters;
import java.util.List;
import java.util.Map;

/**
 * A rendition at one moment.
 *
 * @param key its name
 * @param publisher what has been published and what it takes
 * @param subscribers those who subscribe now
 * @param frames what became of the camera's frames here: {@link IngestCounter#OF_RENDITIONS}
 */
public record RenditionCounters(
        String key,
        PublisherCounters publisher,
        List<SubscriberCounters> subscribers,
        Map<IngestCounter, Long> frames) {}
