package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.PacketPage;
import java.nio.ByteBuffer;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.L_Result;

/** A page of packets with its magic is complete: PacketPage.create() against PacketPage.open(). */
@JCStressTest
@Outcome(id = "unmade", expect = ACCEPTABLE, desc = "there is no magic yet")
@Outcome(id = "complete", expect = ACCEPTABLE, desc = "the magic, and all that comes with it")
@Outcome(expect = FORBIDDEN, desc = "the magic, but not all that comes with it")
@State
public class PacketPageOpening {

    private final ByteBuffer memory = SharedMemory.packets();

    /** Makes the page. */
    @Actor
    public void publisher() {
        PacketPage.create(memory, 1, 1);
    }

    /** Opens it, if it may; through a buffer of its own, as another process does. */
    @Actor
    public void subscriber(L_Result seen) {
        try {
            PacketPage.open(memory.duplicate(), 1, 1);
            seen.r1 = "complete";
        } catch (IllegalArgumentException refused) {
            seen.r1 = refused.getMessage().contains("CUFK") ? "unmade" : "incomplete";
        }
    }
}
