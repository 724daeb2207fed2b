package io.github.cuframes.producer.watch;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks after all cameras of a process again and again, on one thread.
 *
 * <p>Its time is that during which the process ran: a look that comes late counts for little more than one that comes in
 * time. So a process that was stopped, or a machine that was, does not take all its calls for hung ones when it goes on.
 */
public final class Watchdog {

    /** Something that is looked after. */
    @FunctionalInterface
    public interface Watched {

        /**
         * Looks for what has taken too long. Called on the watchdog's thread; has to be quick, as others are waiting.
         *
         * @param nanos the watchdog's time
         */
        void check(long nanos);
    }

    /** From one look to the next. */
    public static final Duration PERIOD = Duration.ofMillis(200);

    private static final Logger LOG = LoggerFactory.getLogger(Watchdog.class);
    private static final long LONGEST_STEP_NANOS = 2 * PERIOD.toNanos();

    private final List<Watched> watched = new CopyOnWriteArrayList<>();

    // of the thread that checks
    private long last;
    private long time;

    /**
     * A watchdog that somebody has to ask.
     *
     * @param now the moment from which it counts
     */
    public Watchdog(long now) {
        last = now;
    }

    /** The process's, which has a daemon thread from its first use on. */
    public static Watchdog shared() {
        return Shared.INSTANCE;
    }

    /** Looks after something from now on; any thread. */
    public void add(Watched one) {
        watched.add(one);
    }

    /** Looks no more, though a look that has begun may still be under way; any thread. */
    public void remove(Watched one) {
        watched.remove(one);
    }

    /**
     * Looks at all; always the same thread.
     *
     * @param now monotonic, in nanoseconds
     */
    public void check(long now) {
        time += Math.min(now - last, LONGEST_STEP_NANOS);
        last = now;
        for (Watched one : watched) {
            try {
                one.check(time);
            } catch (RuntimeException | Error e) {
                LOG.error("the watchdog's look at {} failed", one, e); // the others are looked after all the same
            }
        }
    }

    private static final class Shared {
        static final Watchdog INSTANCE = new Watchdog(System.nanoTime());

        static {
            Thread thread = new Thread(Shared::run, "cuframes-watchdog");
            thread.setDaemon(true);
            thread.start();
        }

        private static void run() {
            while (true) {
                LockSupport.parkNanos(PERIOD.toNanos());
                INSTANCE.check(System.nanoTime());
            }
        }
    }
}
