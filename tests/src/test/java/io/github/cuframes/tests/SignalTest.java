package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How a producer ends, and what its subscribers hear of it. */
class SignalTest {

    private static final int CLIP_FRAMES = 1250;
    private static final int SHORT_CLIP_FRAMES = 100;

    @ParameterizedTest
    @CsvSource({"TERM", "INT"})
    void aSignalIsAnOrderlyEnd(String signal) throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", "--test-pattern", "320x180@25");
            // without reconnection an end without a word would be a failure, and its exit status 1
            Child told = stage.subscriber("cam", "latest", "progress=5", "reconnect=false");
            Child waits = stage.subscriber("cam", "fifo:2", "progress=5");
            told.await("progress", report -> true);
            waits.await("progress", report -> true);

            producer.signal(signal);
            assertEquals(0, producer.awaitExit(), producer::toString);
            assertEquals("true", told.await("summary", report -> true).text("end"));
            assertEquals(0, told.awaitExit(), told::toString);
            assertEquals(List.of(), stage.sockets(), "the socket is gone");

            int seen = waits.output().size();
            stage.producer("cam", "--test-pattern", "320x180@25");
            waits.await(seen, "progress", report -> report.number("reconnects") == 1);
            assertEquals(0, waits.summary().number("violations"), waits::toString);
        }
    }

    @Test
    void theEndOfAFileIsToldToSubscribers() throws Exception {
        try (Stage stage = new Stage()) {
            List<Child> subscribers = new ArrayList<>();
            for (String policy : List.of("lossless", "fifo:7", "latest")) {
                subscribers.add(stage.subscriber("file", policy, "tag=3"));
            }
            // the clip plays for four seconds, in which they come in
            Child producer = stage.producer(
                    "file", "--input", Checkout.clip("pattern-1080p-h264").toString(), "--realtime");
            for (Child subscriber : subscribers) {
                Report summary = subscriber.await("summary", report -> true);
                assertEquals(0, subscriber.awaitExit(), subscriber::toString);
                assertEquals("true", summary.text("end"), subscriber::toString);
                assertEquals(SHORT_CLIP_FRAMES - 1, summary.number("last"), subscriber::toString);
                assertEquals(0, summary.number("violations"), subscriber::toString);
                assertEquals(0, summary.number("reconnects"), subscriber::toString);
            }
            Report lossless = subscribers.get(0).reports("summary").get(0);
            assertEquals(SHORT_CLIP_FRAMES - lossless.number("first"), lossless.number("received"));
            assertEquals(0, producer.awaitExit(), producer::toString);
            assertEquals(List.of(), stage.sockets(), "the socket is gone");
        }
    }

    @Test
    void aLosslessSubscriberGetsEveryFrameOfAFile() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer(
                    "file", "--input", Checkout.clip("pattern-h264").toString(), "--wait-for-subscribers", "2");
            Child slow = stage.subscriber("file", "lossless", "tag=1", "hold=1");
            Child quick = stage.subscriber("file", "lossless", "tag=1");
            for (Child subscriber : List.of(slow, quick)) {
                Report summary = subscriber.await("summary", report -> true);
                assertEquals(0, summary.number("first"), subscriber::toString);
                assertEquals(CLIP_FRAMES - 1, summary.number("last"), subscriber::toString);
                assertEquals(CLIP_FRAMES, summary.number("received"), subscriber::toString);
                assertEquals(0, summary.number("violations"), subscriber::toString);
                assertEquals("true", summary.text("end"), subscriber::toString);
            }
            assertEquals(0, producer.awaitExit(), producer::toString);
        }
    }

    @Test
    void aLosslessSubscriberHasTheSourceWait() throws Exception {
        try (Stage stage = new Stage()) {
            // it decodes as fast as it can until somebody asks for every frame
            stage.producer("file", "--input", Checkout.clip("pattern-h264").toString(), "--loop");
            Child subscriber = stage.subscriber("file", "lossless", "tag=1", "hold=2", "progress=50");
            long first = nextRound(subscriber, 0);
            long second = nextRound(subscriber, first);
            assertEquals(CLIP_FRAMES, second - first, "all frames of one round");
            Report summary = subscriber.summary();
            assertEquals(0, summary.number("dropped"), subscriber::toString);
            assertEquals(0, summary.number("holes"), subscriber::toString);
            assertEquals(0, summary.number("violations"), subscriber::toString);
        }
    }

    /** The sequence number with which the file starts over, after another one. */
    private static long nextRound(Child subscriber, long after) {
        return subscriber
                .await("break", report -> report.number("number") == 0 && report.number("sequence") > after)
                .number("sequence");
    }
}
