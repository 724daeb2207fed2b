package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Publishers that die, leave, come back and change what they send. */
@Timeout(120)
class SubscriberReconnectTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    private ScriptedPublisher publisher;

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(directory, "cam1");
    }

    @AfterEach
    void close() throws IOException {
        publisher.close();
    }

    private SubscriberBuilder builder() {
        return Subscriber.builder("cam1").runDirectory(directory).policy(DeliveryPolicy.fifo(3));
    }

    @Test
    void givesUpWhenTheLeasesHaveEndedWithAnError() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Client> script = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().reconnect(false).connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = script.join();
            publisher.write(0, 0);
            client.deliver(0);
            Frame held = subscriber.next(LONG);
            client.error(ErrorCode.TOO_SLOW, "you held a frame for 30 s");
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertEquals(ErrorCode.TOO_SLOW, e.code().orElseThrow());
            assertThrows(IllegalStateException.class, () -> held.plane(0));
            held.close();
        }
    }

    @Test
    void drainsAndConnectsAgain() throws IOException {
        Script<Client> running = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().connect()) {
            while (!running.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = running.join();
            for (int slot = 0; slot < 3; slot++) {
                publisher.write(slot, 0);
                client.deliver(slot);
            }
            client.close();
            Script<Client> again = Script.start(publisher::serve);
            long last = 0;
            while (!again.isDone()) {
                try (Frame frame = subscriber.next(1_000_000)) {
                    if (frame != null) {
                        assertEquals(++last, frame.sequence());
                        assertTrue(ScriptedPublisher.isIntact(frame));
                    }
                }
            }
            assertEquals(3, last, "what was delivered before the end is read");
            Client second = again.join();
            second.deliver(2); // a newcomer gets the newest frame, which this one has had
            publisher.write(9, 0);
            second.deliver(9);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(publisher.sequence, frame.sequence());
                assertTrue(second.isFree(2), "what was not wanted is given back");
            }
            assertEquals(0, subscriber.statistics().dropped());
        }
    }

    @Test
    void theNewestFrameDoesNotComeAgainAfterAReconnect() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Client> running = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().policy(DeliveryPolicy.latest()).connect()) {
            while (!running.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = running.join();
            publisher.write(0, 0);
            client.deliver(0);
            subscriber.next(LONG).close();
            client.close();
            Script<Client> again = Script.start(publisher::serve);
            while (!again.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client second = again.join();
            second.deliver(0);
            for (int i = 0; i < 100; i++) {
                assertNull(subscriber.next(1_000_000));
            }
            publisher.write(1, 0);
            second.deliver(1);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(2, frame.sequence());
            }
        }
    }

    @Test
    void connectsAgainWhenTheSocketEndsWhileGreeting() throws IOException {
        Script<Client> script = Script.start(() -> {
            publisher.accept().close();
            Client silent = publisher.accept();
            silent.expect(Message.Hello.class);
            silent.close();
            Client greeted = publisher.accept();
            greeted.expect(Message.Hello.class);
            greeted.welcome();
            greeted.expect(Message.Ack.class);
            greeted.close();
            return publisher.serve();
        });
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = script.join();
            publisher.write(0, 0);
            client.deliver(0);
            subscriber.next(LONG).close();
            assertEquals(new SubscriberStatistics(1, 0, 0, 1, 0), subscriber.statistics());
        }
    }

    @Test
    void anotherPublisherIsAGapAndNotALoss() throws IOException {
        Script<Client> script = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            publisher.sequence = 500;
            publisher.write(0, 0);
            script.join().deliver(0);
            Frame held = subscriber.next(LONG);
            script.join().bye(ByeReason.CLOSING);
            script.join().close();
            publisher.close();
            assertNull(subscriber.next(100_000_000), "nobody is there");
            publisher = new ScriptedPublisher(directory, "cam1");
            Script<Client> again = Script.start(publisher::serve);
            while (!again.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            publisher.write(0, 0);
            again.join().deliver(0);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(1, frame.sequence());
                assertTrue(frame.breaksStream());
            }
            assertEquals(new SubscriberStatistics(2, 0, 1, 1, 0), subscriber.statistics());
            assertTrue(ScriptedPublisher.isIntact(held), "a frame outlives its publisher");
            held.close();
        }
    }

    @Test
    void goesOnWithANewGenerationWhileFramesOfTheOldAreQueuedAndHeld() throws IOException {
        Script<Client> script = Script.start(() -> {
            publisher.allocate(1, ScriptedPublisher.CONFIG, 0, 4);
            return publisher.serve();
        });
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = script.join();
            publisher.write(0, 0);
            client.deliver(0);
            publisher.write(1, 0);
            client.deliver(1);
            int slab = publisher.allocate(2, ScriptedPublisher.config(160, 120), 4, 8);
            client.memory(slab);
            publisher.write(4, 0);
            client.deliver(4);
            Frame first = subscriber.next(LONG);
            Frame second = subscriber.next(LONG);
            Frame third = subscriber.next(LONG);
            assertEquals(1, second.generation());
            assertEquals(2, third.generation());
            assertEquals(160, third.width());
            assertEquals(64, first.width());
            for (Frame frame : List.of(first, second, third)) {
                assertTrue(ScriptedPublisher.isIntact(frame), frame.toString());
                frame.close();
            }
            assertEquals(2, client.expect(Message.Ack.class).generation());

            // more slots of the same generation
            int more = publisher.allocate(2, ScriptedPublisher.config(160, 120), 8, 12);
            client.memory(more);
            publisher.write(9, 0);
            client.deliver(9);
            try (Frame frame = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
            // a slot of the first generation gets memory of the second
            int reused = publisher.allocate(2, ScriptedPublisher.config(160, 120), 0, 2);
            client.memory(reused);
            publisher.write(0, 0);
            client.deliver(0);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(160, frame.width());
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
        }
    }

    @Test
    void saysWhoIsMissingWhereAndWhatToDo() throws IOException {
        publisher.close();
        SubscriberException e = assertThrows(
                SubscriberException.class,
                () -> builder().connectTimeout(Duration.ofMillis(150)).connect());
        assertTrue(e.getMessage().contains("cam1"), e.getMessage());
        assertTrue(e.getMessage().contains(directory.toString()), e.getMessage());
        assertTrue(e.getMessage().contains("start one"), e.getMessage());
        assertTrue(e.code().isEmpty());
        publisher = new ScriptedPublisher(directory, "other");
        SubscriberException silent = assertThrows(SubscriberException.class, () -> Subscriber.builder("other")
                .runDirectory(directory)
                .connectTimeout(Duration.ofMillis(150))
                .connect());
        assertTrue(silent.getMessage().contains("process is stopped"), silent.getMessage());
    }

    @Test
    void waitsForAPublisherThatIsYetToCome() throws IOException {
        publisher.close();
        Script<Subscriber> waiting =
                Script.start(() -> builder().connectTimeout(LONG).connect());
        publisher = new ScriptedPublisher(directory, "cam1");
        Client client = publisher.accept();
        client.expect(Message.Hello.class);
        client.welcome();
        client.expect(Message.Ack.class);
        waiting.join().close();
    }

    @Test
    void endsWithoutReconnection() throws IOException {
        Script<Client> script = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().reconnect(false).connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            script.join().close();
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertTrue(e.getMessage().contains("gone"), e.getMessage());
        }
        Script<Client> second = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().reconnect(false).connect()) {
            while (!second.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            second.join().bye(ByeReason.CLOSING);
            assertNull(subscriber.next(LONG));
            assertTrue(subscriber.isAtEnd());
        }
    }
}
