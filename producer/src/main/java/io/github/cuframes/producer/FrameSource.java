package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.IngestCounter;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;

/** What fills the slots of a producer, on a thread of its own. */
interface FrameSource {

    /** Begins; once. */
    void start() throws IOException;

    /**
     * Ends and waits for the thread, but no longer than that.
     *
     * @return whether it has ended, so that nothing uses a slot or the GPU any more
     */
    boolean stop(Duration timeout);

    /** What it has counted. */
    Map<IngestCounter, Long> counters();

    /** What it has counted for one of its renditions, from 0. */
    Map<IngestCounter, Long> renditionCounters(int rendition);
}
