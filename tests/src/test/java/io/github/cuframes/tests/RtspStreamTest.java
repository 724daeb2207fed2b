package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.subscriber.Observer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A camera of real RTSP, a producer and three subscribers, and the camera's failure. */
@Tag("slow")
class RtspStreamTest {

    private static final int FRAMES = 100;
    private static final int FRAMES_AFTER = 50;
    private static final int REORDERED = 4;
    private static final double HOUR = 3600;

    @ParameterizedTest
    @CsvSource({
        "pattern-h264, 1, tcp",
        "pattern-h264, 1, udp",
        "pattern-hevc, 2, tcp",
        "pattern-hevc, 2, udp",
    })
    void subscribersVerifyEveryFrameAndStayThroughAReconnection(String clip, int tag, String transport)
            throws Exception {
        try (RtspServer camera = RtspServer.builder()
                        .mount("/cam", Checkout.clip(clip))
                        .protocol(transport)
                        .loop()
                        .start();
                Stage stage = new Stage()) {
            stage.producer("cam", "--rtsp", camera.url("/cam"), "--transport", transport, "--rtsp-timeout", "2s");
            List<Child> subscribers = new ArrayList<>();
            for (String policy : List.of("latest", "fifo:4", "latest")) {
                subscribers.add(stage.subscriber("cam", policy, "tag=" + tag, "wrap=1250"));
            }
            try (Observer observer = stage.observe("cam")) {
                List<Report> before = new ArrayList<>();
                for (Child subscriber : subscribers) {
                    before.add(subscriber.await("progress", report -> report.number("received") >= FRAMES));
                }
                assertEquals(0, observer.ring().discontinuities());

                camera.kill();
                Await.until(
                        () -> "the producer notices, and not " + observer.ring().sourceState(),
                        () -> observer.ring().sourceState().orElseThrow() == SourceState.RECONNECTING);
                camera.restart();

                for (int i = 0; i < subscribers.size(); i++) {
                    Child subscriber = subscribers.get(i);
                    long breakAt = subscriber.await("break", report -> true).number("sequence");
                    Report after = subscriber.await(
                            "progress",
                            report -> report.number("sequence") >= breakAt + FRAMES_AFTER
                                    && report.number("captureNanos") > 0);
                    assertEquals(before.get(i).text("epoch"), after.text("epoch"), "the connection was kept");
                    assertEquals(
                            System.currentTimeMillis() / 1e3,
                            TimeUnit.NANOSECONDS.toMillis(after.number("captureNanos")) / 1e3,
                            HOUR,
                            "the camera's wall clock, from its sender reports");
                    verify(subscriber, transport, breakAt);
                }
                assertEquals(1, observer.ring().discontinuities(), "the gap is counted");
                assertEquals(0, observer.ring().copied(), "the decoder wrote into the slots itself");
                assertEquals(0, observer.ring().lostNoSlot());
            }
        }
    }

    private static void verify(Child subscriber, String transport, long breakAt) throws Exception {
        Report summary = subscriber.summary();
        assertEquals(0, summary.number("violations"), subscriber::toString);
        assertEquals(1, summary.number("breaks"), subscriber::toString);
        assertEquals(1, summary.number("gaps"), subscriber::toString);
        assertEquals(0, summary.number("reconnects"), subscriber::toString);
        assertTrue(summary.number("received") >= FRAMES + FRAMES_AFTER, subscriber::toString);
        if (transport.equals("tcp")) {
            // of the pictures that were on their way when the camera died, some that others refer to were there already
            subscriber
                    .reports("hole")
                    .forEach(hole -> assertTrue(
                            hole.number("sequence") < breakAt && hole.number("sequence") > breakAt - REORDERED,
                            subscriber::toString));
            assertEquals(0, summary.number("corrupt"), subscriber::toString);
        }
    }
}
