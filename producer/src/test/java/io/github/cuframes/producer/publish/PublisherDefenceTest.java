package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.transport.KeyInUseException;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.standin.OpenDescriptors;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PublisherDefenceTest extends PublisherFixture {

    @Test
    void aKeyInUseIsRefused() {
        assertThrows(KeyInUseException.class, () -> builder().open());
    }

    @Test
    void whoeverDoesNotFitInIsToldWhy() throws IOException {
        reopen(builder().allowLossless(false).maxSubscribers(1).maxMemory(4 * 4096));
        publisher.configure(config(64, 48), 1);
        assertEquals(ErrorCode.WRONG_KEY, refusal(RawClient.hello("other", DeliveryMode.LATEST, 0, 0)));
        assertEquals(ErrorCode.LOSSLESS_REFUSED, refusal(RawClient.hello(KEY, DeliveryMode.LOSSLESS, 0, 0)));
        assertEquals(ErrorCode.TOO_MANY_CREDITS, refusal(RawClient.hello(KEY, DeliveryMode.LATEST, 0, 5)));
        assertEquals(ErrorCode.TOO_MANY_CREDITS, refusal(RawClient.hello(KEY, DeliveryMode.FIFO, 9, 0)));
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, refusal(RawClient.hello(KEY, DeliveryMode.FIFO, 0, 0)));
        assertEquals(ErrorCode.MEMORY_LIMIT, refusal(RawClient.hello(KEY, DeliveryMode.LATEST, 0, 3)));
        assertEquals(
                ErrorCode.MEMORY_UNREACHABLE,
                refusal(new Message.Hello(
                        ProtocolVersion.CURRENT,
                        "raw/1",
                        KEY,
                        "raw",
                        Role.SUBSCRIBER,
                        DeliveryMode.LATEST,
                        0,
                        0,
                        4,
                        0,
                        List.of())));
        assertEquals(
                ErrorCode.VERSION_MISMATCH,
                refusal(new Message.Hello(
                        new ProtocolVersion(2, 0),
                        "raw/2",
                        KEY,
                        "raw",
                        Role.SUBSCRIBER,
                        DeliveryMode.LATEST,
                        0,
                        0,
                        2,
                        0,
                        List.of())));
        active(DeliveryMode.LATEST, 0, 2);
        assertEquals(ErrorCode.TOO_MANY_SUBSCRIBERS, refusal(RawClient.hello(KEY, DeliveryMode.LATEST, 0, 0)));
        assertEquals(1, publisher.counters().subscribers());
    }

    /** A generation's memory cannot be mapped by a subscriber that has not mapped its page. */
    @Test
    void aGenerationIsNotAcknowledgedBeforeThePage() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = new RawClient(directory.resolve("cam.sock"));
        clients.add(client);
        client.send(RawClient.hello(KEY, DeliveryMode.LATEST, 0, 1));
        client.receive();
        client.send(new Message.Ack(1));
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(client));
    }

    @Test
    void onlyThoseNamedMaySubscribeOnceAnybodyIs() throws IOException {
        Message hello = RawClient.hello(KEY, DeliveryMode.LATEST, 0, 0);
        long me = RunDirectory.userId();
        long mine = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:gid");
        reopen(builder().allowUser("4000000").allowGroup("4000001"));
        assertEquals(ErrorCode.NOT_ALLOWED, refusal(hello));
        Message.Failure refusal;
        try (RawClient client = new RawClient(directory.resolve("cam.sock"))) {
            client.send(hello);
            refusal = refusalOf(client);
        }
        assertTrue(refusal.text().contains("user " + me + " may not"), refusal.text());
        assertTrue(refusal.text().contains("--allow-user " + me), refusal.text());
        reopen(builder().allowUser("4000000").allowUser(Long.toString(me)));
        active(DeliveryMode.LATEST, 0, 0).close();
        clients.clear();
        reopen(builder().allowGroup(Long.toString(mine)));
        active(DeliveryMode.LATEST, 0, 0);
    }

    @Test
    void namesThatNobodyHasAreRefused() {
        publisher.close();
        for (PublisherBuilder builder :
                List.of(builder().allowUser("no-such-name"), builder().allowGroup("no such"))) {
            IOException e = assertThrows(IOException.class, builder::open);
            assertTrue(e.getMessage().contains("no such") || e.getMessage().contains("no-such-name"), e.getMessage());
            assertTrue(e.getMessage().contains("or a number"), e.getMessage());
        }
    }

    private ErrorCode refusal(Message first) throws IOException {
        try (RawClient client = new RawClient(directory.resolve("cam.sock"))) {
            client.send(first);
            return failureOf(client);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ack first", "request first", "welcome", "second hello", "ack of the future"})
    void messagesOutOfOrderEndTheConnectionAndNobodyElseNotices(String what) throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient other = active(DeliveryMode.FIFO, 1, 0);
        RawClient client = new RawClient(directory.resolve("cam.sock"));
        clients.add(client);
        Message.Hello hello = RawClient.hello(KEY, DeliveryMode.LATEST, 0, 0);
        switch (what) {
            case "ack first" -> client.send(new Message.Ack(0));
            case "request first" -> client.send(new Message.Request());
            case "welcome" -> client.send(new Message.Welcome(ProtocolVersion.CURRENT, "x", 1, 1, 1, 1, 1));
            case "second hello" -> {
                client.send(hello);
                client.send(hello);
            }
            default -> {
                client.send(hello);
                client.send(new Message.Ack(17));
            }
        }
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(client));
        publish(1);
        assertEquals(1, value(other, other.take()));
    }

    @Test
    void aLeaseReleasedForADeliveryThatNeverWasEndsTheConnection() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 1, 0);
        publish(1);
        client.page.release(client.page.lease(client.take()), 99);
        publish(2);
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(client));
        await(() -> publisher.counters().slotsInUse() == 1);
    }

    @Test
    void aPageCannotBeCutShort() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 1, 0);
        publish(1);
        try (FileChannel file = FileChannel.open(Descriptors.path(client.pageDescriptor), StandardOpenOption.WRITE)) {
            assertThrows(IOException.class, () -> file.truncate(0));
            assertThrows(IOException.class, () -> file.truncate(SubscriberPage.SIZE - 1));
        }
        assertEquals(1, value(client, client.take()));
    }

    /** Room for one subscriber and 128 others: half-open ones make way, the oldest first, and frames go on. */
    @Test
    void connectionsThatSayNothingKeepNobodyOut() throws IOException {
        reopen(builder().maxSubscribers(1));
        publisher.configure(config(64, 48), 1);
        for (int i = 0; i < 200; i++) {
            clients.add(new RawClient(directory.resolve("cam.sock")));
        }
        RawClient oldest = clients.get(0);
        assertEquals(ErrorCode.HANDSHAKE_TIMEOUT, failureOf(oldest));
        RawClient client = active(DeliveryMode.FIFO, 1, 0);
        publish(1);
        assertEquals(1, value(client, client.take()));
    }

    /** One that sends without end, and leaves in the middle of it, is read to its end and takes no turn of another's. */
    @Test
    void whoeverNeverStopsTalkingIsReadInTurns() throws IOException {
        publisher.configure(config(64, 48), 1);
        for (int round = 0; round < 3; round++) {
            RawClient talker = active(DeliveryMode.FIFO, 1, 0);
            for (int i = 0; i < 1000; i++) {
                talker.send(new Message.Request());
            }
            RawClient other = subscribe(DeliveryMode.FIFO, 1, 0);
            talker.close();
            clients.remove(talker);
            await(() -> publisher.counters().subscribers() == 1);
            other.close();
            clients.remove(other);
            await(() -> publisher.counters().subscribers() == 0);
        }
    }

    /** A name can neither begin a line of the log nor send a terminal commands. */
    @Test
    void namesAreShownWithoutTheirControlCharacters() throws IOException {
        RawClient client = subscribe(new Message.Hello(
                ProtocolVersion.CURRENT,
                "raw/1",
                KEY,
                "a\nb\u001B[31mc\u202E" + "x".repeat(100),
                Role.SUBSCRIBER,
                DeliveryMode.LATEST,
                0,
                0,
                ALL_KINDS,
                0,
                List.of()));
        String shown = client.ring.subscriber(client.welcome.subscriberIndex()).name();
        assertEquals("a?b?[31mc?" + "x".repeat(38), shown);
    }

    @Test
    void theLogIsNotTheClientsToFill() {
        LogLimit lines = new LogLimit();
        for (int i = 0; i < 1000; i++) {
            assertEquals(i < 10, lines.take());
        }
        assertEquals(990, lines.renew());
        assertEquals(0, lines.renew());
        assertTrue(lines.take());
    }

    @Test
    void twoHundredComeAndGoAndNothingIsLeft() throws IOException {
        publisher.configure(config(64, 48), 1);
        active(DeliveryMode.LATEST, 0, 2).close();
        clients.clear();
        await(() -> publisher.counters().subscribers() == 0);
        OpenDescriptors open = OpenDescriptors.now();
        PublisherCounters before = publisher.counters();
        for (int i = 0; i < 200; i++) {
            try (RawClient client = RawClient.subscribe(
                    directory.resolve("cam.sock"), RawClient.hello(KEY, DeliveryMode.LATEST, 0, 2))) {
                publish(i);
                client.take();
                client.slabs.values().forEach(ImportedMemory::close);
                client.closeDescriptors();
            }
        }
        await(() ->
                publisher.counters().subscribers() == 0 && publisher.counters().slotsInUse() == 1);
        assertEquals(before.memoryBytes(), publisher.counters().memoryBytes());
        open.assertNothingNew("two hundred subscribers");
    }
}
