package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.SubscriberPage;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJ_Result;

/** A publisher that sees a count of taken deliveries sees the releases before it: taken(long) against taken(). */
@JCStressTest
@Outcome(id = "0, 0", expect = ACCEPTABLE, desc = "nothing has been taken")
@Outcome(id = "0, 1", expect = ACCEPTABLE, desc = "released, the next is not taken yet")
@Outcome(id = "2, 1", expect = ACCEPTABLE, desc = "the first was released before the second was taken")
@Outcome(expect = FORBIDDEN, desc = "the second is taken, the release of the first is not to be seen")
@State
public class TakenOrder {

    private final SubscriberPage page = new SharedMemory().newPage();

    /** Gives the first delivery back and takes the second. */
    @Actor
    public void subscriber() {
        page.release(0, 1);
        page.taken(2);
    }

    /** Counts. */
    @Actor
    public void publisher(JJ_Result seen) {
        seen.r1 = page.taken();
        seen.r2 = page.released(0);
    }
}
