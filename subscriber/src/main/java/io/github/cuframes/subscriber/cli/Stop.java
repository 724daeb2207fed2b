package io.github.cuframes.subscriber.cli;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Whether a signal asked the command to end. On SIGINT or SIGTERM the JVM runs a hook, which lets the command say its last
 * words and then leaves with the command's own status instead of the signal's.
 */
final class Stop {

    /** Time to end in good order, in milliseconds; then what blocks is interrupted, and gets as long again. */
    private static final long PATIENCE_MILLIS = 900;

    private final CountDownLatch finished = new CountDownLatch(1);
    private volatile boolean requested;
    private volatile int status;
    private Thread interruptible;

    /** A stop that is requested when the JVM is told to end. */
    static Stop onSignals() {
        Stop stop = new Stop();
        Runtime.getRuntime().addShutdownHook(new Thread(stop::shutdown, "stop"));
        return stop;
    }

    private void shutdown() {
        request();
        try {
            if (!finished.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                interrupt();
                if (!finished.await(PATIENCE_MILLIS, TimeUnit.MILLISECONDS)) {
                    return; // the JVM ends with the signal's status
                }
            }
        } catch (InterruptedException e) {
            return;
        }
        Runtime.getRuntime().halt(status);
    }

    private synchronized void interrupt() {
        if (interruptible != null) {
            interruptible.interrupt();
        }
    }

    /** Does something that may block and whose end may be forced by an interrupt; what it throws then is of no interest. */
    <T> T interruptibly(Callable<T> work) throws Exception {
        synchronized (this) {
            interruptible = Thread.currentThread();
        }
        try {
            return work.call();
        } finally {
            synchronized (this) {
                interruptible = null;
            }
        }
    }

    /** Asks the command to end. */
    void request() {
        requested = true;
    }

    boolean isRequested() {
        return requested;
    }

    /** The command is done: its output is written. */
    void finished(int exitStatus) {
        System.out.flush();
        status = exitStatus;
        finished.countDown();
    }
}
