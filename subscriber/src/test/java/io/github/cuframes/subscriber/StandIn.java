package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.standin.StandInDriver;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Puts the stand-in CUDA driver, with two GPUs, in the driver's place before the first test of this process, where it can be
 * built: all tests here run as in a process that sees GPUs. JUnit finds it as a service.
 */
public final class StandIn implements BeforeAllCallback {

    private static boolean done;
    private static StandInControl control;

    @Override
    public void beforeAll(ExtensionContext context) {
        install();
    }

    private static synchronized void install() {
        if (!done) {
            done = true;
            if (StandInDriver.unavailable().isEmpty()) {
                System.setProperty(
                        "cuframes.cuda.library", StandInDriver.build().toString());
                control = StandInControl.load();
                control.set(StandInDriver.GPUS, 2);
            }
        }
    }

    /** What the tests tell the driver; skips the test where there is none. */
    static StandInControl require() {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElseThrow());
        return control;
    }

    /** Forgets what other tests have told the driver, but for the number of GPUs. */
    public static StandInControl reset() {
        StandInControl driver = require();
        driver.reset();
        driver.set(StandInDriver.GPUS, 2);
        return driver;
    }

    /** The option of a JVM that is to have it too. */
    static String option() {
        return "-Dcuframes.cuda.library=" + StandInDriver.build();
    }
}
