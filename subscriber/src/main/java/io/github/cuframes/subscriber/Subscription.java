package io.github.cuframes.subscriber;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscriber with a thread: made by {@link Subscriber#start}, ended by {@link #close()}, which closes the subscriber too.
 * Any thread may call any method.
 */
public final class Subscription implements AutoCloseable {

    /** How long {@link #close()} waits for a handler to return. */
    public static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    private static final Logger LOG = LoggerFactory.getLogger(Subscription.class);
    private static final long WAIT_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Subscriber subscriber;
    private final FrameHandler handler;
    private final Thread thread;

    private final Object lock = new Object();
    private boolean closing;
    /** Whether the handler has a frame. */
    private boolean handling;

    Subscription(Subscriber subscriber, FrameHandler handler) {
        this.subscriber = subscriber;
        this.handler = handler;
        this.thread = new Thread(this::run, "cuframes-" + subscriber.key());
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try {
            while (!isClosing() && !subscriber.isAtEnd()) {
                try (Frame frame = subscriber.next(WAIT_NANOS)) {
                    if (frame != null && begin()) {
                        handle(frame);
                    }
                }
            }
            if (!isClosing()) {
                handler.onEnd();
            }
        } catch (RuntimeException e) {
            if (!isClosing()) {
                handler.onFailure(e);
            }
        }
    }

    private boolean isClosing() {
        synchronized (lock) {
            return closing;
        }
    }

    private boolean begin() {
        synchronized (lock) {
            handling = !closing;
            return handling;
        }
    }

    private void handle(Frame frame) {
        try {
            handler.onFrame(frame);
        } catch (Exception e) {
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            handler.onFailure(e);
        } finally {
            synchronized (lock) {
                handling = false;
            }
        }
    }

    /** What was counted so far. */
    public SubscriberStatistics statistics() {
        return subscriber.statistics();
    }

    /** Whether the thread still takes frames. */
    public boolean isRunning() {
        return thread.isAlive();
    }

    /**
     * Ends the subscription: a wait ends at once, a handler is given {@link #CLOSE_TIMEOUT} to return and its frame's lease
     * ends then at the latest. Called by the handler itself it does not wait. A second call waits as well.
     */
    @Override
    public void close() {
        boolean idle;
        synchronized (lock) {
            closing = true;
            idle = !handling;
        }
        boolean byHandler = Thread.currentThread() == thread;
        if (idle || byHandler) {
            subscriber.close();
        }
        if (byHandler) {
            return;
        }
        try {
            thread.join(CLOSE_TIMEOUT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        subscriber.close();
        if (thread.isAlive()) {
            LOG.warn(
                    "the handler of {} has not returned within {} s; the lease on its frame has ended",
                    subscriber.key(),
                    CLOSE_TIMEOUT.toSeconds());
        }
    }
}
