package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.Ring;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JL_Result;

/** A ring that can be opened is complete: Ring.create() against Ring.open(). */
@JCStressTest
@Outcome(id = "0, null", expect = ACCEPTABLE, desc = "it is not finished and is refused")
@Outcome(id = "1, stress", expect = ACCEPTABLE, desc = "it is complete")
@Outcome(expect = FORBIDDEN, desc = "it was opened before it was complete")
@State
public class RingOpening {

    private final SharedMemory memory = new SharedMemory();

    /** Makes the ring. */
    @Actor
    public void publisher() {
        memory.newRing();
    }

    /** Opens it, if it may; through a buffer of its own, as another process does. */
    @Actor
    public void subscriber(JL_Result seen) {
        try {
            Ring ring = Ring.open(memory.ring.duplicate(), 1);
            seen.r2 = ring.key();
            seen.r1 = ring.startedNanos();
        } catch (IllegalArgumentException notFinished) {
            seen.r1 = 0;
        }
    }
}
