package io.github.cuframes.standin;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;

/** Loads the stand-in before each test, and checks after it that nothing is left over. */
abstract class StandInTest {

    static final byte[] BYTES = {1, 2, 3, 4, 5, 6, 7, 8};

    StandInControl control;
    Cuda cuda;

    @BeforeEach
    void load() {
        String obstacle = StandInDriver.unavailable().orElse("");
        Assumptions.assumeTrue(obstacle.isEmpty(), obstacle);
        control = StandInControl.load();
        control.reset();
        cuda = new Cuda(control.library());
    }

    @AfterEach
    void nothingIsLeft() {
        if (control == null) return;
        control.reset();
        Assertions.assertEquals("{}", control.live().toString());
        Assertions.assertEquals(0, control.allocated(0));
    }
}
