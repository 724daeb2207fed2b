package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.publish.PublisherCounters;
import java.util.Map;

/**
 * A rendition at one moment.
 *
 * @param key its name
 * @param publisher what has been published and what it takes
 * @param frames what became of the camera's frames here: {@link IngestCounter#OF_RENDITIONS}
 */
public record RenditionCounters(String key, PublisherCounters publisher, Map<IngestCounter, Long> frames) {}
