package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.subscriber.Observer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Any process is killed (SIGKILL) at any moment, also while it starts. {@code -Dcuframes.kills=200} sets how often,
 * {@code -Dcuframes.seed=…} repeats a run.
 */
@Tag("slow")
class KillTest {

    private static final Logger LOG = LoggerFactory.getLogger(KillTest.class);
    private static final int KILLS = Integer.getInteger("cuframes.kills", 100);
    private static final long SEED = Long.getLong("cuframes.seed", System.nanoTime());
    private static final List<String> POLICIES = List.of("latest", "fifo:4", "lossless", "fifo:1");
    private static final int LONGEST_PAUSE_MILLIS = 300;
    private static final int MOST_AT_ONCE = 5;

    private final Random random = new Random(SEED);

    /** The producer and the subscribers of the moment. */
    private final class Cast {
        private final Stage stage;
        private final boolean fileToo;
        private Child producer;
        private final List<Child> subscribers = new ArrayList<>();
        private final List<Child> past = new ArrayList<>();

        Cast(Stage stage, boolean fileToo) throws IOException {
            this.stage = stage;
            this.fileToo = fileToo;
            startProducer();
            for (String policy : POLICIES) {
                subscribers.add(subscriber(policy));
            }
        }

        private void startProducer() throws IOException {
            if (fileToo && random.nextBoolean()) {
                String clip = Checkout.clip("pattern-h264").toString();
                producer = stage.producer("cam", "--input", clip, "--loop", "--realtime");
            } else {
                producer = stage.producer("cam", "--test-pattern", "640x360@50");
            }
        }

        private Child subscriber(String policy) throws IOException {
            // it holds frames most of the time
            return stage.subscriber("cam", policy, "progress=5", "hold=" + random.nextInt(30));
        }

        void killProducer() throws Exception {
            producer.kill();
            startProducer();
        }

        void killSubscriber(int which) throws Exception {
            Child victim = subscribers.get(which);
            victim.kill();
            past.add(victim);
            subscribers.set(which, subscriber(POLICIES.get(which)));
        }

        /** Every subscriber there is receives frames from now on, those that lived through it and those that came. */
        void awaitProgress() {
            List<Integer> from =
                    subscribers.stream().map(s -> s.output().size()).toList();
            for (int i = 0; i < subscribers.size(); i++) {
                Child subscriber = subscribers.get(i);
                subscriber.await(from.get(i), "progress", report -> true);
            }
            assertTrue(producer.isAlive(), producer::toString);
        }

        void verifyAll() {
            past.addAll(subscribers);
            for (Child subscriber : past) {
                assertTrue(subscriber.reports("violation").isEmpty(), subscriber::toString);
            }
        }
    }

    @Test
    void survivorsGoOnWhateverDies() throws Exception {
        LOG.info("{} kills, seed {}", KILLS, SEED);
        try (Stage stage = new Stage()) {
            Cast cast = new Cast(stage, true);
            cast.awaitProgress();
            int producers = 0;
            for (int killed = 0; killed < KILLS; ) {
                int together = Math.min(KILLS - killed, 1 + random.nextInt(MOST_AT_ONCE));
                for (int i = 0; i < together; i++) {
                    Await.elapse(Duration.ofMillis(random.nextInt(LONGEST_PAUSE_MILLIS)));
                    int victim = random.nextInt(POLICIES.size() + 1);
                    if (victim == POLICIES.size()) {
                        cast.killProducer();
                        producers++;
                    } else {
                        cast.killSubscriber(victim);
                    }
                }
                killed += together;
                cast.awaitProgress();
            }
            LOG.info("{} processes were killed, {} of them producers", KILLS, producers);
            cast.verifyAll();
            for (Child subscriber : cast.subscribers) {
                assertEquals(0, subscriber.summary().number("violations"), subscriber::toString);
            }
            cast.producer.kill();
            verifyNothingHinders(stage);
        }
    }

    /** After a kill there is a stale socket: memory has no name. */
    private static void verifyNothingHinders(Stage stage) throws Exception {
        assertEquals(List.of(stage.socketOf("cam")), stage.sockets());

        Child next = stage.producer("cam", "--test-pattern", "320x180@25");
        Child subscriber = stage.subscriber("cam", "latest", "progress=5");
        subscriber.await("progress", report -> true);
        next.signal("TERM");
        assertEquals(0, next.awaitExit(), next::toString);
        assertEquals(List.of(), stage.sockets());
    }

    @Test
    void slotsOfTheDeadComeBack() throws Exception {
        LOG.info("{} kills, seed {}", KILLS / 2, SEED);
        try (Stage stage = new Stage()) {
            Cast cast = new Cast(stage, false);
            try (Observer observer = stage.observe("cam")) {
                Ring ring = observer.ring();
                cast.awaitProgress();
                for (int killed = 0; killed < KILLS / 2; killed++) {
                    Await.elapse(Duration.ofMillis(random.nextInt(LONGEST_PAUSE_MILLIS)));
                    cast.killSubscriber(random.nextInt(POLICIES.size()));
                }
                cast.awaitProgress();
                assertTrue(observer.isAlive(), "the producer lived through it");
                int slots = ring.slots();

                for (Child subscriber : cast.subscribers) {
                    subscriber.kill();
                }
                Await.until(
                        () -> ring.slotsInUse() + " slots in use, " + ring.subscribers() + " subscribers",
                        () -> ring.subscribers() == 0 && ring.slotsInUse() == 1);
                assertEquals(0, ring.lostNoSlot());
                cast.verifyAll();

                // nor were slots added for each that came
                Child last = stage.subscriber("cam", "fifo:7", "progress=5");
                last.await("progress", report -> true);
                assertEquals(slots, ring.slots());
                assertTrue(observer.isAlive());
            }
        }
    }
}
