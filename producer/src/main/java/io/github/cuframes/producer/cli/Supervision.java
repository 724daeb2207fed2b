package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.isolate.Supervisor;
import io.github.cuframes.producer.isolate.SupervisorLink;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.LoggerFactory;

/** How the commands end: the supervisor's by a signal, a worker's with its supervisor. */
final class Supervision {

    private static final int WELL = 0;
    private static final int UNWELL = 1;
    private static final long STOP_SECONDS = 15;
    private static final long ORPHAN_SECONDS = 5;

    private Supervision() {}

    /** Supervises until all workers have come to their end, or a signal comes. Returns the exit status. */
    static int run(Supervisor supervisor) {
        AtomicBoolean finished = new AtomicBoolean();
        Thread onSignal = new Thread(
                () -> {
                    if (finished.get()) {
                        return;
                    }
                    supervisor.stop();
                    boolean well = false;
                    try {
                        well = supervisor.awaitEnd(STOP_SECONDS, TimeUnit.SECONDS) && supervisor.isWell();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    // else the exit status would be 128 and the signal's number
                    Runtime.getRuntime().halt(well ? WELL : UNWELL);
                },
                "cuframes-signal");
        Runtime.getRuntime().addShutdownHook(onSignal);
        try {
            supervisor.run();
            return supervisor.isWell() ? WELL : UNWELL;
        } finally {
            finished.set(true);
        }
    }

    /** A worker's link to its supervisor, without which it ends. */
    static SupervisorLink link(AtomicReference<Producer> running) {
        SupervisorLink link = new SupervisorLink(
                System.in,
                System.out,
                () -> {
                    Producer producer = running.get();
                    return producer == null ? 0 : producer.counters().published();
                },
                Supervision::endOrphan);
        link.start();
        return link;
    }

    /** As by SIGTERM; and if something hangs then, without more ado. */
    private static void endOrphan() {
        LoggerFactory.getLogger("cuframes").warn("the supervisor is gone; this worker ends");
        Thread last = new Thread(
                () -> {
                    try {
                        TimeUnit.SECONDS.sleep(ORPHAN_SECONDS);
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                    Runtime.getRuntime().halt(UNWELL);
                },
                "cuframes-orphan");
        last.setDaemon(true);
        last.start();
        System.exit(WELL);
    }
}
