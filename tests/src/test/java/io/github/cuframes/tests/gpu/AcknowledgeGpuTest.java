package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/** A slot is not written again before the work is done behind which its frame was released. */
@GpuTest
@Timeout(120)
class AcknowledgeGpuTest {

    @Test
    void leasesEndWithTheWork(TestReporter reporter) throws Exception {
        leasesEndWithTheWork(Platform.GPU, "h264-1080p", 300, 60, new String[] {"work=256", "copies=20"}, reporter);
    }

    /** A lossless subscriber of a looped file: whatever is overwritten too early shows, since no two frames are alike. */
    static void leasesEndWithTheWork(
            Platform platform, String clip, int through, int behindWork, String[] work, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = new GpuStage(platform)) {
            stage.gpus();
            Child producer =
                    stage.producer("cam", "--input", Checkout.clip(clip).toString(), "--loop");
            Child subscriber = stage.start(
                    "subscriber",
                    AcknowledgingSubscriber.class,
                    "cam",
                    "lossless",
                    "credits=4",
                    "through=" + through,
                    "long=" + behindWork,
                    work[0],
                    work[1],
                    "file=" + stage.file("subscriber"));
            try (Observer observer = stage.observe("cam")) {
                Report passed = subscriber.await("through", any -> true);
                assertEquals("true", passed.text("pending"), "one stream holds up the other's leases");
                // the two that were given back behind work that is not done
                assertTrue(observer.ring().slotsInUse() >= 2, observer.ring().slotsInUse() + " slots in use");
                subscriber.send("go");
                Report summary = GpuStage.summaryOf(subscriber);
                assertEquals(0, summary.number("dropped"));
                List<Received> received = stage.received(subscriber);
                assertEquals(2 + through + behindWork, received.size());
                long firstSequence =
                        received.stream().mapToLong(Received::sequence).min().orElseThrow();
                assertEquals(
                        LongStream.range(firstSequence, firstSequence + received.size())
                                .boxed()
                                .toList(),
                        received.stream().map(Received::sequence).sorted().toList());
                WriteProtectionGpuTest.assertIntact(reference, received);
                reporter.publishEntry(
                        "released before their copies were made",
                        received.size() + " frames; " + through + " of one stream while another held back its two");
            }
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            stage.awaitLevel(reporter);
        }
    }
}
