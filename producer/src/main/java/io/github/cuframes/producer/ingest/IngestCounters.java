package io.github.cuframes.producer.ingest;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counters with one writer and any number of readers; nobody waits. A reader may see one counter of a frame a moment
 * before another.
 */
public final class IngestCounters {

    private static final int COUNT = IngestCounter.values().length;

    private final AtomicLongArray values = new AtomicLongArray(COUNT);

    IngestCounters() {}

    /** The count so far; any thread. */
    public long get(IngestCounter counter) {
        return values.get(counter.ordinal());
    }

    /** The writer's. */
    void add(IngestCounter counter, long amount) {
        int index = counter.ordinal();
        values.setRelease(index, values.getPlain(index) + amount);
    }

    /** The writer's. */
    void increment(IngestCounter counter) {
        add(counter, 1);
    }
}
