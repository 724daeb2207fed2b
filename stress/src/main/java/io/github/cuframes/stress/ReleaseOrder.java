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

/** What a publisher writes after it saw a lease end is never seen under that lease: release() against released(). */
@JCStressTest
@Outcome(id = "7, 8, 9, 0", expect = ACCEPTABLE, desc = "the lease has not ended yet")
@Outcome(id = "7, 8, 9, 1", expect = ACCEPTABLE, desc = "the lease ended, the reader had the old frame")
@Outcome(expect = FORBIDDEN, desc = "the reader saw the next frame under its old lease")
@State
public class ReleaseOrder {

    private static final int CAPACITY = SubscriberPage.CAPACITY;

    private final SharedMemory memory = new SharedMemory();
    private final SubscriberPage page = memory.newPage();
    private final Ring ring = memory.newRing();

    /** A delivery that the subscriber may read. */
    public ReleaseOrder() {
        memory.frame.putLong(0, 9);
        ring.metadata(0).write(8, 0, 0, 0, 0, 1, 0, 0);
        page.deliver(1, 7, 0, 1, 0);
    }

    /** Reads the frame and gives it back. */
    @Actor
    public void subscriber(JJJJ_Result seen) {
        seen.r1 = page.sequence(1);
        seen.r2 = ring.metadata(0).sequence();
        seen.r3 = memory.frame.getLong(0);
        page.release(0, 1);
    }

    /** Uses slot and queue entry again, once it may. */
    @Actor
    public void publisher(JJJJ_Result seen) {
        seen.r4 = page.released(0);
        if (seen.r4 == 1) {
            memory.frame.putLong(0, 90);
            ring.metadata(0).write(80, 0, 0, 0, 0, 1, 0, 0);
            page.deliver(1 + CAPACITY, 70, 0, 1, 0);
        }
    }
}
