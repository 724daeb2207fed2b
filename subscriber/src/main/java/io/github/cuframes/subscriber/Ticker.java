package io.github.cuframes.subscriber;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Time, passed in so that tests can make their own. */
interface Ticker {

    /** The machine's monotonic clock. */
    Ticker SYSTEM = new Ticker() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public void await(CountDownLatch closed, long nanos) throws InterruptedException {
            if (closed.await(nanos, TimeUnit.NANOSECONDS)) {
                return; // the caller looks whether it was closed
            }
        }
    };

    /** Nanoseconds since some moment. */
    long nanoTime();

    /** Waits for some time, or until the latch opens. */
    void await(CountDownLatch closed, long nanos) throws InterruptedException;
}
