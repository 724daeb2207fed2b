package io.github.cuframes.subscriber;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The other side of a test, on a thread of its own. */
final class Script<T> implements AutoCloseable {

    private final FutureTask<T> task;

    private Script(FutureTask<T> task) {
        this.task = task;
    }

    static <T> Script<T> start(Callable<T> steps) {
        FutureTask<T> task = new FutureTask<>(steps);
        Thread thread = new Thread(task, "script");
        thread.setDaemon(true);
        thread.start();
        return new Script<>(task);
    }

    boolean isDone() {
        return task.isDone();
    }

    /** Waits for its end and what it returned. */
    T join() {
        try {
            return task.get(60, TimeUnit.SECONDS);
        } catch (InterruptedException | ExecutionException | TimeoutException e) {
            throw new AssertionError("the script failed", e);
        }
    }

    @Override
    public void close() {
        join();
    }
}
