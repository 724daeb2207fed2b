package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A thread that publishes at a steady rate until it is closed; one for each stream, as a producer has. */
final class FrameLoop implements AutoCloseable {

    /** How the threads' names begin. */
    static final String THREAD_NAME = "benchmark-writer";

    private final FrameTransmitter transmitter;
    private final long periodNanos;
    private final Thread thread;
    private long warmUp;
    private volatile boolean closing;
    private volatile IOException failure;

    /** Publishes {@code warmUp} frames as fast as it can, and then {@code rate} a second. Owns the transmitter. */
    FrameLoop(FrameTransmitter transmitter, long warmUp, double rate) {
        this.transmitter = transmitter;
        this.warmUp = warmUp;
        this.periodNanos = (long) (TimeUnit.SECONDS.toNanos(1) / rate);
        this.thread = new Thread(this::run, THREAD_NAME);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            long due = System.nanoTime();
            while (!closing) {
                if (warmUp > 0) {
                    warmUp--;
                    due = System.nanoTime();
                } else {
                    due += periodNanos;
                    LockSupport.parkNanos(Math.max(0, due - System.nanoTime()));
                }
                transmitter.send();
            }
        } catch (IOException e) {
            failure = e;
        }
    }

    long published() {
        if (failure != null) {
            throw new UncheckedIOException(failure);
        }
        return transmitter.sent();
    }

    String[] address() {
        return transmitter.address();
    }

    @Override
    public void close() {
        closing = true;
        LockSupport.unpark(thread);
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        transmitter.close();
    }
}
