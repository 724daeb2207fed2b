package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Report;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What subscriber processes see is, byte for byte, what the same decoder gives with its frames downloaded. */
@GpuTest
@Timeout(180)
class SameBytesGpuTest {

    private static final int SUBSCRIBERS = 3;

    /** What the sender sends beyond what is looked at: frames that the decoder holds back. */
    private static final int SURPLUS = 50;

    @ParameterizedTest
    @CsvSource({
        "h264-1080p, 1000, cuda, NV12",
        "hevc-2160p, 1000, cuda, NV12",
        "hevc-1080p-10bit, 60, cuda, P010",
        "h264-1080p, 1000, cuda-ipc, NV12"
    })
    void fromAFile(String clip, int frames, String memory, String format, TestReporter reporter) throws Exception {
        fromAFile(Platform.GPU, clip, frames, memory, format, reporter);
    }

    @ParameterizedTest
    @CsvSource({"h264-1080p, 1000, 100", "hevc-2160p, 1000, 100"})
    void fromALiveSource(String clip, int frames, int perSecond, TestReporter reporter) throws Exception {
        fromALiveSource(Platform.GPU, clip, frames, perSecond, reporter);
    }

    static void fromAFile(
            Platform platform, String clip, int frames, String memory, String format, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = new GpuStage(platform)) {
            List<String> options = new ArrayList<>(List.of(
                    "--input", Checkout.clip(clip).toString(), "--memory", memory, "--wait-for-subscribers", "3"));
            if (frames > reference.length) {
                options.add("--loop");
            }
            Child producer = stage.producer("cam", options.toArray(String[]::new));
            try (Observer observer = stage.observe("cam")) {
                List<Child> subscribers = subscribers(stage, "lossless", "frames=" + frames);
                for (Child subscriber : subscribers) {
                    Report summary = GpuStage.summaryOf(subscriber);
                    assertEquals(memory, summary.text("memory"));
                    assertEquals(format, summary.text("format"));
                    assertEquals(0, summary.number("dropped"), subscriber::toString);
                    List<Received> received = stage.received(subscriber);
                    assertEquals(frames, received.size());
                    for (int i = 0; i < frames; i++) {
                        assertEquals(i + 1, received.get(i).sequence());
                        assertEquals(
                                reference[i % reference.length],
                                received.get(i).checksum(),
                                subscriber.name() + ", frame " + i);
                    }
                    publish(clip + " from a file, " + memory + ", " + subscriber.name(), frames, summary, reporter);
                }
                assertEquals(0, observer.ring().lostNoSlot(), producer::toString);
                if (platform == Platform.GPU) {
                    assertEquals(0, observer.ring().copied(), producer::toString);
                }
            }
        }
    }

    static void fromALiveSource(Platform platform, String clip, int frames, int perSecond, TestReporter reporter)
            throws Exception {
        int[] reference = References.of(clip, platform.decoder());
        try (GpuStage stage = new GpuStage(platform)) {
            TransportStream stream =
                    TransportStream.write(Checkout.clip(clip), frames + SURPLUS, stage.file("stream.ts"));
            try (LiveSource source = new LiveSource(stream, perSecond)) {
                Child producer = stage.producer("cam", "--input", source.url(), "--wait-for-subscribers", "3");
                try (Observer observer = stage.observe("cam")) {
                    List<Child> subscribers = subscribers(stage, "fifo:7", "frames=" + frames);
                    for (Child subscriber : subscribers) {
                        Report summary = GpuStage.summaryOf(subscriber);
                        List<Received> received = stage.received(subscriber);
                        assertEquals(frames, received.size());
                        assertEquals(1, received.get(0).sequence(), "all were there when the source began");
                        for (Received frame : received) {
                            // by its time: a frame that was lost on the way has a number of the clip all the same
                            long number = Math.round(
                                    (double) (frame.ptsNanos() - received.get(0).ptsNanos()) / stream.frameNanos());
                            assertEquals(
                                    reference[(int) (number % reference.length)],
                                    frame.checksum(),
                                    subscriber.name() + ", frame " + number);
                        }
                        publish(clip + " live, " + subscriber.name(), frames, summary, reporter);
                    }
                    assertEquals(0, observer.ring().lostNoSlot(), producer::toString);
                    assertTrue(producer.isAlive(), producer::toString);
                }
            }
        }
    }

    private static List<Child> subscribers(GpuStage stage, String policy, String... options) throws Exception {
        List<Child> subscribers = new ArrayList<>();
        for (int i = 1; i <= SUBSCRIBERS; i++) {
            subscribers.add(stage.subscriber("subscriber" + i, "cam", policy, options));
        }
        return subscribers;
    }

    private static void publish(String what, int frames, Report summary, TestReporter reporter) {
        reporter.publishEntry(
                what,
                String.format(
                        "%d frames equal, %d skipped, %.0f frames a second with their download",
                        frames, summary.number("dropped"), frames * 1e9 / summary.number("nanos")));
    }
}
