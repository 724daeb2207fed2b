package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A scripted publisher, and subscribers that it wrongs. */
@Timeout(120)
abstract class SubscriberFaultFixture {

    static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    ScriptedPublisher publisher;

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(directory, "cam1");
    }

    @AfterEach
    void close() throws IOException {
        publisher.close();
    }

    SubscriberBuilder builder() {
        return Subscriber.builder("cam1").runDirectory(directory).policy(DeliveryPolicy.fifo(3));
    }

    interface Step {
        void run(Client client) throws IOException;
    }

    /** A publisher that does something wrong after HELLO; what the subscriber throws and what it tells the publisher. */
    void refusesGreeting(ErrorCode code, String told, Step step) {
        Script<Message.Failure> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            step.run(client);
            Message.Failure failure = client.expect(Message.Failure.class);
            assertNull(client.receive());
            return failure;
        });
        SubscriberException e =
                assertThrows(SubscriberException.class, () -> builder().connect());
        assertTrue(e.getMessage().contains(told), e.getMessage());
        assertTrue(e.getMessage().contains("cam1"), e.getMessage());
        assertEquals(code, e.code().orElseThrow());
        assertEquals(code, script.join().code());
    }

    FileDescriptor ring() {
        return publisher.ringFile.descriptor();
    }

    /** A publisher that does something wrong while frames flow. */
    void refusesStreaming(ErrorCode code, String told, Step step) throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Message.Failure> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.expect(Message.Ack.class);
            step.run(client);
            Message message;
            do {
                message = client.receive();
            } while (message instanceof Message.Ack);
            return (Message.Failure) message;
        });
        try (Subscriber subscriber = builder().connect()) {
            SubscriberException e = assertThrows(SubscriberException.class, () -> {
                while (true) {
                    Frame frame = subscriber.next(LONG);
                    if (frame != null) {
                        frame.close();
                    }
                }
            });
            assertTrue(e.getMessage().contains(told), e.getMessage());
            assertEquals(code, script.join().code());
            assertEquals(SubscriberState.REFUSED, subscriber.state());
            assertThrows(SubscriberException.class, () -> subscriber.next(0), "it stays refused");
        }
    }

    void refusesAfterTheEnd(String told, Step step) throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.expect(Message.Ack.class);
            step.run(client);
            return null;
        });
        try (Subscriber subscriber = builder().connect()) {
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertTrue(e.getMessage().contains(told), e.getMessage());
            script.join();
        }
    }
}
