package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.layout.Ring;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJ_Result;

/** Whoever sees the newest frame's number sees when it came and how many: published() against newestSequence(). */
@JCStressTest
@Outcome(id = "0, \\d+, \\d+", expect = ACCEPTABLE, desc = "no frame yet; its counters may show already")
@Outcome(id = "5, 77, 1", expect = ACCEPTABLE, desc = "the newest frame, and what was said of it")
@Outcome(expect = FORBIDDEN, desc = "the newest frame with counters from before it")
@State
public class NewestOrder {

    private final Ring ring = new SharedMemory().newRing();

    /** Publishes. */
    @Actor
    public void publisher() {
        ring.published(5, 77, FrameFlag.COPIED.bit());
    }

    /** Asks for the newest. */
    @Actor
    public void observer(JJJ_Result seen) {
        seen.r1 = ring.newestSequence();
        seen.r2 = ring.newestPublishNanos();
        seen.r3 = ring.copied();
    }
}
