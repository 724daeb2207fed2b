package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ObserverTest {

    private static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path path;

    private ScriptedPublisher publisher;
    private RunDirectory directory;

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(path, "cam1");
        directory = RunDirectory.resolve(path, Map.of(), RunDirectory.Role.SUBSCRIBER);
    }

    @AfterEach
    void close() throws IOException {
        publisher.close();
    }

    @Test
    void readsCountersAndSeesTheEnd() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, 2);
        Script<Client> script = Script.start(() -> {
            Client client = publisher.accept();
            assertEquals(Role.OBSERVER, client.expect(Message.Hello.class).role());
            client.send(client.welcomeMessage(), publisher.ringFile.descriptor());
            return client;
        });
        try (Observer observer = Observer.connect(directory, "cam1", LONG)) {
            assertEquals("cam1", observer.ring().key());
            assertEquals(64, observer.ring().width());
            publisher.write(0, 0);
            assertEquals(1, observer.ring().newestSequence());
            assertTrue(observer.isAlive());
            script.join().close();
            assertFalse(observer.isAlive());
            assertEquals(1, observer.ring().newestSequence());
        }
    }

    @Test
    void aPublisherThatIsStoppedKeepsNobody() {
        IOException e =
                assertThrows(IOException.class, () -> Observer.connect(directory, "cam1", Duration.ofMillis(100)));
        assertTrue(e.getMessage().contains("process is stopped"), e.getMessage());
    }

    @Test
    void saysWhyItIsRefused() {
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.error(ErrorCode.NOT_ALLOWED, "user 7 may not");
            return null;
        });
        SubscriberException e =
                assertThrows(SubscriberException.class, () -> Observer.connect(directory, "cam1", LONG));
        assertTrue(e.getMessage().contains("user 7 may not"), e.getMessage());
        script.join();
    }

    @Test
    void refusesWhatIsNotTheProtocol() {
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.welcome();
            return null;
        });
        ProtocolException e = assertThrows(ProtocolException.class, () -> Observer.connect(directory, "cam1", LONG));
        assertTrue(e.getMessage().contains("2 descriptors instead of 1"), e.getMessage());
        script.join();
    }
}
