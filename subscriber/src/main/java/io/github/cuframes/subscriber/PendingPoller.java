package io.github.cuframes.subscriber;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process's thread that polls {@link PendingWork}, so that leases end also while nobody is in {@link Subscriber#next}.
 * It sleeps while nothing is waited for. A daemon; it begins with the first work.
 */
final class PendingPoller {

    static final PendingPoller SHARED = new PendingPoller();

    private static final Logger LOG = LoggerFactory.getLogger(PendingPoller.class);
    private static final long STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private final List<PendingWork> watched = new ArrayList<>();
    private boolean started;

    private PendingPoller() {}

    /** Looks at it until it is empty. */
    synchronized void watch(PendingWork work) {
        if (work.watched) {
            return;
        }
        work.watched = true;
        watched.add(work);
        if (!started) {
            started = true;
            Thread thread = new Thread(this::run, "cuframes-releases");
            thread.setDaemon(true);
            thread.start();
        }
        notifyAll();
    }

    /** Whether nothing is looked at, and all that was has been given back. */
    synchronized boolean isIdle() {
        return watched.isEmpty();
    }

    private void run() {
        while (true) {
            try {
                awaitWork();
                PendingWork work;
                for (int i = 0; (work = at(i)) != null; i++) {
                    work.poll();
                }
            } catch (InterruptedException e) {
                LOG.debug("interrupted, which ends nothing: leases must end as long as the process lives", e);
            } catch (RuntimeException e) {
                LOG.warn("a frame that the GPU has read could not be given back", e);
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
    }

    private synchronized PendingWork at(int index) {
        return index < watched.size() ? watched.get(index) : null;
    }

    private synchronized void awaitWork() throws InterruptedException {
        for (int i = watched.size() - 1; i >= 0; i--) {
            if (watched.get(i).isEmpty()) {
                watched.remove(i).watched = false;
            }
        }
        while (watched.isEmpty()) {
            wait();
        }
    }
}
