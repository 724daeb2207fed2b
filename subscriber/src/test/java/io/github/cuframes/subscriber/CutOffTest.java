package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A subscriber that is cut off, and whose own messages then fail. */
class CutOffTest {

    private static final Duration LONG = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    /**
     * A REQUEST that the publisher does not take any more makes the socket library close the connection, with the
     * publisher's ERROR unread in it: that its slots are used again is no breach all the same.
     */
    @Test
    void takesNoReusedSlotForABreachWhenTheReasonIsLost() throws Exception {
        try (ScriptedPublisher publisher = new ScriptedPublisher(directory, "cam1")) {
            publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
            Script<ScriptedPublisher.Client> script = Script.start(() -> {
                ScriptedPublisher.Client client = publisher.accept();
                client.expect(Message.Hello.class);
                client.welcome();
                client.expect(Message.Ack.class);
                client.memory(0);
                publisher.write(0, 0);
                client.deliver(0);
                return client;
            });
            try (Subscriber subscriber = Subscriber.builder("cam1")
                    .runDirectory(directory)
                    .policy(DeliveryPolicy.lossless())
                    .reconnect(false)
                    .connect()) {
                ScriptedPublisher.Client client = script.join();
                Frame first = subscriber.next(LONG);
                assertEquals(1, first.sequence());
                publisher.write(1, 0);
                client.deliver(1);
                client.page.publisherWaits(true);
                client.error(ErrorCode.TOO_SLOW, "the source waited for too long");
                client.close();
                first.close(); // which asks the publisher to look, and fails
                publisher.write(1, 0); // it holds another frame than the one delivered
                SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
                assertTrue(e.getMessage().contains("gone without a word"), e.getMessage());
            }
        }
    }
}
