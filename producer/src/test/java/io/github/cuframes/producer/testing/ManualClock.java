package io.github.cuframes.producer.testing;

import io.github.cuframes.producer.ingest.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Time that goes by only while somebody waits for it, and then at once. */
public final class ManualClock implements Clock {

    private final List<Long> waits = new ArrayList<>();
    private long now;

    @Override
    public synchronized long nanoTime() {
        return now;
    }

    @Override
    public synchronized boolean await(CountDownLatch stop, long nanos) {
        waits.add(nanos);
        now += nanos;
        return stop.getCount() == 0;
    }

    /** Lets time go by. */
    public synchronized void advance(long nanos) {
        now += nanos;
    }

    /** What was waited for, in nanoseconds. */
    public synchronized List<Long> waits() {
        return List.copyOf(waits);
    }
}
