package io.github.cuframes.tests.faults;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Measures for how long this machine keeps a thread that only wants to wake up: the load that all others have to bear too. */
final class Stalls implements AutoCloseable {

    private static final long PERIOD_NANOS = 10_000_000;

    private final AtomicLong longest = new AtomicLong();
    private final Thread thread = new Thread(this::watch, "stalls");
    private volatile boolean closed;

    Stalls() {
        thread.setDaemon(true);
        thread.start();
    }

    private void watch() {
        while (!closed) {
            long due = System.nanoTime() + PERIOD_NANOS;
            LockSupport.parkNanos(PERIOD_NANOS);
            longest.accumulateAndGet(System.nanoTime() - due, Math::max);
        }
    }

    void begin() {
        longest.set(0);
    }

    /** The longest stall since {@link #begin}, in nanoseconds. */
    long longest() {
        return Math.max(0, longest.get());
    }

    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
