package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJL_Result;

/** An observer that sees a subscriber's id sees who it is: SubscriberSlot.open() against id(). */
@JCStressTest
@Outcome(id = "0, 0, null", expect = ACCEPTABLE, desc = "nobody is there yet")
@Outcome(id = "5, 6, somebody", expect = ACCEPTABLE, desc = "somebody, and who it is")
@Outcome(expect = FORBIDDEN, desc = "somebody, but not who it is")
@State
public class SubscriberIdOrder {

    private final SubscriberSlot slot = new SharedMemory().newRing().subscriber(0);

    /** Admits a subscriber. */
    @Actor
    public void publisher() {
        slot.open(5, 6, 0, DeliveryMode.LATEST, 0, 1, "somebody");
    }

    /** Reads the table. */
    @Actor
    public void observer(JJL_Result seen) {
        seen.r1 = slot.id();
        if (seen.r1 != 0) {
            seen.r3 = slot.name();
            seen.r2 = slot.pid();
        }
    }
}
