package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A publisher in a process of its own. */
@Timeout(120)
class SubscriberProcessTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private static long number(Frame frame) {
        return FrameCode.number(FrameCode.read(frame.plane(0), 0, frame.pitch(0), frame.width(), frame.height()));
    }

    @Test
    void aFrameHeldSurvivesTheKillingOfItsPublisherAndTheNextOneIsFound() throws Exception {
        Process first = PublisherProcess.start(directory, "cam1", 0);
        Process second = null;
        try (Subscriber subscriber = Subscriber.builder("cam1")
                .runDirectory(directory)
                .policy(DeliveryPolicy.fifo(3))
                .connectTimeout(LONG)
                .connect()) {
            Frame held = subscriber.next(LONG);
            for (int i = 0; i < 500; i++) {
                try (Frame frame = subscriber.next(LONG)) {
                    assertEquals(frame.sequence(), number(frame));
                }
            }
            first.destroyForcibly().waitFor();
            while (subscriber.state() == SubscriberState.STREAMING) {
                try (Frame frame = subscriber.next(1_000_000)) {
                    if (frame != null) {
                        assertEquals(frame.sequence(), number(frame), "what was delivered before the end is whole");
                    }
                }
            }
            assertEquals(held.sequence(), number(held));
            second = PublisherProcess.start(directory, "cam1", 0);
            try (Frame frame = subscriber.next(LONG)) {
                assertNotEquals(held.epoch(), frame.epoch());
                assertTrue(frame.breaksStream());
                assertEquals(frame.sequence(), number(frame));
            }
            assertEquals(held.sequence(), number(held));
            held.close();
            assertEquals(1, subscriber.statistics().reconnects());
            assertEquals(1, subscriber.statistics().gaps());
        } finally {
            first.destroyForcibly();
            if (second != null) {
                second.destroyForcibly();
            }
        }
    }
}
