package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.Role;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a publisher says of its subscribers. */
class SubscriberCountersTest extends PublisherFixture {

    private SubscriberCounters only() {
        assertEquals(1, publisher.subscribers().size());
        return publisher.subscribers().get(0);
    }

    @Test
    void theTimeUntilAFrameIsGivenBackIsSummedUp() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 2, 2);
        long start = System.nanoTime();
        publish(1);
        publish(2);
        assertEquals(0, only().releaseNanos(), "nothing came back");
        client.release(client.take());
        publish(3);
        SubscriberCounters first = only();
        assertEquals(1, first.released());
        assertTrue(first.releaseNanos() > 0 && first.releaseNanos() <= System.nanoTime() - start, first.toString());
        client.release(client.take());
        client.release(client.take());
        publish(4);
        SubscriberCounters all = only();
        assertEquals(3, all.released());
        long most = 3 * (System.nanoTime() - start);
        assertTrue(all.releaseNanos() > first.releaseNanos() && all.releaseNanos() <= most, all.toString());
    }

    @Test
    void theyAreThoseThatObserversSee() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 2);
        for (int i = 1; i <= 5; i++) {
            publish(i);
        }
        SubscriberCounters counters = only();
        assertEquals(client.welcome.subscriberId(), counters.id());
        assertEquals(ProcessHandle.current().pid(), counters.pid());
        assertEquals(client.ring.subscriber(0).uid(), counters.uid());
        assertEquals(DeliveryMode.LATEST, counters.mode());
        assertEquals("raw", counters.name());
        assertEquals(2, counters.credits());
        assertEquals(2, counters.held());
        assertEquals(2, counters.delivered());
        assertEquals(2, counters.lastSequence());
        assertEquals(3, counters.dropped());
        assertEquals(client.ring.subscriber(0).delivered(), counters.delivered());
        assertEquals(client.ring.subscriber(0).dropped(), counters.dropped());
        assertEquals(client.ring.newestPublishNanos(), publisher.counters().newestNanos());
        clients.remove(client);
        client.close();
        await(() -> publisher.subscribers().isEmpty());
    }

    @Test
    void namesAreFitToPrint() throws IOException {
        Message.Hello wicked = new Message.Hello(
                ProtocolVersion.CURRENT,
                "raw/1",
                KEY,
                "a\n# TYPE b\u001b[2J \"c\"",
                Role.SUBSCRIBER,
                DeliveryMode.LATEST,
                0,
                1,
                ALL_KINDS,
                0,
                List.of());
        subscribe(wicked);
        assertEquals("a?# TYPE b?[2J \"c\"", only().name());
        publisher.close();
        assertEquals(List.of(), publisher.subscribers());
    }
}
