package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJ_Result;

/** What a publisher writes after it saw a packet released is never seen by who read it: release() against released(). */
@JCStressTest
@Outcome(id = "7, 9, 0", expect = ACCEPTABLE, desc = "the packet is not released yet")
@Outcome(id = "7, 9, 128", expect = ACCEPTABLE, desc = "released, the reader had the old packet")
@Outcome(expect = FORBIDDEN, desc = "the reader saw the next packet before it released the old one")
@State
public class PacketReleaseOrder {

    private final PacketPage page = PacketPage.create(SharedMemory.packets(), 1, 1);

    /** A packet that the subscriber may read. */
    public PacketReleaseOrder() {
        write(7, 9);
        page.show(2 * PacketRecord.SIZE);
    }

    private void write(long sequence, long bytes) {
        page.buffer().putLong(page.at(PacketRecord.SIZE), bytes);
        PacketRecord.write(page.buffer(), page.at(0), Long.BYTES, sequence, 0, 0, 0, 0, 0, 0, 0);
    }

    /** Reads the packet and gives its place back. */
    @Actor
    public void subscriber(JJJ_Result seen) {
        seen.r1 = PacketRecord.sequence(page.buffer(), page.at(0));
        seen.r2 = page.buffer().getLong(page.at(PacketRecord.SIZE));
        page.release(2 * PacketRecord.SIZE);
    }

    /** Uses the place again, once it may. */
    @Actor
    public void publisher(JJJ_Result seen) {
        seen.r3 = page.released();
        if (seen.r3 > 0) {
            write(70, 90);
        }
    }
}
