package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJJ_Result;

/** Whoever sees {@code delivered} sees entry, metadata and frame: deliver() against delivered(). */
@JCStressTest
@Outcome(id = "0, 0, 0, 0", expect = ACCEPTABLE, desc = "nothing is delivered yet")
@Outcome(id = "1, 7, 8, 9", expect = ACCEPTABLE, desc = "delivered, and all of it is there")
@Outcome(expect = FORBIDDEN, desc = "delivered, but a part is missing")
@State
public class DeliveryOrder {

    private final SharedMemory memory = new SharedMemory();
    private final SubscriberPage page = memory.newPage();
    private final Ring ring = memory.newRing();

    /** Writes a frame and delivers it. */
    @Actor
    public void publisher() {
        memory.frame.putLong(0, 9);
        ring.metadata(0).write(8, 0, 0, 0, 0, 1, 0, 0);
        page.deliver(1, 7, 0, 1, 0);
    }

    /** Takes it, if it is there. */
    @Actor
    public void subscriber(JJJJ_Result seen) {
        seen.r1 = page.delivered();
        if (seen.r1 > 0) {
            // The frame first: what is written first is what a wrong order shows last.
            seen.r4 = memory.frame.getLong(0);
            seen.r3 = ring.metadata(0).sequence();
            seen.r2 = page.sequence(1);
        }
    }
}
