package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Producers and subscribers in one process: the same calls, the same socket, the same bytes. */
@Timeout(180)
class InProcessTest {

    private static Child start(Stage stage, Launch launch, String memory, int cameras) throws IOException {
        return stage.start(
                "in-process",
                InProcess.class,
                launch,
                List.of(
                        "run-dir=" + stage.runDirectory(),
                        "memory=" + memory,
                        "input=" + Checkout.clip("pattern-h264"),
                        "cameras=" + cameras,
                        "frames=20"));
    }

    private static Launch onStandIn() {
        StandInDriver.unavailable().ifPresent(why -> assumeTrue(false, why));
        return Launch.PLAIN.with("-Dcuframes.cuda.library=" + StandInDriver.build());
    }

    private static void assertDone(Child process, int cameras) throws Exception {
        assertEquals(0, process.awaitExit(), process::toString);
        List<Report> done = process.reports("done");
        assertEquals(cameras, done.size(), process::toString);
        done.forEach(report -> assertEquals(0, report.number("violations"), process::toString));
        done.forEach(report -> assertEquals("false", report.text("writable"), process::toString));
    }

    @Test
    void hostMemoryIsReadInPlaceAndCannotBeWritten() throws Exception {
        try (Stage stage = new Stage()) {
            assertDone(start(stage, Launch.PLAIN, "host", 2), 2);
        }
    }

    @Test
    void gpuMemoryIsThereOnceAndItsContextToo() throws Exception {
        Launch launch = onStandIn();
        try (Stage stage = new Stage()) {
            Child process = start(stage, launch, "cuda", 4);
            assertDone(process, 4);
            Report memory = process.reports("memory").get(0);
            assertEquals(memory.number("rings"), memory.number("allocated"), "imported, not allocated again");
            assertEquals(0, memory.number("contexts"), "all have the primary context");
        }
    }

    /** The driver opens no legacy handle in the process that made it, and the publisher says so. */
    @Test
    @Tag("slow")
    void legacyHandlesAreForOtherProcesses() throws Exception {
        Launch launch = onStandIn();
        try (Stage stage = new Stage()) {
            Child process = start(stage, launch, "cuda-ipc", 1);
            assertEquals(0, process.awaitExit(), process::toString);
            String failure = process.output().stream()
                    .filter(line -> line.startsWith("failed "))
                    .findFirst()
                    .orElse("");
            assertTrue(
                    failure.contains("one process for both); start the producer with --memory cuda"),
                    process::toString);
        }
    }
}
