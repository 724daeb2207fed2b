package io.github.cuframes.stress;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;
import static org.openjdk.jcstress.annotations.Expect.FORBIDDEN;

import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJJ_Result;

/** Whoever sees {@code written} sees the record and its bytes: show() against written(). */
@JCStressTest
@Outcome(id = "0, 0, 0, 0", expect = ACCEPTABLE, desc = "nothing is written yet")
@Outcome(id = "128, 8, 7, 9", expect = ACCEPTABLE, desc = "written, and all of it is there")
@Outcome(expect = FORBIDDEN, desc = "written, but a part is missing")
@State
public class PacketOrder {

    private final PacketPage page = PacketPage.create(SharedMemory.packets(), 1, 1);

    /** Writes a packet of eight bytes. */
    @Actor
    public void publisher() {
        page.buffer().putLong(page.at(PacketRecord.SIZE), 9);
        PacketRecord.write(page.buffer(), page.at(0), Long.BYTES, 7, 0, 0, 0, 0, 0, 0, 0);
        page.show(2 * PacketRecord.SIZE);
    }

    /** Reads it, if it is there. */
    @Actor
    public void subscriber(JJJJ_Result seen) {
        seen.r1 = page.written();
        if (seen.r1 > 0) {
            // The bytes first: what is written first is what a wrong order shows last.
            seen.r4 = page.buffer().getLong(page.at(PacketRecord.SIZE));
            seen.r3 = PacketRecord.sequence(page.buffer(), page.at(0));
            seen.r2 = PacketRecord.bytes(page.buffer(), page.at(0));
        }
    }
}
