package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/**
 * A subscriber cannot change a frame of kind {@code cuda}. Frames of kind {@code cuda-ipc} it can: a legacy handle has no
 * such protection.
 */
@GpuTest
@Timeout(120)
class WriteProtectionGpuTest {

    @Test
    void copiesIntoAFrameAreRefused(TestReporter reporter) throws Exception {
        copiesIntoAFrameAreRefused(Platform.GPU, "h264-1080p", reporter);
    }

    static void copiesIntoAFrameAreRefused(Platform platform, String clip, TestReporter reporter) throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = new GpuStage(platform)) {
            stage.producer("cam", "--input", Checkout.clip(clip).toString(), "--loop");
            Child witness = stage.subscriber("witness", "cam", "latest", "frames=100");
            Child writer = stage.start("writer", WriteProbe.class, "cam", "lossless");
            Report wrote = writer.await("wrote", report -> true);
            reporter.publishEntry("writing into a frame", wrote.fields().toString());
            for (String way : List.of("memset", "fromDevice", "fromHost")) {
                assertEquals(RawCuda.INVALID_VALUE, wrote.number(way), way);
            }
            int expected = reference[(int) ((wrote.number("sequence") - 1) % reference.length)];
            assertEquals(expected, wrote.number("before"));
            assertEquals(expected, wrote.number("after"));
            assertEquals(0, writer.awaitExit(), writer::toString);
            GpuStage.summaryOf(witness);
            assertIntact(reference, stage.received(witness));
        }
    }

    /** The hardware stops it, and with it the process that started it, and nobody else. */
    @Test
    void aKernelThatWritesHarmsNobodyElse(TestReporter reporter) throws Exception {
        int[] reference = References.of("h264-1080p", PlainDecoder.Device.CUDA);
        try (GpuStage stage = new GpuStage(Platform.GPU)) {
            stage.gpus();
            Child producer =
                    stage.producer("cam", "--input", Checkout.clip("h264-1080p").toString(), "--loop");
            Child witness = stage.subscriber("witness", "cam", "lossless", "progress=20");
            witness.await("progress", report -> true);
            Child writer = stage.start("writer", WriteProbe.class, "cam", "latest", "kernel=true");
            Report wrote = writer.await("wrote", report -> true);
            reporter.publishEntry("a kernel that writes into a frame ends with", wrote.text("kernel"));
            assertNotEquals(RawCuda.SUCCESS, wrote.number("kernel"));
            writer.awaitExit();
            int soFar = witness.output().size();
            witness.await(soFar, "progress", report -> true);
            witness.closeInput();
            GpuStage.summaryOf(witness);
            assertIntact(reference, stage.received(witness));
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            stage.awaitLevel(reporter);
        }
    }

    /** Frames of a clip that is looped, with any missing. */
    static void assertIntact(int[] reference, List<Received> received) {
        for (Received frame : received) {
            assertEquals(
                    reference[(int) ((frame.sequence() - 1) % reference.length)],
                    frame.checksum(),
                    "frame " + frame.sequence() + " of epoch " + frame.epoch());
        }
    }
}
