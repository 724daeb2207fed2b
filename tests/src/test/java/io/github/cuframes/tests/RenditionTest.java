package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Observer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** One decode, several streams, each with subscribers in processes of their own. */
@Timeout(120)
class RenditionTest {

    private static final int FRAMES = 100;
    private static final int EVERY = 5;

    /** The frame code in the pixels ties each small frame to the large one that it was made of. */
    @Test
    void smallAndLargeFramesAreTheSamePictures() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip("pattern-1080p-h264").toString(),
                    "--memory=host",
                    "--wait-for-subscribers=1",
                    "--rendition=cam.detect:size=640x360,fps=5,wait=1");
            try (Observer main = stage.observe("cam");
                    Observer detect = stage.observe("cam.detect")) {
                Child large = stage.subscriber("cam", "lossless", "tag=3");
                Child small = stage.subscriber("cam.detect", "lossless", "tag=3");
                verify(large.await("summary", report -> true), large, FRAMES, FRAMES - 1);
                Report summary = small.await("summary", report -> true);
                verify(summary, small, FRAMES / EVERY, FRAMES - EVERY);
                assertEquals((EVERY - 1) * (FRAMES / EVERY - 1), summary.number("holes"), "the others were left out");
                assertEquals(0, producer.awaitExit(), producer::toString);

                assertEquals(0, main.ring().copied(), "the decoder wrote into the slots itself");
                assertEquals(FRAMES / EVERY, detect.ring().copied());
            }
        }
    }

    private static void verify(Report summary, Child subscriber, int frames, int last) {
        assertEquals(frames, summary.number("received"), subscriber::toString);
        assertEquals(last, summary.number("last"), subscriber::toString);
        assertEquals(0, summary.number("violations"), subscriber::toString);
        assertEquals(0, summary.number("breaks"), subscriber::toString);
        assertEquals("true", summary.text("end"), subscriber::toString);
    }

    @Test
    void aSizeIsScaledToWhileSomebodySubscribes() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip("pattern-1080p-h264").toString(),
                    "--memory=host",
                    "--loop",
                    "--realtime",
                    "--rendition=cam.small:size=640x360");
            try (Observer main = stage.observe("cam");
                    Observer small = stage.observe("cam.small")) {
                awaitMore(main, producer, 10);
                assertEquals(1, small.ring().newestSequence(), "the first frame, which shows what it is");
                for (int visit = 0; visit < 2; visit++) {
                    long before = small.ring().newestSequence();
                    Follower visitor =
                            new Follower(stage.runDirectory(), "cam.small", DeliveryPolicy.lossless(), FRAMES);
                    try (visitor) {
                        visitor.awaitMore(5);
                    }
                    assertEquals(before + 1, visitor.first(), "what was made before is old");
                    visitor.assertUnbroken();
                    Await.until(
                            () -> "the visitor is gone; " + producer,
                            () -> small.ring().subscribers() == 0);
                    awaitMore(main, producer, 2); // one may have been under way
                    long made = small.ring().newestSequence();
                    awaitMore(main, producer, 10);
                    assertEquals(made, small.ring().newestSequence());
                }
            }
        }
    }

    private static void awaitMore(Observer observer, Child producer, long frames) {
        long wanted = observer.ring().newestSequence() + frames;
        Await.until(() -> wanted + " frames; " + producer, () -> observer.ring().newestSequence() >= wanted);
    }

    @Test
    void aKilledSubscriberOfARenditionIsNobodyElsesLoss() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip("pattern-h264").toString(),
                    "--memory=host",
                    "--loop",
                    "--realtime",
                    "--rendition=cam.slow:fps=10");
            try (Observer main = stage.observe("cam");
                    Observer slow = stage.observe("cam.slow")) {
                Child survivor = stage.subscriber("cam.slow", "fifo:4", "tag=1", "progress=5");
                Child victim = stage.subscriber("cam.slow", "fifo:4", "tag=1", "progress=1", "hold=300");
                victim.await("progress", report -> report.number("received") >= 2); // it holds a frame, and others wait
                assertEquals(SourceState.STREAMING, slow.ring().sourceState().orElseThrow());
                victim.kill();
                int seen = survivor.output().size();
                long published = main.ring().newestSequence();
                survivor.await(seen, "progress", report -> true);
                Await.until(
                        () -> "the main stream goes on; " + producer,
                        () -> main.ring().newestSequence() >= published + 5);
                Report summary = survivor.summary();
                assertEquals(0, summary.number("violations"), survivor::toString);
                assertEquals(0, summary.number("breaks"), survivor::toString);
                assertTrue(producer.isAlive(), producer::toString);
                assertEquals(0, main.ring().lostNoSlot());
                assertEquals(0, slow.ring().lostNoSlot());
            }
        }
    }
}
