package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.subscriber.Observer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One of four subscribers is stopped (SIGSTOP). The others notice nothing. */
@Tag("slow")
class SlowSubscriberTest {

    private static final Logger LOG = LoggerFactory.getLogger(SlowSubscriberTest.class);
    private static final int FRAMES = Integer.getInteger("cuframes.slow.frames", 150);

    @ParameterizedTest
    @ValueSource(strings = {"latest", "fifo:4"})
    void aStoppedSubscriberCostsTheOthersNoFrame(String policy) throws Exception {
        try (Stage stage = new Stage()) {
            // small pictures, since the deep queues take many slots
            stage.producer("cam", "--test-pattern", "320x180@50", "--credits", "64");
            List<Child> others = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                others.add(stage.subscriber("cam", "fifo:63", "tag=0", "progress=10"));
            }
            Child stopped = stage.subscriber("cam", policy, "tag=0", "progress=10");
            try (Observer observer = stage.observe("cam")) {
                for (Child child : List.of(others.get(0), others.get(1), others.get(2), stopped)) {
                    child.await("progress", report -> true);
                }
                List<Report> without = measure(others, observer);

                stopped.signal("STOP");
                long newestAtStop = observer.ring().newestSequence();
                List<Report> with = measure(others, observer);
                int seen = stopped.output().size();
                long newestAtCont = observer.ring().newestSequence();
                assertTrue(newestAtCont >= newestAtStop + FRAMES, "the producer went on");
                stopped.signal("CONT");

                // a frame that was in its hands already does not count
                Report skip = stopped.await(seen, "skip", report -> report.number("to") > newestAtStop);
                if (policy.equals("latest")) {
                    assertTrue(
                            skip.number("to") >= newestAtCont, "the newest frame first, " + newestAtCont + ": " + skip);
                }
                stopped.await("progress", report -> report.number("sequence") > newestAtCont + 20);

                for (int i = 0; i < others.size(); i++) {
                    LOG.info("subscriber {}: with all running {}, with one stopped {}", i, without.get(i), with.get(i));
                    assertEquals(span(with.get(i)), with.get(i).number("frames"), "every frame of the period");
                    Report summary = others.get(i).summary();
                    assertEquals(0, summary.number("dropped"), others.get(i)::toString);
                    assertEquals(0, summary.number("violations"), others.get(i)::toString);
                    assertEquals(0, summary.number("holes"), others.get(i)::toString);
                    assertEquals(0, summary.number("breaks"), others.get(i)::toString);
                }
                assertEquals(0, stopped.summary().number("violations"), stopped::toString);
                assertEquals(0, observer.ring().lostNoSlot());
            }
        }
    }

    private static long span(Report mark) {
        return mark.number("sequence") - mark.number("from");
    }

    /** Has all of them report on a period of so many frames. */
    private static List<Report> measure(List<Child> subscribers, Observer observer) throws Exception {
        for (Child subscriber : subscribers) {
            subscriber.ask("mark", "mark");
        }
        long until = observer.ring().newestSequence() + FRAMES;
        List<Report> marks = new ArrayList<>();
        for (Child subscriber : subscribers) {
            subscriber.await("progress", report -> report.number("sequence") >= until);
            marks.add(subscriber.ask("mark", "mark"));
        }
        return marks;
    }
}
