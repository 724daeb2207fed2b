package io.github.cuframes.producer.isolate;

import io.github.cuframes.producer.watch.Watchdog;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Keeps one process for each camera alive.
 *
 * <p>A worker that crashes or hangs is started again, with a backoff that doubles; the others do not notice. Each worker owns
 * its camera's socket: the next one takes it over, and subscribers connect to it by themselves. A worker ends when this
 * process does, whatever ended it, because its stdin ends then.
 *
 * <p>Time counts as {@link Watchdog} has it, so that a supervisor that was stopped does not kill workers for heartbeats that
 * it did not hear. One thread is in {@link #run}; every other method may be called by any.
 */
public final class Supervisor {

    private final Map<String, Worker> workers = new LinkedHashMap<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stopping;
    private volatile Thread thread;

    /** A supervisor without workers. */
    public Supervisor() {}

    /**
     * Adds a worker, before {@link #run}.
     *
     * @param key the camera, for logs; one worker each
     */
    public Supervisor add(String key, WorkerLauncher launcher, RestartPolicy policy) {
        if (workers.containsKey(key)) {
            throw new IllegalArgumentException("two workers with the key \"" + key + "\"; a key is one camera's");
        }
        workers.put(key, new Worker(key, launcher, policy));
        return this;
    }

    /**
     * Adds a worker that is a JVM like this one.
     *
     * @param mainClass is to use a {@link SupervisorLink}
     */
    public Supervisor add(String key, String mainClass, List<String> arguments, RestartPolicy policy) {
        return add(key, () -> JavaWorker.start(key, mainClass, arguments), policy);
    }

    /**
     * Starts the workers and looks after them until all have come to their end, or {@link #stop} was called or the thread
     * interrupted.
     */
    public void run() {
        thread = Thread.currentThread();
        Watchdog watchdog = new Watchdog(System.nanoTime());
        workers.values().forEach(watchdog::add);
        watchdog.add(this::stopIfTold);
        try {
            while (!isOver()) {
                watchdog.check(System.nanoTime());
                stopping |= Thread.interrupted();
                LockSupport.parkNanos(stopping ? Watchdog.PERIOD.toNanos() / 10 : Watchdog.PERIOD.toNanos());
            }
        } finally {
            ended.countDown();
        }
    }

    private void stopIfTold(long nanos) {
        if (stopping) {
            workers.values().forEach(worker -> worker.stop(nanos));
        }
    }

    private boolean isOver() {
        return workers.values().stream().allMatch(worker -> worker.state().isFinal());
    }

    /** Tells all workers to end, and {@link #run} to return when they have, a few seconds later at most. */
    public void stop() {
        stopping = true;
        Thread running = thread;
        if (running != null) {
            LockSupport.unpark(running);
        }
    }

    /** Waits until {@link #run} has come to its end. False if that takes longer. */
    public boolean awaitEnd(long timeout, TimeUnit unit) throws InterruptedException {
        return ended.await(timeout, unit);
    }

    /** Whether each worker came to its end as it should: by itself with status 0, or in time when it was told to. */
    public boolean isWell() {
        return workers.values().stream().allMatch(Worker::isWell);
    }
}
