package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.standin.OpenDescriptors;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.FileDescriptor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Publishers that mean harm: no frame, or an exception with a sentence, and never later than was asked for. */
class HostileProducerTest extends SubscriberFaultFixture {

    private static final int DELIVERED_AT = 128;
    private static final int QUEUE_AT = 1024;
    private static final int ROUNDS = 10;

    /** What a hostile publisher says until it is to stop, however fast it is read. */
    private void talk(Client client, AtomicBoolean over, Message message) throws IOException {
        ByteBuffer encoded = MessageCodec.encode(message, 0);
        ByteBuffer raw =
                ByteBuffer.allocateDirect(encoded.remaining()).put(encoded).flip();
        try {
            while (!over.get()) {
                if (!client.connection.trySend(raw.rewind())) {
                    Thread.onSpinWait();
                }
            }
        } catch (SocketException | ClosedChannelException e) {
            over.set(true); // the subscriber has left
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "/dev/zero", "/proc/self/status", "fifo"})
    void refusesDescriptorsThatAreNotWhatTheySay(String what) throws Exception {
        Path path = Path.of(what);
        if (what.equals("fifo")) {
            path = directory.resolve(what);
            assertEquals(
                    0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
        }
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), what.equals("fifo") ? "rw" : "r")) {
            FileDescriptor wrong = file.getFD();
            refusesGreeting(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "cannot be mapped",
                    client -> client.send(client.welcomeMessage(), wrong, client.pageFile.descriptor()));
            refusesGreeting(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "cannot be mapped",
                    client -> client.send(client.welcomeMessage(), ring(), wrong));
            refusesStreaming(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "cannot be mapped",
                    client -> client.send(
                            new Message.Memory(
                                    1,
                                    MemoryKind.HOST,
                                    Optional.empty(),
                                    ScriptedPublisher.CONFIG,
                                    List.of(new Message.Slab(0, 4096))),
                            wrong));
        }
    }

    @Test
    void aStallInTheMiddleOfAGreetingEndsInTime() {
        AtomicBoolean over = new AtomicBoolean();
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            ByteBuffer welcome = MessageCodec.encode(client.welcomeMessage(), 2);
            ByteBuffer half =
                    ByteBuffer.allocateDirect(20).put(welcome.slice(0, 20)).flip();
            client.send(half, ring(), client.pageFile.descriptor());
            while (!over.get()) {
                publisher.pause();
            }
            return null;
        });
        SubscriberException e = assertThrows(
                SubscriberException.class,
                () -> builder().connectTimeout(Duration.ofMillis(300)).connect());
        over.set(true);
        assertTrue(e.getMessage().contains("see whether its process is stopped"), e.getMessage());
        script.join();
    }

    @Test
    void aStallInTheMiddleOfAMessageKeepsNobody() throws IOException {
        Script<Client> script = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().connect()) {
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            ByteBuffer begun = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
            script.join().send(begun.putInt(0, 60_000).putShort(4, (short) 99));
            assertNull(subscriber.next(20_000_000));
            assertNull(subscriber.next(0));
            publisher.write(0, 0);
            script.join().deliver(0);
            try (Frame frame = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(frame), "frames come by the page");
            }
        }
    }

    @Test
    void aPublisherThatNeverStopsTalkingKeepsNobody() {
        AtomicBoolean over = new AtomicBoolean();
        Script<Client> greeted = Script.start(publisher::serve);
        try (Subscriber subscriber = builder().connect()) {
            while (!greeted.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            try (Script<Void> script = Script.start(() -> {
                talk(greeted.join(), over, new Message.Doorbell());
                return null;
            })) {
                for (int i = 0; i < 5; i++) {
                    assertNull(subscriber.next(10_000_000));
                    assertNull(subscriber.next(0));
                }
                over.set(true);
                script.join();
            }
        }
    }

    @Test
    void anObserverIsNotKeptByOneThatTalksOfOtherThings() throws IOException {
        AtomicBoolean over = new AtomicBoolean();
        Script<Void> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            ByteBuffer unknown = ByteBuffer.allocateDirect(8).order(ByteOrder.LITTLE_ENDIAN);
            unknown.putShort(4, (short) 99);
            try {
                while (!over.get()) {
                    client.connection.trySend(unknown.rewind());
                }
            } catch (SocketException | ClosedChannelException e) {
                over.set(true); // the observer has given up
            }
            return null;
        });
        RunDirectory named = RunDirectory.resolve(directory, Map.of(), RunDirectory.Role.SUBSCRIBER);
        IOException e = assertThrows(IOException.class, () -> Observer.connect(named, "cam1", Duration.ofMillis(300))
                .close());
        over.set(true);
        assertTrue(e.getMessage().contains("does not answer"), e.getMessage());
        script.join();
    }

    @Test
    void refusesGenerationsWithoutEnd() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "no frame of the 1024 before it", client -> {
            for (int generation = 1; generation <= 1025; ) {
                ByteBuffer encoded = MessageCodec.encode(
                        new Message.Memory(
                                generation, MemoryKind.HOST, Optional.empty(), ScriptedPublisher.CONFIG, List.of()),
                        0);
                ByteBuffer raw = ByteBuffer.allocateDirect(encoded.remaining())
                        .put(encoded)
                        .flip();
                if (client.connection.trySend(raw)) {
                    generation++;
                } else {
                    client.connection.receive(0); // its ACKs
                }
            }
            while (client.connection.hasUnsent()) {
                client.connection.flush();
            }
        });
    }

    @Test
    void refusesAGenerationThatGoesBackwards() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "generation 1 was announced after 2", client -> {
            for (int generation : new int[] {2, 1}) {
                client.send(new Message.Memory(
                        generation, MemoryKind.HOST, Optional.empty(), ScriptedPublisher.CONFIG, List.of()));
            }
        });
    }

    @Test
    void refusesTheSameFrameAgain() throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "frame 1 was delivered after frame 1", client -> {
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(1, 0, 1, 0);
            client.deliver(1, 0, 1, 1);
        });
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 65})
    void refusesACountOfDeliveriesThatCannotBe(long count) throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "the page counts " + count, client -> {
            client.memory(0);
            client.pageFile.buffer().order(ByteOrder.LITTLE_ENDIAN).putLong(DELIVERED_AT, count);
            client.send(new Message.Doorbell());
        });
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void refusesSlotsAndLeasesThatCannotBe(int number) throws IOException {
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "is of slot " + number, client -> {
            client.memory(0);
            client.deliver(1, number, 1, 0);
        });
        refusesStreaming(ErrorCode.PROTOCOL_VIOLATION, "lease number " + number, client -> {
            client.memory(0);
            publisher.write(0, 0);
            client.deliver(publisher.sequence, 0, 1, number);
        });
    }

    /** What was checked is what is used: the publisher changes a delivery after it was taken, while the next is looked at. */
    @Test
    void aDeliveryThatChangesAfterItWasCheckedDoesNoHarm() throws IOException {
        Script<Client> greeted = Script.start(publisher::serve);
        SubscriberBuilder builder = builder().policy(DeliveryPolicy.latest());
        AtomicInteger calls = new AtomicInteger();
        AtomicReference<ByteBuffer> page = new AtomicReference<>();
        builder.ticker(new Ticker() {
            @Override
            public long nanoTime() {
                // the first call is that of next(), the second comes when the second delivery is looked at
                if (page.get() != null && calls.incrementAndGet() == 2) {
                    page.get().putInt(QUEUE_AT + 8, 1000).putInt(QUEUE_AT + 16, 1000); // slot and lease of the first
                }
                return Ticker.SYSTEM.nanoTime();
            }

            @Override
            public void await(CountDownLatch closed, long nanos) throws InterruptedException {
                Ticker.SYSTEM.await(closed, nanos);
            }
        });
        try (Subscriber subscriber = builder.connect()) {
            while (!greeted.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            Client client = greeted.join();
            publisher.write(0, 0);
            client.page.prepare(1, 1, 0, 1, 0);
            client.page.prepare(2, 2, 1, 2, 1); // of a generation that was not announced, so that the clock is asked
            client.page.show(2);
            page.set(client.pageFile.buffer().order(ByteOrder.LITTLE_ENDIAN));
            try (Frame frame = subscriber.next(0)) {
                assertEquals(1000, page.get().getInt(QUEUE_AT + 8), "it has changed");
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
        }
    }

    /** What was checked must be what is used, though the publisher writes into page and ring all the while. */
    @Test
    void numbersThatChangeWhileTheyAreReadDoNoHarm() throws IOException {
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        int frames = 0;
        int refused = 0;
        for (int round = 0; round < ROUNDS; round++) {
            AtomicBoolean over = new AtomicBoolean();
            Random random = new Random(round);
            DeliveryPolicy policy = round % 2 == 0 ? DeliveryPolicy.fifo(3) : DeliveryPolicy.latest();
            Script<Client> greeted = Script.start(() -> {
                Client client = publisher.accept();
                client.expect(Message.Hello.class);
                client.welcome();
                client.expect(Message.Ack.class);
                client.memory(0);
                return client;
            });
            try (Subscriber subscriber = builder().policy(policy).connect();
                    Client client = greeted.join()) {
                try (Script<Void> script = Script.start(() -> {
                    flicker(client, over, random);
                    return null;
                })) {
                    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
                    try {
                        for (int i = 0; i < 200 && System.nanoTime() - end < 0; i++) {
                            Frame frame = subscriber.next(1_000_000);
                            if (frame != null) {
                                frames++;
                                assertEquals(64, frame.plane(0).capacity() / 48);
                                frame.close();
                            }
                        }
                    } catch (SubscriberException e) {
                        refused++;
                        assertEquals(SubscriberState.REFUSED, subscriber.state());
                    } finally {
                        over.set(true);
                        script.join();
                    }
                }
            }
        }
        assertTrue(frames + refused > 0, "nothing was delivered");
    }

    /** Delivers as a publisher should, while slot, generation and lease of the entries change and change back. */
    private void flicker(Client client, AtomicBoolean over, Random random) throws IOException {
        ByteBuffer page = client.pageFile.buffer().order(ByteOrder.LITTLE_ENDIAN);
        int next = 0;
        while (!over.get()) {
            if (client.isFree(next)) {
                publisher.write(next, 0);
                client.deliver(next);
                next = (next + 1) % client.credits;
            }
            // slot and lease of the newest delivery, which the subscriber is about to look at, or is looking at
            int at = QUEUE_AT + (int) ((client.delivered - 1) % 64) * 32 + 8 + random.nextInt(2) * 8;
            for (int i = random.nextInt(400); i > 0; i--) {
                Thread.onSpinWait();
            }
            int was = page.getInt(at);
            page.putInt(at, random.nextInt());
            page.putInt(at, was);
        }
    }

    @Test
    void nothingIsLeftOpenByGreetingsOfAnyContent() throws IOException {
        Random random = new Random(4);
        greetAtRandom(random); // loads what there is to load
        OpenDescriptors before = OpenDescriptors.now();
        for (int i = 0; i < ROUNDS; i++) {
            greetAtRandom(random);
        }
        before.assertNothingNew("greetings of any content");
    }

    private void greetAtRandom(Random random) {
        Script<Void> script = Script.start(() -> {
            try (Client client = publisher.accept()) {
                client.expect(Message.Hello.class);
                byte[] body = new byte[random.nextInt(100)];
                random.nextBytes(body);
                ByteBuffer raw = ByteBuffer.allocateDirect(8 + body.length).order(ByteOrder.LITTLE_ENDIAN);
                raw.putInt(body.length)
                        .putShort((short) (1 + random.nextInt(9)))
                        .putShort((short) random.nextInt(3));
                FileDescriptor[] files = new FileDescriptor[random.nextInt(3)];
                Arrays.fill(files, ring());
                client.send(raw.put(body).flip(), files);
                client.send(new Message.Failure(ProtocolVersion.CURRENT, ErrorCode.NOT_ALLOWED, "no"));
            } catch (SocketException | ClosedChannelException e) {
                return null; // it was refused before all was said
            }
            return null;
        });
        assertThrows(
                SubscriberException.class,
                () -> builder().reconnect(false).connect().close());
        script.join();
    }
}
