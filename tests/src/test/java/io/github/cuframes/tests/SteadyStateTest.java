package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Four streams at 25 frames a second make no garbage worth collecting, neither where they are produced nor where they are
 * read. {@code -Dcuframes.steady.seconds=60} measures for longer.
 */
@Tag("slow")
class SteadyStateTest {

    private static final Logger LOG = LoggerFactory.getLogger(SteadyStateTest.class);
    private static final Duration PERIOD = Duration.ofSeconds(Integer.getInteger("cuframes.steady.seconds", 8));
    private static final int STREAMS = 4;
    private static final int RATE = 25;
    private static final int WARM_UP_FRAMES = 75;

    /** A Frame, a buffer of a plane, and some sleeps; {@link io.github.cuframes.subscriber.Subscriber} has the figures. */
    private static final long SUBSCRIBER_BYTES = 112 + 64 + 5 * 16;

    @ParameterizedTest
    @CsvSource({"640x360@25, 0, 128", "pattern-h264, 1, 2048"})
    void noGarbageIsCollected(String source, int tag, long mostBytesPerFrame) throws Exception {
        try (Stage stage = new Stage()) {
            List<String> arguments =
                    new ArrayList<>(List.of(stage.runDirectory().toString()));
            for (int i = 0; i < STREAMS; i++) {
                arguments.add("cam" + i + "="
                        + (source.contains("@") ? source : Checkout.clip(source).toString()));
            }
            Child producers = stage.start("producers", SteadyProducers.class, arguments);
            List<Child> all = new ArrayList<>(List.of(producers));
            for (int i = 0; i < STREAMS; i++) {
                String policy = i % 2 == 0 ? "latest" : "fifo:4";
                all.add(stage.subscriber("cam" + i, policy, "tag=" + tag, "progress=" + WARM_UP_FRAMES));
            }
            for (Child subscriber : all.subList(1, all.size())) {
                subscriber.await("progress", report -> true);
            }
            // from empty heaps, so that what is measured is what this period brings
            for (Child child : all) {
                child.ask("collect", "mark");
            }
            Await.elapse(PERIOD);
            for (Child child : all) {
                Report mark = child.ask("mark", "mark");
                long frames = mark.number("frames");
                LOG.info("{}: {}: {} bytes a frame, {}", source, child.name(), mark.number("bytes") / frames, mark);
                assertEquals(0, mark.number("collections"), child::toString);
                long expected = PERIOD.toSeconds() * RATE * (child == producers ? STREAMS : 1);
                assertTrue(frames > expected / 2, child::toString);
                assertTrue(
                        mark.number("bytes") / frames <= (child == producers ? mostBytesPerFrame : SUBSCRIBER_BYTES),
                        child::toString);
            }
        }
    }
}
