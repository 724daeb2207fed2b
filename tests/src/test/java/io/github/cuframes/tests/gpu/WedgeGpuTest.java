package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Child;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/**
 * Why no event is shared between processes: see docs/decisions/0005. A process that was told to wait for the event of a dead
 * one is wedged; this one looks on, and ends it.
 */
@GpuTest
@Timeout(120)
class WedgeGpuTest {

    /** For how long something is looked at that is said to last for ever. */
    private static final Duration FOR_EVER = Duration.ofSeconds(3);

    @Test
    void anEventOfADeadProcessWedgesWhoWaitsForIt(TestReporter reporter) throws Exception {
        try (GpuStage stage = new GpuStage(Platform.GPU)) {
            stage.gpus();
            Child exporter = stage.start("exporter", Wedge.class, stage.launch(), List.of("exporter"));
            var pending = exporter.await("pending", any -> true);
            assertEquals(RawCuda.NOT_READY, pending.number("query"));
            Child importer = stage.start(
                    "importer", Wedge.class, stage.launch(), List.of("importer", "handle=" + pending.text("handle")));
            importer.await("opened", any -> true);
            assertEquals(RawCuda.NOT_READY, importer.ask("query", "query").number("result"));
            exporter.kill();
            wedge(stage, importer, reporter);
        }
    }

    static void wedge(GpuStage stage, Child importer, TestReporter reporter) throws Exception {
        assertEquals(RawCuda.NOT_READY, importer.ask("query", "query").number("result"));
        assertEquals(RawCuda.NOT_READY, importer.ask("wait", "wait").number("result"));
        assertEquals(RawCuda.SUCCESS, importer.ask("other", "other").number("result"), "another stream goes on");
        Await.elapse(FOR_EVER);
        assertEquals(RawCuda.NOT_READY, importer.ask("query", "query").number("result"));
        assertEquals(RawCuda.NOT_READY, importer.ask("stream", "stream").number("result"));
        assertEquals(RawCuda.SUCCESS, importer.ask("other", "other").number("result"), "another stream goes on");
        importer.ask("free", "freeing");
        Await.elapse(FOR_EVER);
        assertEquals(List.of(), importer.reports("freed"), "cuMemFree has returned");
        reporter.publishEntry(
                "after " + FOR_EVER.toSeconds() + " s",
                "the event and the stream that waits are not ready, another stream goes on, cuMemFree has not returned");
        importer.kill();
        stage.awaitLevel(reporter);
    }
}
