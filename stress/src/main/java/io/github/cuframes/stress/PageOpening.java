package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.SubscriberPage;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;

/** A page with its magic is complete: SubscriberPage.create() against SubscriberPage.open(). */
@JCStressTest
@Outcome(id = "unmade", expect = ACCEPTABLE, desc = "there is no magic yet")
@Outcome(id = "complete", expect = ACCEPTABLE, desc = "the magic, and all that comes with it")
@Outcome(expect = FORBIDDEN, desc = "the magic, but not all that comes with it")
@State
public class PageOpening {

    private final SharedMemory memory = new SharedMemory();

    /** Makes the page. */
    @Actor
    public void publisher() {
        memory.newPage();
    }

    /** Opens it, if it may; through a buffer of its own, as another process does. */
    @Actor
    public void subscriber(L_Result seen) {
        try {
            SubscriberPage.open(memory.page.duplicate(), 1, 1);
            seen.r1 = "complete";
        } catch (IllegalArgumentException refused) {
            seen.r1 = refused.getMessage().contains("CUFP") ? "unmade" : "incomplete";
        }
    }
}
