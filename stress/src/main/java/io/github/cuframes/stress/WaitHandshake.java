package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.SubscriberPage;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** No release is waited for in vain: the fence of publisherWaits(true) against that of publisherWaits(). */
@JCStressTest
@Outcome(id = "true, true", expect = ACCEPTABLE, desc = "a REQUEST, and one more than needed")
@Outcome(id = "true, false", expect = ACCEPTABLE, desc = "the subscriber sends a REQUEST")
@Outcome(id = "false, true", expect = ACCEPTABLE, desc = "the publisher sees the release and does not wait")
@Outcome(id = "false, false", expect = FORBIDDEN, desc = "the publisher waits and nobody wakes it")
@State
public class WaitHandshake {

    private final SubscriberPage page = new SharedMemory().newPage();

    /** Ends its lease, then asks whether the publisher waits for it. */
    @Actor
    public void subscriber(ZZ_Result seen) {
        page.release(0, 1);
        seen.r1 = page.publisherWaits();
    }

    /** Says that it waits, then looks once more. */
    @Actor
    public void publisher(ZZ_Result seen) {
        page.publisherWaits(true);
        seen.r2 = page.released(0) == 1;
    }
}
