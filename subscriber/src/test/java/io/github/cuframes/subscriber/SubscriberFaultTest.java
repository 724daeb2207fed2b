package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Publishers that break the protocol, refuse, or die. */
@Timeout(120)
class SubscriberFaultTest extends SubscriberFaultFixture {

    @Test
    void refusesAnotherMajorVersion() {
        refusesGreeting(
                ErrorCode.VERSION_MISMATCH,
                "same major version",
                client -> client.send(
                        client.welcomeMessage(new ProtocolVersion(2, 0), publisher.ringFile.size(), 4),
                        ring(),
                        client.pageFile.descriptor()));
    }

    @Test
    void refusesWrongNumbersOfDescriptors() {
        refusesGreeting(
                ErrorCode.PROTOCOL_VIOLATION,
                "1 descriptors instead of 2",
                client -> client.send(client.welcomeMessage(), ring()));
        refusesGreeting(
                ErrorCode.PROTOCOL_VIOLATION,
                "3 descriptors instead of 2",
                client -> client.send(
                        client.welcomeMessage(), ring(), client.pageFile.descriptor(), client.pageFile.descriptor()));
        refusesGreeting(
                ErrorCode.PROTOCOL_VIOLATION,
                "DOORBELL message came with 1 descriptors",
                client -> client.send(new Message.Doorbell(), ring()));
    }

    @Test
    void refusesARingOfTheWrongSize() {
        refusesGreeting(
                ErrorCode.MEMORY_UNREACHABLE,
                "were announced",
                client -> client.send(
                        client.welcomeMessage(ProtocolVersion.CURRENT, publisher.ringFile.size() + 1, 4),
                        ring(),
                        client.pageFile.descriptor()));
        refusesGreeting(
                ErrorCode.PROTOCOL_VIOLATION,
                "it is said to have",
                client -> client.send(
                        client.welcomeMessage(ProtocolVersion.CURRENT, publisher.ringFile.size() - 128, 4),
                        ring(),
                        client.pageFile.descriptor()));
        refusesGreeting(
                ErrorCode.PROTOCOL_VIOLATION,
                "ring of 18446744073709551615 bytes",
                client -> client.send(
                        client.welcomeMessage(ProtocolVersion.CURRENT, -1, 4), ring(), client.pageFile.descriptor()));
    }

    @Test
    void refusesARingThatIsNone() {
        publisher.ringFile.buffer().putInt(0, 0);
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "does not begin with CUFR", Client::welcome);
    }

    @Test
    void refusesARingOfAnotherStream() throws IOException {
        try (SharedFile other = SharedFile.create(publisher.ringFile.size(), SharedFile.Peer.READS)) {
            Ring.create(other.buffer(), ScriptedPublisher.SLOTS, 4, publisher.epoch, 1, 0, "x", "cam2");
            refusesGreeting(
                    ErrorCode.PROTOCOL_VIOLATION,
                    "\"cam2\"",
                    client -> client.send(client.welcomeMessage(), other.descriptor(), client.pageFile.descriptor()));
        }
    }

    @Test
    void refusesAPageThatIsNotItsOwn() {
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "CUFP", client -> {
            client.pageFile.buffer().putInt(0, 0);
            client.welcome();
        });
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "another subscriber's", client -> {
            client.pageFile.buffer().order(ByteOrder.LITTLE_ENDIAN).putLong(16, 7);
            client.welcome();
        });
    }

    @Test
    void refusesSenselessCredits() {
        for (int credits : new int[] {0, 65, -1}) {
            refusesGreeting(
                    ErrorCode.PROTOCOL_VIOLATION,
                    Integer.toUnsignedString(credits) + " credits",
                    client -> client.send(
                            client.welcomeMessage(ProtocolVersion.CURRENT, publisher.ringFile.size(), credits),
                            ring(),
                            client.pageFile.descriptor()));
        }
    }

    @Test
    void refusesMessagesOutOfOrderAndNonsense() {
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "before WELCOME", client -> client.send(new Message.Ack(0)));
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "is announced", client -> {
            ByteBuffer raw = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
            client.send(raw.putInt(0, 1 << 20));
        });
        refusesGreeting(ErrorCode.PROTOCOL_VIOLATION, "is missing", client -> {
            ByteBuffer raw = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
            client.send(raw.putShort(4, (short) 2));
        });
    }

    @Test
    void skipsMessagesOfALaterVersion() {
        Script<Client> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            ByteBuffer raw = ByteBuffer.allocateDirect(12).order(ByteOrder.LITTLE_ENDIAN);
            client.send(raw.putInt(0, 4).putShort(4, (short) 99).putShort(6, (short) 1), ring());
            client.welcome();
            client.expect(Message.Ack.class);
            return client;
        });
        try (Subscriber subscriber = builder().connect()) {
            script.join();
            assertEquals(SubscriberState.STREAMING, subscriber.state());
        }
    }

    @ParameterizedTest
    @EnumSource(value = ErrorCode.class, names = "UNKNOWN", mode = EnumSource.Mode.EXCLUDE)
    void connectingShowsWhatThePublisherSays(ErrorCode code) {
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.error(code, "because of " + code + "; do something");
            client.close();
            return null;
        });
        SubscriberException e =
                assertThrows(SubscriberException.class, () -> builder().connect());
        assertEquals(code, e.code().orElseThrow());
        assertTrue(e.getMessage().contains("because of " + code + "; do something"), e.getMessage());
        script.join();
    }

    @Test
    void refusesASlotThatDoesNotExist() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "slot 16", client -> {
            client.memory(0);
            client.deliver(1, 16, 1, 0);
        });
    }

    @Test
    void refusesALeaseThatDoesNotExistOrIsNotFree() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "lease number 64", client -> {
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(1, 0, 1, 64);
        });
    }

    @Test
    void refusesALeaseThatIsHeld() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Client> script = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = script.join();
            publisher.write(0, 0);
            client.deliver(0);
            Frame held = subscriber.next(LONG);
            publisher.write(1, 0);
            client.deliver(2, 1, 1, 0);
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertTrue(e.getMessage().contains("lease number 0, which is not free"), e.getMessage());
            assertThrows(IllegalStateException.class, () -> held.plane(0), "a live publisher may reuse the slot");
            held.close();
        }
    }

    @Test
    void refusesAFrameThatIsNotTheOneInTheSlot() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "frame 2 was delivered after frame 0", client -> {
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(2, 0, 1, 0);
        });
    }

    @Test
    void refusesFramesThatGoBackwards() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "frame 1 was delivered after frame 2", client -> {
            client.memory(0);
            publisher.write(0, 0);
            publisher.write(1, 0);
            client.deliver(1);
            client.deliver(0);
        });
    }

    @Test
    void refusesASlotOutsideItsSlab() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "outside its slab", client -> {
            publisher.ring.descriptor(0).write(0, publisher.slab(0).size() - 8, ScriptedPublisher.CONFIG.layout(), 1);
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(0);
        });
    }

    @Test
    void refusesASlotWithAnotherGeometry() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "another geometry", client -> {
            publisher
                    .ring
                    .descriptor(0)
                    .write(0, 0, ScriptedPublisher.config(32, 32).layout(), 1);
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(0);
        });
    }

    @Test
    void refusesAnUnknownSlabOnceTheSocketHasEnded() throws IOException {
        refusesAfterTheEnd("no MEMORY message", client -> {
            publisher.write(0, 0);
            client.deliver(0);
            client.close();
        });
    }

    private Script<Client> deliversOne() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        return Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.expect(Message.Ack.class);
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(0);
            return client;
        });
    }

    /** A publisher that cut a subscriber off uses its slots again at once; that is no breach, and its reason is told. */
    @Test
    void tellsWhyItWasCutOffWhenItsSlotsAreUsedAgain() throws IOException {
        Script<Client> script = deliversOne();
        try (Subscriber subscriber =
                builder().policy(DeliveryPolicy.fifo(4)).reconnect(false).connect()) {
            Client client = script.join();
            try (Frame first = subscriber.next(LONG)) {
                assertEquals(1, first.sequence());
                publisher.write(1, 0);
                client.deliver(1);
                publisher.write(1, 0); // it holds another frame than the one delivered
                client.error(ErrorCode.TOO_SLOW, "the source waited for too long");
                SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
                assertEquals(ErrorCode.TOO_SLOW, e.code().orElseThrow(), e.getMessage());
            }
        }
    }

    /** A publisher whose sockets were closed under it takes its subscribers for gone, and goes on. */
    @Test
    void connectsAgainWhenItsSlotsAreUsedAgainAfterTheEnd() throws IOException {
        Script<Client> script = deliversOne();
        try (Subscriber subscriber = builder().policy(DeliveryPolicy.fifo(4)).connect()) {
            Client client = script.join();
            try (Frame first = subscriber.next(LONG)) {
                assertEquals(1, first.sequence());
                publisher.write(1, 0);
                client.deliver(1);
                client.close();
                publisher.write(1, 0); // it holds another frame than the one delivered
                Script<Client> again = Script.start(() -> {
                    Client second = publisher.serve();
                    publisher.write(2, 0);
                    second.deliver(2);
                    return second;
                });
                try (Frame next = subscriber.next(LONG)) {
                    assertEquals(4, next.sequence());
                    assertEquals(1, subscriber.statistics().reconnects());
                }
                again.join();
            }
        }
    }

    /** Its answers to what a publisher sent before its death fail, which must not keep it from reading on. */
    @Test
    void readsAllThatADeadPublisherHadSent() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, 1);
        publisher.allocate(1, ScriptedPublisher.CONFIG, 1, 2);
        Script<Client> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.expect(Message.Ack.class);
            client.memory(0);
            client.memory(1);
            publisher.write(0, 0);
            client.deliver(0);
            publisher.write(1, 0);
            client.deliver(1);
            client.close();
            return client;
        });
        try (Subscriber subscriber = builder().policy(DeliveryPolicy.fifo(4)).connect()) {
            script.join();
            for (int i = 0; i < 2; i++) {
                try (Frame frame = subscriber.next(LONG)) {
                    assertTrue(ScriptedPublisher.isIntact(frame));
                }
            }
        }
    }

    @Test
    void waitsForTheMemoryOfADelivery() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        Script<Client> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            client.expect(Message.Ack.class);
            publisher.write(0, 0);
            client.deliver(0);
            return client;
        });
        try (Subscriber subscriber = builder().connect()) {
            Client client = script.join();
            assertNull(subscriber.next(1_000_000));
            assertNull(subscriber.next(0));
            client.memory(0);
            try (Frame frame = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
        }
    }

    @Test
    void refusesMemoryThatIsNotWhatItIsSaidToBe() throws IOException {
        refusesStreaming(ErrorCode.MEMORY_UNREACHABLE, "were announced", client -> {
            long size = publisher.slab(0).size() + 1;
            client.send(
                    new Message.Memory(
                            1,
                            MemoryKind.HOST,
                            Optional.empty(),
                            ScriptedPublisher.CONFIG,
                            List.of(new Message.Slab(0, size))),
                    publisher.slab(0).descriptor().orElseThrow());
        });
    }

    @Test
    void refusesMemoryItCannotReach() throws IOException {
        refusesStreaming(
                ErrorCode.MEMORY_UNREACHABLE,
                Gpus.seen().devices().isEmpty() ? "--memory host" : "copyToMyGpu", // a host file is no GPU's memory
                client -> client.send(
                        new Message.Memory(
                                1,
                                MemoryKind.CUDA,
                                Optional.of(new UUID(1, 2)),
                                ScriptedPublisher.CONFIG,
                                List.of(new Message.Slab(0, 4096))),
                        publisher.slab(0).descriptor().orElseThrow()));
    }

    @Test
    void refusesASlabTwiceAndAGenerationAnew() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "slab 0 was announced twice", client -> {
            client.memory(0);
            client.memory(0);
        });
    }

    @Test
    void refusesAnotherGeometryForAGeneration() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "announced anew", client -> {
            client.memory();
            client.send(new Message.Memory(
                    1, MemoryKind.HOST, Optional.empty(), ScriptedPublisher.config(32, 32), List.of()));
        });
    }

    @Test
    void refusesDescriptorsThatNoSlabDeclares() throws IOException {
        refusesStreaming(
                ErrorCode.PROTOCOL_VIOLATION,
                "MEMORY message came with 1 descriptors instead of 0",
                client -> client.send(
                        new Message.Memory(1, MemoryKind.HOST, Optional.empty(), ScriptedPublisher.CONFIG, List.of()),
                        ring()));
    }
}
