package io.github.cuframes.producer.pattern;

import java.time.Instant;
import java.util.concurrent.locks.LockSupport;

/** Time as {@link TestPatternSource} sees it. */
interface Pacer {

    /** The system's time. */
    Pacer SYSTEM = new Pacer() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public long epochNanos() {
            Instant now = Instant.now();
            return now.getEpochSecond() * 1_000_000_000L + now.getNano();
        }

        @Override
        public void park(long nanos) {
            LockSupport.parkNanos(this, nanos);
        }
    };

    /** Monotonic time in nanoseconds, from any origin. */
    long nanoTime();

    /** Nanoseconds since 1970-01-01 UTC. */
    long epochNanos();

    /** Waits so many nanoseconds, or less for any reason or none; unparking the thread ends it. */
    void park(long nanos);
}
