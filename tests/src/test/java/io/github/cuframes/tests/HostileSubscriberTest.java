package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Observer;
import io.github.cuframes.subscriber.Subscriber;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Clients that do all they can to a publisher at once, while one subscriber must get every frame. Takes some seconds;
 * {@code -Dcuframes.hostile.seconds=600} goes on for longer, {@code -Dcuframes.seed=…} repeats a run.
 */
@Tag("slow")
class HostileSubscriberTest {

    private static final Logger LOG = LoggerFactory.getLogger(HostileSubscriberTest.class);
    private static final Duration PERIOD = Duration.ofSeconds(Integer.getInteger("cuframes.hostile.seconds", 5));
    private static final long SEED = Long.getLong("cuframes.seed", System.nanoTime());

    /** Room for what a JVM opens, starts and maps by itself; a leak by thousands of clients is far more. */
    private static final int SLACK = 100;

    /** What the log may have in a second about clients: ten lines in half of one, and one that counts the rest. */
    private static final int LINES_PER_SECOND = 22;

    @Test
    void nobodyElseNoticesThem() throws Exception {
        LOG.info("{} s, seed {}", PERIOD.toSeconds(), SEED);
        try (Stage stage = new Stage()) {
            Child producer =
                    stage.producer("cam", "--test-pattern", "320x180@25", "--credits", "64", "--max-subscribers", "16");
            Child good = stage.subscriber("cam", "fifo:63", "tag=0", "progress=5");
            Child stopped = stage.subscriber("cam", "fifo:4", "tag=0", "progress=5");
            try (Observer observer = stage.observe("cam")) {
                Ring ring = observer.ring();
                good.await("progress", report -> true);
                stopped.await("progress", report -> true);
                stopped.signal("STOP");

                int threads = Proc.threadsOf(producer.pid());
                int descriptors = Proc.descriptorsOf(producer.pid());
                long mappings = Proc.mappingsOf(producer.pid());
                int lines = producer.errors().size();
                long begin = System.nanoTime();

                Child hostile = attack(stage);
                long first = ring.newestSequence();
                newcomersGetIn(stage, hostile, begin);
                good.await("progress", report -> report.number("sequence") > ring.newestSequence() - 5);
                hostile.closeInput();
                assertEquals(0, hostile.awaitExit(), hostile::toString);
                long seconds = (System.nanoTime() - begin) / 1_000_000_000 + 1;

                assertTrue(producer.isAlive(), producer::toString);
                assertTrue(observer.isAlive(), "the control socket is served");
                assertTrue(ring.newestSequence() > first, "frames were published meanwhile");
                stopped.kill();
                Await.until(() -> ring.subscribers() + " subscribers are left", () -> ring.subscribers() == 1);
                Await.until(() -> ring.slotsInUse() + " slots are in use", () -> ring.slotsInUse() <= 2);
                assertEquals(0, ring.lostNoSlot());
                Await.until(
                        () -> "descriptors: " + descriptors + " before, and now too many",
                        () -> descriptorsOf(producer) < descriptors + SLACK);
                assertTrue(Proc.threadsOf(producer.pid()) <= threads + SLACK / 10, "threads of the producer");
                assertTrue(Proc.mappingsOf(producer.pid()) < mappings + 2 * SLACK, "mappings of the producer");
                int written = producer.errors().size() - lines;
                assertTrue(written <= LINES_PER_SECOND * (seconds + 1), written + " lines of log in " + seconds + " s");
                assertTrue(
                        producer.errors().stream()
                                .noneMatch(line -> line.contains("\u001B") || line.matches("\\S+ ERROR .*")),
                        producer::toString);

                Report summary = good.summary();
                for (String nothing : List.of("dropped", "gaps", "violations", "holes", "reconnects", "breaks")) {
                    assertEquals(0, summary.number(nothing), good::toString);
                }
                report(hostile);
            }
        }
    }

    private static Child attack(Stage stage) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(stage.socketOf("cam").toString(), "cam", Long.toString(SEED)));
        Stream.of(HostileClients.Kind.values()).map(Enum::name).forEach(arguments::add);
        // the processor is not what they attack: a test cannot defend it
        Launch last = Launch.PLAIN.by(List.of("nice", "-n", "5"));
        return stage.start("hostile", HostileClients.class, last, arguments);
    }

    /** All the while others can subscribe, whatever the flood of connections. */
    private static void newcomersGetIn(Stage stage, Child hostile, long begin) {
        int newcomers = 0;
        while (hostile.reports("busy").isEmpty() && hostile.isAlive()
                || newcomers < 3
                || System.nanoTime() - begin < PERIOD.toNanos()) {
            try (Subscriber subscriber = Subscriber.builder("cam")
                    .runDirectory(stage.runDirectory())
                    .policy(DeliveryPolicy.latest())
                    .connectTimeout(Await.DEADLINE)
                    .connect()) {
                Frame frame = subscriber.next(Await.DEADLINE);
                assertNotNull(frame);
                frame.close();
            }
            newcomers++;
        }
        LOG.info("{} newcomers got in", newcomers);
    }

    private static int descriptorsOf(Child child) {
        try {
            return Proc.descriptorsOf(child.pid());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void report(Child hostile) {
        List<Report> reports = hostile.reports("hostile");
        assertEquals(HostileClients.Kind.values().length, reports.size(), hostile::toString);
        for (Report report : reports) {
            LOG.info("{}", report);
            assertEquals("no", report.text("failed"), hostile::toString);
            assertTrue(report.number("connections") > 0, report::toString);
        }
    }
}
