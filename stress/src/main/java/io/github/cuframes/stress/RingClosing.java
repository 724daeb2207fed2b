package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.Ring;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZJ_Result;

/** What was counted before a ring was closed is seen by who sees it closed: Ring.close() against isClosed(). */
@JCStressTest
@Outcome(id = "false, [01]", expect = ACCEPTABLE, desc = "still live")
@Outcome(id = "true, 1", expect = ACCEPTABLE, desc = "closed, and its last count is there")
@Outcome(expect = FORBIDDEN, desc = "closed, but its last count is not there")
@State
public class RingClosing {

    private final Ring ring = new SharedMemory().newRing();

    /** Counts once more and closes. */
    @Actor
    public void publisher() {
        ring.countLostNoSlot();
        ring.close();
    }

    /** Reads the last count. */
    @Actor
    public void observer(ZJ_Result seen) {
        seen.r1 = ring.isClosed();
        seen.r2 = ring.lostNoSlot();
    }
}
