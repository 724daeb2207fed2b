package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/** Frames of one GPU, read with another. */
@GpuTest
@Timeout(180)
class TwoGpusGpuTest {

    private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

    /** How a subscriber comes to read with the second GPU. */
    private record Reader(String name, Map<String, String> environment, List<String> options, boolean copies) {
        Child start(GpuStage stage, int frames) throws Exception {
            Launch how = stage.launch().with(environment);
            List<String> all = new ArrayList<>(options);
            all.add("frames=" + frames);
            return stage.subscriber(how, name, "cam", "lossless", all.toArray(String[]::new));
        }
    }

    private static final List<Reader> READERS = List.of(
            new Reader("second-gpu", Map.of(), List.of("gpu=1"), false),
            new Reader("sees-only-the-second", Map.of(VISIBLE, "1"), List.of(), false),
            new Reader("numbers-them-in-reverse", Map.of(VISIBLE, "1,0"), List.of("gpu=0"), false),
            new Reader("copies-to-the-second", Map.of(), List.of("gpu=1", "copy=true"), true));

    private static final Reader BESIDE =
            new Reader("numbers-them-in-reverse-too", Map.of(VISIBLE, "1,0"), List.of(), false);

    @Test
    void anotherGpuReadsTheSameFrames(TestReporter reporter) throws Exception {
        anotherGpuReadsTheSameFrames(Platform.GPU, "h264-1080p", 300, reporter);
    }

    @Test
    void twoProducersInOneProcess(TestReporter reporter) throws Exception {
        twoProducersInOneProcess(Platform.GPU, "h264-1080p", 300, reporter);
    }

    private static GpuStage stageWithTwo(Platform platform) throws Exception {
        GpuStage stage = new GpuStage(platform, 2);
        int gpus = stage.gpus();
        if (gpus < 2) {
            stage.close();
        }
        assumeTrue(gpus >= 2, "needs two GPUs; processes here see " + gpus);
        return stage;
    }

    static void anotherGpuReadsTheSameFrames(Platform platform, String clip, int frames, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = stageWithTwo(platform)) {
            Child producer = stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip(clip).toString(),
                    "--loop",
                    "--gpu",
                    "0",
                    "--wait-for-subscribers",
                    String.valueOf(READERS.size() + 1));
            List<Child> children = new ArrayList<>();
            for (Reader reader : READERS) {
                children.add(reader.start(stage, frames));
            }
            Child beside = BESIDE.start(stage, frames);
            Report own = GpuStage.summaryOf(beside);
            for (int i = 0; i < children.size(); i++) {
                Child child = children.get(i);
                Report summary = GpuStage.summaryOf(child);
                assertEquals(0, summary.number("dropped"), child::toString);
                assertEquals(READERS.get(i).copies() ? frames : 0, summary.number("copied"), child::toString);
                assertNotEquals(
                        own.text("gpu"), summary.text("gpu"), "one reads where the frames are, others elsewhere");
                assertEquals(frames, stage.received(child).size());
                WriteProtectionGpuTest.assertIntact(reference, stage.received(child));
                reporter.publishEntry(
                        child.name(),
                        String.format(
                                "%d frames equal, %.0f a second with their download, read with GPU %s",
                                frames, frames * 1e9 / summary.number("nanos"), summary.text("gpu")));
            }
            assertEquals(frames, stage.received(beside).size());
            WriteProtectionGpuTest.assertIntact(reference, stage.received(beside));
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            stage.awaitLevel(reporter);
        }
    }

    static void twoProducersInOneProcess(Platform platform, String clip, int frames, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = stageWithTwo(platform)) {
            Child producers = stage.start(
                    "producers",
                    TwoProducers.class,
                    stage.launch(),
                    List.of(Checkout.clip(clip).toString(), stage.runDirectory().toString()));
            List<Child> subscribers = List.of(
                    stage.subscriber("of-cam0", "cam0", "lossless", "frames=" + frames),
                    stage.subscriber("of-cam1", "cam1", "lossless", "frames=" + frames));
            List<String> gpus = new ArrayList<>();
            for (Child subscriber : subscribers) {
                gpus.add(GpuStage.summaryOf(subscriber).text("gpu"));
                assertEquals(frames, stage.received(subscriber).size());
                WriteProtectionGpuTest.assertIntact(reference, stage.received(subscriber));
            }
            assertNotEquals(gpus.get(0), gpus.get(1));
            producers.closeInput();
            Report copied = producers.await("copied", any -> true);
            assertEquals(0, producers.awaitExit(), producers::toString);
            reporter.publishEntry("two producers in one process", gpus + ", copied " + copied.fields());
            if (platform == Platform.GPU) {
                assertEquals(0, copied.number("cam0") + copied.number("cam1"));
            }
            stage.awaitLevel(reporter);
        }
    }
}
