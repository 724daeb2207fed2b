package io.github.cuframes.producer.isolate;

import io.github.cuframes.producer.ingest.Backoff;
import io.github.cuframes.producer.watch.Watchdog;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One camera's process, kept alive. {@link WorkerState} has the states. The supervisor's thread looks at it again and again;
 * any thread may ask for its state.
 */
final class Worker implements Watchdog.Watched {

    /** Exit status of a command whose arguments are wrong, which no restart mends. */
    static final int WRONG_ARGUMENTS = 2;

    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);
    private static final int SIGNALLED = 128;
    private static final int TERMINATED = SIGNALLED + 15;
    private static final String[] SIGNALS = {
        null, "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM"
    };

    private final String key;
    private final WorkerLauncher launcher;
    private final RestartPolicy policy;
    private final Backoff backoff;
    private volatile WorkerState state = WorkerState.NEW;

    // the supervisor's thread's
    private WorkerProcess process;
    private long since;
    private long startedAt;
    private long beats;
    private long waitNanos;
    private int restarts;
    private boolean killedWhileStopping;

    Worker(String key, WorkerLauncher launcher, RestartPolicy policy) {
        this.key = key;
        this.launcher = launcher;
        this.policy = policy;
        this.backoff = new Backoff(policy.firstRestart(), policy.longestRestart(), new SplittableRandom());
    }

    String key() {
        return key;
    }

    WorkerState state() {
        return state;
    }

    /** Whether it came to its end as it should. */
    boolean isWell() {
        return state == WorkerState.DONE || state == WorkerState.STOPPED && !killedWhileStopping;
    }

    private void become(WorkerState next, long nanos) {
        if (!state.canBecome(next)) {
            throw new IllegalStateException("no way from " + state + " to " + next);
        }
        state = next;
        since = nanos;
    }

    @Override
    public void check(long nanos) {
        switch (state) {
            case NEW -> start(nanos);
            case WAITING -> {
                if (nanos - since >= waitNanos) {
                    start(nanos);
                }
            }
            case STARTING, RUNNING -> {
                if (!process.isAlive()) {
                    ended(nanos);
                } else {
                    listen(nanos);
                }
            }
            case KILLED -> {
                if (!process.isAlive()) {
                    ended(nanos);
                }
            }
            case STOPPING -> awaitStop(nanos);
            default -> LOG.trace("{}: nothing more to do", key);
        }
    }

    private void start(long nanos) {
        beats = 0;
        try {
            process = launcher.start();
        } catch (IOException e) {
            again(nanos, "its worker cannot be started: " + e.getMessage());
            return;
        }
        startedAt = nanos;
        become(WorkerState.STARTING, nanos);
        LOG.info("{}: worker {} started", key, process.pid());
    }

    private void listen(long nanos) {
        String hang = process.hang();
        if (hang != null) {
            kill(nanos, "hangs: " + hang);
            return;
        }
        long now = process.beats();
        if (now != beats) {
            beats = now;
            if (state == WorkerState.STARTING) {
                become(WorkerState.RUNNING, nanos);
            }
            since = nanos;
            if (process.hasPublished() && nanos - startedAt >= policy.steady().toNanos()) {
                backoff.reset();
                restarts = 0;
            }
            return;
        }
        long limit = (state == WorkerState.STARTING ? policy.start() : policy.heartbeat()).toNanos();
        if (nanos - since >= limit) {
            kill(nanos, "has sent no heartbeat for " + TimeUnit.NANOSECONDS.toSeconds(nanos - since) + " s");
        }
    }

    private void kill(long nanos, String why) {
        LOG.error("{}: worker {} {}; it is killed", key, process.pid(), why);
        become(WorkerState.KILLED, nanos);
        process.kill();
    }

    private void ended(long nanos) {
        int status = process.exitStatus();
        String how = "worker " + process.pid() + " ended " + describe(status);
        if (status == 0 && state != WorkerState.KILLED) {
            LOG.info("{}: {}", key, how);
            become(WorkerState.DONE, nanos);
        } else if (status == WRONG_ARGUMENTS) {
            LOG.error("{}: {}; it is not started again, since its arguments are wrong", key, how);
            become(WorkerState.FAILED, nanos);
        } else {
            again(nanos, how);
        }
    }

    private void again(long nanos, String why) {
        if (policy.mostRestarts() > 0 && restarts >= policy.mostRestarts()) {
            LOG.error("{}: {}; it is given up after {} restarts in a row", key, why, restarts);
            become(WorkerState.FAILED, nanos);
            return;
        }
        restarts++;
        waitNanos = backoff.nextNanos();
        LOG.error("{}: {}; it is started again in {} ms (restart {})", key, why, waitNanos / 1_000_000, restarts);
        become(WorkerState.WAITING, nanos);
    }

    private static String describe(int status) {
        int signal = status - SIGNALLED;
        if (signal <= 0) {
            return "with status " + status;
        }
        return "by signal " + signal + (signal < SIGNALS.length ? " (" + SIGNALS[signal] + ")" : "");
    }

    /** Has it end; {@link #check} sees to it that it does. Called again, it does nothing. */
    void stop(long nanos) {
        switch (state) {
            case NEW, WAITING -> become(WorkerState.STOPPED, nanos);
            case STARTING, RUNNING, KILLED -> {
                become(WorkerState.STOPPING, nanos);
                process.terminate();
            }
            default -> LOG.trace("{}: stopped already", key);
        }
    }

    private void awaitStop(long nanos) {
        if (!process.isAlive()) {
            int status = process.exitStatus();
            LOG.info("{}: worker {} ended {}", key, process.pid(), describe(status));
            // a JVM that is only starting has no other way to end
            killedWhileStopping |= status != 0 && status != TERMINATED;
            become(WorkerState.STOPPED, nanos);
        } else if (!killedWhileStopping && nanos - since >= policy.stop().toNanos()) {
            LOG.warn("{}: worker {} does not end; it is killed", key, process.pid());
            killedWhileStopping = true;
            process.kill();
        }
    }
}
