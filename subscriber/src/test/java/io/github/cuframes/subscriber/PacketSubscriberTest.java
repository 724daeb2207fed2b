package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PacketStream;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.protocol.message.SubscriberState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A subscriber of packets, and publishers of all kinds. */
@Timeout(60)
class PacketSubscriberTest {

    private static final Duration LONG = Duration.ofSeconds(20);
    private static final int CAPACITY = PacketPage.MIN_CAPACITY;

    @TempDir
    Path directory;

    private ScriptedPublisher publisher;
    private SharedFile file;
    private PacketPage page;
    private long position;
    private long sequence;

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(directory, "cam1");
        newPage();
    }

    private void newPage() throws IOException {
        if (file != null) {
            file.close();
        }
        file = SharedFile.create(PacketPage.SIZE + CAPACITY, SharedFile.Peer.READS_AND_WRITES);
        page = PacketPage.create(file.buffer(), publisher.epoch, 1);
        position = 0;
    }

    @AfterEach
    void close() throws IOException {
        publisher.close();
        file.close();
    }

    private PacketSubscriberBuilder builder() {
        return PacketSubscriber.builder("cam1").runDirectory(directory);
    }

    private static PacketConfig config(int width) {
        return new PacketConfig(
                Codec.HEVC, width, 8, new Rational(1, 90_000), new Rational(25, 1), ByteBuffer.wrap(new byte[] {
                    0, 0, 1, 64
                }));
    }

    private int head(int kind, int bytes) {
        int at = page.at(position);
        PacketRecord.write(page.buffer(), at, kind, bytes);
        position += PacketRecord.length(bytes);
        return at + PacketRecord.SIZE;
    }

    private void stream(int width) {
        PacketConfig config = config(width);
        PacketStream.write(page.buffer(), head(PacketRecord.STREAM, PacketStream.bytes(config)), config);
    }

    private void packet(int flags, int lost, int size) {
        int at = page.at(position);
        sequence += 1 + lost;
        PacketRecord.write(page.buffer(), at, size, sequence, 3600, -1, 90, Packet.NO_TIME, 77, flags, lost);
        for (int i = 0; i < size; i++) {
            page.buffer().put(at + PacketRecord.SIZE + i, (byte) (sequence + i));
        }
        position += PacketRecord.length(size);
    }

    private void show(ScriptedPublisher.Client client) throws IOException {
        page.show(position);
        if (page.sleeping()) {
            client.send(new Message.Doorbell());
        }
    }

    private ScriptedPublisher.Client greet() throws IOException {
        ScriptedPublisher.Client client = publisher.accept();
        Message.Hello hello = client.expect(Message.Hello.class);
        assertEquals(Role.PACKETS, hello.role());
        welcome(client, file.size());
        return client;
    }

    private void welcome(ScriptedPublisher.Client client, long size) throws IOException {
        client.send(
                new Message.Welcome(
                        ProtocolVersion.CURRENT, "scripted", publisher.epoch, publisher.ringFile.size(), 1, 0, 0, size),
                publisher.ringFile.descriptor(),
                file.descriptor());
    }

    private static void assertBytes(Packet packet) {
        byte[] expected = new byte[packet.size()];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (byte) (packet.sequence() + i);
        }
        byte[] found = new byte[packet.size()];
        packet.data().get(found);
        assertArrayEquals(expected, found);
    }

    @Test
    void packetsComeInOrderAndAreGivenBackUpToTheOldestThatIsOpen() throws IOException {
        Script<ScriptedPublisher.Client> script = Script.start(this::greet);
        try (PacketSubscriber subscriber = builder().connect()) {
            ScriptedPublisher.Client client = script.join();
            client.expect(Message.Ack.class);
            assertNull(subscriber.next(0));
            stream(16);
            packet(FrameFlag.KEY.bit(), 0, 100);
            head(77, 10); // a later version's
            packet(0, 0, 0);
            show(client);
            Packet first = subscriber.next(LONG);
            Packet second = subscriber.next(LONG);
            assertNull(subscriber.next(0));
            assertBytes(first);
            assertEquals(0, second.size());
            assertSame(first.config(), second.config());
            assertEquals(config(16), first.config());
            assertTrue(first.isKey());
            assertFalse(second.isKey());
            assertEquals(40_000_000, first.ptsNanos());
            assertEquals(-11_112, first.dtsNanos(), "rounded down");
            assertEquals(1_000_000, first.durationNanos());
            assertEquals(Packet.NO_TIME, first.captureNanos());
            assertEquals(77, first.publishNanos());
            assertEquals(publisher.epoch, first.epoch());
            long stream = PacketRecord.length(PacketStream.bytes(config(16)));
            assertEquals(stream, page.released());
            second.close();
            assertEquals(stream, page.released(), "the first is open");
            first.close();
            first.close();
            assertEquals(position, page.released());
            assertThrows(IllegalStateException.class, first::data);
            stream(32);
            packet(FrameFlag.KEY.bit() | FrameFlag.DISCONTINUITY.bit(), 4, 5);
            show(client);
            try (Packet third = subscriber.next(LONG)) {
                assertEquals(32, third.config().width());
                assertEquals(4, third.lostBefore());
                assertTrue(third.breaksStream());
            }
            PacketStatistics counted = subscriber.statistics();
            assertEquals(new PacketStatistics(3, 105, 4, 1, 0), counted);
        }
    }

    @Test
    void aSleeperIsWokenAndRecordsWrap() throws IOException {
        Script<Void> script = Script.start(() -> {
            ScriptedPublisher.Client client = greet();
            client.expect(Message.Ack.class);
            stream(16);
            for (int i = 0; i < 300; i++) {
                int size = 1000 + i;
                if (page.untilEnd(position) < PacketRecord.length(size)) {
                    head(PacketRecord.PADDING, page.untilEnd(position) - PacketRecord.SIZE);
                }
                while (position + PacketRecord.length(size) - page.released() > CAPACITY) {
                    publisher.pause();
                }
                packet(i == 0 ? FrameFlag.KEY.bit() : 0, 0, size);
                show(client);
            }
            client.bye(ByeReason.END_OF_STREAM);
            return null;
        });
        try (PacketSubscriber subscriber = builder().connect()) {
            for (int i = 1; i <= 300; i++) {
                try (Packet packet = subscriber.next(LONG)) {
                    assertEquals(i, packet.sequence());
                    assertBytes(packet);
                }
            }
            assertNull(subscriber.next(LONG));
            assertTrue(subscriber.isAtEnd());
            script.join();
        }
    }

    @Test
    void whatWasWrittenIsReadAfterAPublishersDeathAndThenTheNextOne() throws IOException {
        Script<Void> script = Script.start(() -> {
            try (ScriptedPublisher.Client client = greet()) {
                client.expect(Message.Ack.class);
                stream(16);
                packet(FrameFlag.KEY.bit(), 0, 10);
                packet(0, 0, 10);
                page.show(position);
            }
            newPage();
            ScriptedPublisher.Client client = greet();
            client.expect(Message.Ack.class);
            stream(16);
            packet(FrameFlag.KEY.bit(), 0, 10);
            show(client);
            return null;
        });
        try (PacketSubscriber subscriber = builder().connect()) {
            Packet kept = subscriber.next(LONG);
            assertEquals(1, kept.sequence());
            assertEquals(2, subscriber.next(LONG).sequence());
            assertEquals(3, subscriber.next(LONG).sequence());
            assertBytes(kept);
            script.join();
            assertEquals(1, subscriber.statistics().reconnects());
        }
    }

    @Test
    void aPublisherThatIsGoneWithoutAWordIsAFailureWhereNobodyWaits() throws IOException {
        Script<Void> script = Script.start(() -> {
            try (ScriptedPublisher.Client client = greet()) {
                client.expect(Message.Ack.class);
                stream(16);
                packet(FrameFlag.KEY.bit(), 0, 10);
                page.show(position);
            }
            return null;
        });
        try (PacketSubscriber subscriber = builder().reconnect(false).connect()) {
            assertNotNull(subscriber.next(LONG));
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertTrue(e.getMessage().contains("gone without a word"), e.getMessage());
            script.join();
        }
    }

    @Test
    void anOldPublisherIsSaidToBeOld() {
        Script.start(() -> {
            ScriptedPublisher.Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.send(
                    new Message.Failure(new ProtocolVersion(1, 1), ErrorCode.PROTOCOL_VIOLATION, "role 3 is unknown"));
            return null;
        });
        SubscriberException e =
                assertThrows(SubscriberException.class, () -> builder().connect());
        assertTrue(e.getMessage().contains("speaks protocol 1.1, which has no packets"), e.getMessage());
    }

    /** A page that breaks the protocol once two packets were read. */
    private void assertBreach(String told, Consumer<ScriptedPublisher.Client> change) throws IOException {
        newPage();
        sequence = 0;
        Script<ScriptedPublisher.Client> script = Script.start(this::greet);
        try (PacketSubscriber subscriber = builder().connect()) {
            ScriptedPublisher.Client client = script.join();
            client.expect(Message.Ack.class);
            stream(16);
            packet(FrameFlag.KEY.bit(), 0, 10);
            packet(0, 0, 10);
            show(client);
            subscriber.next(LONG).close();
            subscriber.next(LONG).close();
            change.accept(client);
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG), told);
            assertTrue(e.getMessage().contains(told), e.getMessage());
            assertEquals(ErrorCode.PROTOCOL_VIOLATION, e.code().orElseThrow());
            assertEquals(SubscriberState.REFUSED, subscriber.state());
            Message.Failure said = client.expect(Message.Failure.class);
            assertEquals(ErrorCode.PROTOCOL_VIOLATION, said.code());
            client.close();
        }
    }

    @Test
    void breachesOfThePageAreRefused() throws IOException {
        assertBreach("records from", client -> page.show(position - 64));
        assertBreach("records from", client -> page.show(position + CAPACITY + 64));
        assertBreach("records from", client -> page.show(Long.MIN_VALUE));
        for (int bytes : new int[] {-1, Integer.MIN_VALUE, Integer.MAX_VALUE, 11, CAPACITY}) {
            assertBreach("reaches beyond", client -> {
                int at = page.at(position);
                packet(0, 0, 10);
                page.buffer().putInt(at + 4, bytes == 11 ? 65 : bytes);
                page.show(position);
            });
        }
        assertBreach("came after packet", client -> {
            sequence = 0;
            packet(0, 0, 10);
            page.show(position);
        });
        assertBreach("at least", client -> {
            head(PacketRecord.STREAM, 10);
            page.show(position);
        });
        assertBreach("came to a subscriber of packets", client -> {
            try {
                client.send(
                        new Message.Memory(1, MemoryKind.HOST, Optional.empty(), ScriptedPublisher.CONFIG, List.of()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    @Test
    void aPacketBeforeItsStreamIsABreach() throws IOException {
        packet(FrameFlag.KEY.bit(), 0, 10);
        page.show(position);
        Script<ScriptedPublisher.Client> script = Script.start(this::greet);
        try (PacketSubscriber subscriber = builder().connect()) {
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertTrue(e.getMessage().contains("before what holds for it"), e.getMessage());
            script.join();
        }
    }

    @Test
    void greetingsThatAreWrongAreRefused() {
        for (long size : new long[] {0, 4096, PacketPage.SIZE + 65_535, PacketPage.SIZE + (1L << 31), 1L << 50}) {
            Script.start(() -> {
                ScriptedPublisher.Client client = publisher.accept();
                client.expect(Message.Hello.class);
                welcome(client, size);
                return client.expect(Message.Failure.class);
            });
            SubscriberException e =
                    assertThrows(SubscriberException.class, () -> builder().connect());
            assertEquals(ErrorCode.PROTOCOL_VIOLATION, e.code().orElseThrow());
        }
        Script.start(() -> {
            ScriptedPublisher.Client client = publisher.accept();
            client.expect(Message.Hello.class);
            welcome(client, PacketPage.SIZE + 2L * CAPACITY); // more than there is
            return client.expect(Message.Failure.class);
        });
        SubscriberException larger =
                assertThrows(SubscriberException.class, () -> builder().connect());
        assertEquals(ErrorCode.MEMORY_UNREACHABLE, larger.code().orElseThrow());
        page.buffer().put(0, (byte) 'X');
        Script.start(this::greet);
        SubscriberException magic =
                assertThrows(SubscriberException.class, () -> builder().connect());
        assertTrue(magic.getMessage().contains("CUFK"), magic.getMessage());
    }
}
