package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.protocol.pattern.FrameCode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The judge of the other tests sees what it is there to see. */
class FrameVerifierTest {

    private final List<String> complaints = new ArrayList<>();
    private final FrameVerifier verifier = new FrameVerifier(7, 100, complaints::add);

    private static long code(int number) {
        return 7L << 32 | number;
    }

    private void follow(long code, long epoch, long sequence, boolean breaks, int violations) {
        verifier.next(code(10), 1, 5, false);
        verifier.next(code, epoch, sequence, breaks);
        assertEquals(violations, verifier.violations(), complaints::toString);
    }

    @Test
    void takesWhatGoesOn() {
        follow(code(11), 1, 6, false, 0);
    }

    @Test
    void takesFramesThatWereSkipped() {
        follow(code(14), 1, 9, false, 0);
        assertEquals(0, verifier.holes());
    }

    @Test
    void takesASourceThatStartsOver() {
        verifier.next(code(99), 1, 4, false);
        verifier.next(code(0), 1, 5, false);
        assertEquals(0, verifier.violations());
    }

    @Test
    void takesABreakThatIsSaid() {
        follow(code(0), 2, 1, true, 0);
        assertEquals(1, verifier.breaks());
    }

    @Test
    void countsNumbersThatAreMissing() {
        follow(code(14), 1, 6, false, 0);
        assertEquals(3, verifier.holes());
    }

    @Test
    void seesATornFrame() {
        follow(FrameCode.TORN, 1, 6, false, 1);
    }

    @Test
    void seesAStaleFrame() {
        follow(code(10), 1, 6, false, 1);
    }

    @Test
    void seesAnOlderFrame() {
        follow(code(9), 1, 6, false, 1);
    }

    @Test
    void seesASequenceThatGoesBack() {
        follow(code(11), 1, 5, true, 1);
    }

    @Test
    void seesFewerFramesThanSequenceNumbers() {
        follow(code(11), 1, 7, false, 1);
    }

    @Test
    void seesAnotherEpochThatNobodySaid() {
        follow(code(11), 2, 1, false, 1);
    }

    @Test
    void seesAnotherStream() {
        follow(8L << 32 | 11, 1, 6, false, 1);
    }
}
