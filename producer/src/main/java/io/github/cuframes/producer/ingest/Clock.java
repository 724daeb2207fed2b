package io.github.cuframes.producer.ingest;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Monotonic time, and waiting for it; another one is passed in where a test makes time go by itself. */
public interface Clock {

    /** The machine's. */
    Clock SYSTEM = new Clock() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public boolean await(CountDownLatch stop, long nanos) throws InterruptedException {
            return stop.await(nanos, TimeUnit.NANOSECONDS);
        }
    };

    /** Nanoseconds since an arbitrary moment. */
    long nanoTime();

    /**
     * Waits.
     *
     * @param stop ends the wait at once when it is open
     * @param nanos the longest wait
     * @return whether {@code stop} is open
     * @throws InterruptedException if the thread is interrupted
     */
    boolean await(CountDownLatch stop, long nanos) throws InterruptedException;
}
