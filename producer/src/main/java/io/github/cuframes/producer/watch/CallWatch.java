package io.github.cuframes.producer.watch;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Where one thread stands in native code, for a monitor to see. The thread brackets each call:
 *
 * <pre>{@code
 * watch.enter(NativeCall.SEND);
 * try {
 *     code = avcodec_send_packet(context, packet);
 * } finally {
 *     watch.exit();
 * }
 * }</pre>
 *
 * <p>States of the word that both sides share:
 *
 * <pre>
 *   from       to          by
 *   idle       in call n   the thread enters its n-th call
 *   in call n  idle        the thread leaves it
 *   in call n  abandoned   the monitor gives the call up, which has taken too long
 * </pre>
 *
 * <p>The last two exclude each other: either the call came back in time, or the thread learns when it leaves, by an
 * {@link AbandonedException}, that it has been replaced. So nothing that it does behind a call is done after that.
 * What C calls back during the call is not covered; that must be fenced by itself.
 *
 * <p>Calls made within a call, as in callbacks, are part of the outer one. Nothing is allocated.
 */
public final class CallWatch {

    private static final long IDLE = 0;
    private static final long ABANDONED = -1;

    private final CallLimits limits;
    private final AtomicLong state = new AtomicLong(IDLE);
    /** Written before the state says that it is in a call. */
    private volatile NativeCall call;

    private volatile Thread thread;

    // the thread's
    private long calls;
    private int depth;
    private boolean told;

    // the monitor's
    private long seen;
    private long seenSince;

    /** A watch for one thread. */
    public CallWatch(CallLimits limits) {
        this.limits = limits;
    }

    /** The thread is about to call. */
    public void enter(NativeCall next) {
        if (depth++ == 0) {
            if (thread == null) {
                thread = Thread.currentThread();
            }
            call = next;
            state.compareAndSet(IDLE, ++calls); // nothing changes what is abandoned
        }
    }

    /**
     * The call has returned.
     *
     * @throws AbandonedException if it was given up; once
     */
    public void exit() {
        if (--depth == 0 && !state.compareAndSet(calls, IDLE) && !told) {
            told = true;
            throw new AbandonedException(call);
        }
    }

    /** {@link #enter} where there is a watch, and nothing where there is none. */
    public static void enter(CallWatch watch, NativeCall next) {
        if (watch != null) {
            watch.enter(next);
        }
    }

    /** {@link #exit} where there is a watch, and nothing where there is none. */
    public static void exit(CallWatch watch) {
        if (watch != null) {
            watch.exit();
        }
    }

    /**
     * Whether the thread has been in one call for too long. For one monitor, which asks again and again: a call counts from
     * the moment at which it was seen first.
     *
     * @param nanos the monitor's time
     */
    public boolean isOverdue(long nanos) {
        long now = state.get();
        NativeCall current = call;
        if (now != seen) {
            seen = now;
            seenSince = nanos;
            return false;
        }
        // asked once more, because "call" may belong to a later one
        return now > IDLE && nanos - seenSince >= limits.nanosOf(current) && state.get() == now;
    }

    /** Gives up the call that {@link #isOverdue} found. False, and nothing happens, if it has returned meanwhile. */
    public boolean abandon() {
        return seen > IDLE && state.compareAndSet(seen, ABANDONED);
    }

    /** What hangs, for the log: the call, for how long, the thread, and where it is; for the monitor. */
    public String describe(long nanos) {
        StringBuilder text = new StringBuilder()
                .append(call.description())
                .append(" has taken ")
                .append(TimeUnit.NANOSECONDS.toSeconds(nanos - seenSince))
                .append(" s and does not return (thread ")
                .append(thread.getName())
                .append(')');
        for (StackTraceElement element : thread.getStackTrace()) {
            text.append("\n    at ").append(element);
        }
        return text.toString();
    }
}
