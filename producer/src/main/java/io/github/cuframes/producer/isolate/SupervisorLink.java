package io.github.cuframes.producer.isolate;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A worker's side of the pipes to its supervisor: sends heartbeats, and notices by the end of its stdin that the supervisor is
 * gone, however that died. Any thread may call {@link #hung}.
 */
public final class SupervisorLink {

    private static final Logger LOG = LoggerFactory.getLogger(SupervisorLink.class);

    private final InputStream in;
    private final PrintStream out;
    private final LongSupplier published;
    private final Runnable orphaned;

    /**
     * A link that has not begun.
     *
     * @param in ends with the supervisor
     * @param out goes to the supervisor, and is used for nothing else
     * @param published frames published so far; asked on a thread of the link's own
     * @param orphaned called once when the supervisor is gone, on a thread of the link's own
     */
    public SupervisorLink(InputStream in, PrintStream out, LongSupplier published, Runnable orphaned) {
        this.in = in;
        this.out = out;
        this.published = published;
        this.orphaned = orphaned;
    }

    /** Begins, with two daemon threads that end with the process. */
    public void start() {
        start("cuframes-supervisor", this::listen);
        start("cuframes-heartbeat", this::beat);
    }

    private static void start(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void listen() {
        try {
            int read = in.read();
            while (read >= 0) { // it has nothing to say
                read = in.read();
            }
        } catch (IOException e) {
            LOG.warn("the supervisor cannot be heard: {}", e.getMessage());
        }
        orphaned.run();
    }

    /** Waits where the supervisor does not read, which keeps nobody else waiting. */
    private void beat() {
        while (!out.checkError()) {
            out.println(WorkerLine.beat(published.getAsLong()));
            LockSupport.parkNanos(WorkerLine.PERIOD.toNanos());
        }
    }

    /** Asks to be killed, because a native call hangs. */
    public void hung(String what) {
        out.println(WorkerLine.hung(what));
        out.flush();
    }
}
