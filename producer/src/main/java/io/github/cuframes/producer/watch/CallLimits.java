package io.github.cuframes.producer.watch;

import java.time.Duration;
import java.util.Arrays;

/** How long each {@link NativeCall} may take before it counts as hung. Not changed once a watch has it; not thread-safe. */
public final class CallLimits {

    private final long[] nanos = new long[NativeCall.values().length];

    /**
     * The same for all calls.
     *
     * @param all longer than any call that is merely slow
     */
    public CallLimits(Duration all) {
        if (all.isNegative() || all.isZero()) {
            throw new IllegalArgumentException("a call cannot return within " + all + "; give a second or more");
        }
        Arrays.fill(nanos, all.toNanos());
    }

    /** Another limit for one call. */
    public CallLimits with(NativeCall call, Duration limit) {
        nanos[call.ordinal()] = limit.toNanos();
        return this;
    }

    /** No limit for one call: it waits for somebody who may be silent for as long as he likes. */
    public CallLimits without(NativeCall call) {
        nanos[call.ordinal()] = Long.MAX_VALUE;
        return this;
    }

    long nanosOf(NativeCall call) {
        return nanos[call.ordinal()];
    }
}
