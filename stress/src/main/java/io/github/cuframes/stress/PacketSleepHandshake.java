package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.PacketPage;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.ZZ_Result;

/** No packet is slept through: the fence of sleeping(true) against that of sleeping(). */
@JCStressTest
@Outcome(id = "true, true", expect = ACCEPTABLE, desc = "a doorbell, and one more than needed")
@Outcome(id = "true, false", expect = ACCEPTABLE, desc = "the publisher rings the doorbell")
@Outcome(id = "false, true", expect = ACCEPTABLE, desc = "the subscriber sees the packet and stays awake")
@Outcome(id = "false, false", expect = FORBIDDEN, desc = "the subscriber sleeps and nobody wakes it")
@State
public class PacketSleepHandshake {

    private final PacketPage page = PacketPage.create(SharedMemory.packets(), 1, 1);

    /** Shows a record, then asks whether to ring. */
    @Actor
    public void publisher(ZZ_Result seen) {
        page.show(64);
        seen.r1 = page.sleeping();
    }

    /** Says that it sleeps, then looks once more. */
    @Actor
    public void subscriber(ZZ_Result seen) {
        page.sleeping(true);
        seen.r2 = page.written() == 64;
    }
}
