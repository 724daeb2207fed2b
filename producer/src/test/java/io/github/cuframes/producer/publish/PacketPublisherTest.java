package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.publish.PacketReader.Read;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets as subscribers find them in their pages, and subscribers that do not keep to the protocol. */
class PacketPublisherTest extends PublisherFixture {

    private static final int CAPACITY = PacketPage.MIN_CAPACITY;
    private static final int KEY = FrameFlag.KEY.bit();

    private PacketPublisher packets;
    private long pts;

    @BeforeEach
    void offer() throws IOException {
        reopen(builder().packetMemory(8 * CAPACITY).maxSubscribers(16));
    }

    @Override
    void reopen(PublisherBuilder builder) throws IOException {
        super.reopen(builder);
        packets = publisher.packets().orElseThrow();
    }

    private static PacketConfig config(int width) {
        return new PacketConfig(
                Codec.H264, width, 180, new Rational(1, 90_000), new Rational(25, 1), ByteBuffer.wrap(new byte[] {
                    0, 0, 0, 1, 0x67, (byte) width
                }));
    }

    /** Bytes that depend on number and size. */
    private static byte[] payload(long number, int size) {
        byte[] bytes = new byte[size];
        new Random(number * 31 + size).nextBytes(bytes);
        return bytes;
    }

    private void packet(int flags, int size) {
        ByteBuffer data = ByteBuffer.wrap(payload(++pts, size));
        packets.publish(pts, pts - 1, 1, FrameInfo.NO_TIME, flags, data);
        assertEquals(size, data.remaining(), "the caller's buffer stays as it is");
    }

    private void packets(int count, int size) {
        for (int i = 0; i < count; i++) {
            packet(0, size);
        }
    }

    private RawClient reader() throws IOException {
        RawClient client = subscribe(RawClient.packetsHello(PublisherFixture.KEY));
        int index = client.welcome.subscriberIndex();
        await(() -> client.ring.subscriber(index).state().orElseThrow() == PeerState.ACTIVE);
        packets.counters(); // under the lock that was held while it became so, and got what it begins with
        return client;
    }

    private static void assertBytes(List<Read> read) {
        for (Read packet : read) {
            assertArrayEquals(payload(packet.pts(), packet.bytes().length), packet.bytes(), packet.toString());
        }
    }

    private static List<Long> numbers(List<Read> read) {
        return read.stream().map(Read::sequence).toList();
    }

    @Test
    void aNewcomerBeginsAtTheLastKeyframe() throws IOException {
        packets.begin(config(20));
        packet(KEY, 900);
        packets(3, 50);
        packet(KEY, 800);
        packets(2, 0);
        RawClient client = reader();
        List<Read> read = client.packets.readAll();
        assertEquals(List.of(5L, 6L, 7L), numbers(read));
        assertEquals(1, client.packets.streams);
        assertEquals(config(20), read.get(0).config());
        assertTrue(read.get(0).isKey());
        assertFalse(read.get(0).breaks());
        packets(1, 77);
        read.addAll(client.packets.readAll());
        assertEquals(List.of(5L, 6L, 7L, 8L), numbers(read));
        assertBytes(read);
        assertEquals(1, client.packets.streams);
        assertEquals(4, client.ring.subscriber(client.welcome.subscriberIndex()).delivered());
        assertEquals(0, client.ring.subscriber(client.welcome.subscriberIndex()).dropped());
        assertEquals(8, client.ring.subscriber(client.welcome.subscriberIndex()).lastSequence());
        assertEquals(0, client.welcome.credits());
    }

    @Test
    void aNewcomerWaitsWhereNothingIsKept() throws IOException {
        RawClient early = reader();
        packets(1, 10); // before anything is known of the packets
        packets.begin(config(20));
        packets(3, 50);
        assertEquals(List.of(), early.packets.readAll(), "there was no keyframe");
        packet(KEY, 100);
        // the packets since the keyframe are more than are kept
        packets(4, CAPACITY / 5);
        RawClient late = reader();
        packets(1, 10);
        assertEquals(List.of(), late.packets.readAll());
        packet(KEY, 20);
        packets(1, 30);
        List<Read> read = late.packets.readAll();
        assertEquals(List.of(10L, 11L), numbers(read));
        assertFalse(read.get(0).breaks(), "what came before it is not missing");
        assertEquals(0, read.get(0).lostBefore());
        List<Read> first = early.packets.readAll();
        assertEquals(4, first.get(0).sequence());
        assertEquals(0, first.get(0).lostBefore());
    }

    @Test
    void aSlowReaderSkipsToAKeyframeAndNobodyElseDoes() throws IOException {
        packets.begin(config(20));
        RawClient slow = reader();
        RawClient quick = reader();
        List<Read> all = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            packet(i % 10 == 0 ? KEY : 0, 5000);
            all.addAll(quick.packets.readAll());
            quick.packets.release();
        }
        assertEquals(40, all.size());
        assertBytes(all);
        assertTrue(quick.packets.paddings > 1);
        List<Read> got = slow.packets.readAll();
        assertEquals(CAPACITY / 5120, got.size(), "as many as there is room for");
        assertBytes(got);
        slow.packets.release();
        packets(1, 10);
        assertEquals(List.of(), slow.packets.readAll(), "no keyframe");
        packet(KEY, 5000);
        packets(1, 10);
        List<Read> after = slow.packets.readAll();
        assertEquals(List.of(42L, 43L), numbers(after));
        assertTrue(after.get(0).isKey() && after.get(0).breaks());
        assertEquals(41 - got.size(), after.get(0).lostBefore());
        assertEquals(0, after.get(1).lostBefore());
        assertFalse(after.get(1).breaks());
        assertEquals(
                41 - got.size(),
                slow.ring.subscriber(slow.welcome.subscriberIndex()).dropped());
        assertEquals(0, quick.ring.subscriber(quick.welcome.subscriberIndex()).dropped());
    }

    @Test
    void eachReaderIsCountedForItself() throws IOException {
        packets.begin(config(20));
        RawClient slow = reader();
        RawClient quick = reader();
        assertEquals(
                List.of(0L, 0L),
                packets.subscribers().stream()
                        .map(PacketSubscriberCounters::lastSequence)
                        .toList());
        for (int i = 0; i < 40; i++) {
            packet(i % 10 == 0 ? KEY : 0, 5000);
            quick.packets.readAll();
            quick.packets.release();
        }
        PacketSubscriberCounters stuck = packets.subscribers().get(0);
        PacketSubscriberCounters prompt = packets.subscribers().get(1);
        long room = CAPACITY / 5120;
        assertEquals(slow.welcome.subscriberId(), stuck.id());
        assertEquals("raw", stuck.name());
        assertEquals(ProcessHandle.current().pid(), stuck.pid());
        assertEquals(room, stuck.delivered());
        assertEquals(room, stuck.lastSequence());
        assertEquals(40 - room, stuck.skipped());
        assertEquals(CAPACITY, stuck.pageBytes());
        assertTrue(stuck.unreadBytes() > CAPACITY - 5120 && stuck.unreadBytes() <= CAPACITY, stuck::toString);
        assertEquals(quick.welcome.subscriberId(), prompt.id());
        assertEquals(40, prompt.delivered());
        assertEquals(40, prompt.lastSequence());
        assertEquals(0, prompt.skipped());
        assertTrue(prompt.unreadBytes() < 2 * 5120, "but for the last it was looked at: " + prompt);
        assertTrue(prompt.lastSeenNanos() - stuck.lastSeenNanos() > 0);

        slow.packets.readAll();
        slow.packets.release();
        packet(KEY, 10);
        PacketSubscriberCounters again = packets.subscribers().get(0);
        assertEquals(room + 1, again.delivered());
        assertEquals(41, again.lastSequence());
        assertEquals(40 - room, again.skipped());
        publisher.close();
        assertEquals(List.of(), packets.subscribers());
    }

    @Test
    void everySizeFindsItsWayThroughTheRing() throws IOException {
        packets.begin(config(20));
        RawClient client = reader();
        Random random = new Random(7);
        List<Read> all = new ArrayList<>();
        packet(KEY, 1);
        for (int i = 0; i < 3000; i++) {
            packet(0, random.nextInt(random.nextInt(8) == 0 ? packets.maxPacketBytes() + 1 : 300));
            all.addAll(client.packets.readAll());
            client.packets.release();
        }
        assertEquals(3001, all.size());
        assertBytes(all);
        assertTrue(client.packets.paddings > 10);
    }

    @Test
    void aPacketThatIsTooLargeIsCountedAndSkippedLikeOthers() throws IOException {
        packets.begin(config(20));
        RawClient client = reader();
        packet(KEY, packets.maxPacketBytes());
        packet(KEY, packets.maxPacketBytes() + 1);
        packets(2, 10);
        packet(KEY, 10);
        List<Read> read = client.packets.readAll();
        assertEquals(List.of(1L, 5L), numbers(read));
        assertEquals(3, read.get(1).lostBefore());
        assertTrue(read.get(1).breaks());
        assertEquals(1, packets.counters().tooLarge());
        assertEquals(5, packets.counters().published());
    }

    @Test
    void otherParametersComeBeforeTheFirstPacketThatNeedsThem() throws IOException {
        packets.begin(config(20));
        RawClient client = reader();
        packet(KEY, 10);
        packets.begin(config(40));
        packets(2, 10);
        packet(KEY, 10);
        packets.begin(config(40)); // a reconnection
        packets(1, 10);
        packet(KEY | FrameFlag.DISCONTINUITY.bit(), 10);
        List<Read> read = client.packets.readAll();
        assertEquals(List.of(1L, 4L, 6L), numbers(read));
        assertEquals(20, read.get(0).config().width());
        assertEquals(40, read.get(1).config().width());
        assertEquals(2, client.packets.streams, "a reconnection changes nothing of it");
        assertEquals(1, read.get(2).lostBefore());
        assertEquals(4, reader().packets.readAll().get(0).sequence() - 2);
    }

    @Test
    void aSleeperIsRung() throws IOException {
        packets.begin(config(20));
        RawClient client = reader();
        client.packets.page.sleeping(true);
        packet(KEY, 10);
        assertInstanceOf(Message.Doorbell.class, client.receive());
        assertEquals(1, client.packets.readAll().size());
    }

    @ParameterizedTest
    @ValueSource(longs = {64, -64, Long.MIN_VALUE, 1L << 40, 1})
    void aBadReleaseEndsTheConnectionAndNoOther(long beyond) throws IOException {
        packets.begin(config(20));
        RawClient bad = reader();
        RawClient good = reader();
        packet(KEY, 10);
        long written = bad.packets.page.written();
        bad.packets.page.release(beyond < 0 ? beyond : written + beyond);
        packet(0, 10);
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(bad));
        packet(0, 10);
        assertEquals(3, good.packets.readAll().size());
        await(() -> packets.counters().readers() == 1);
    }

    @Test
    void aReleaseThatGoesBackIsABreach() throws IOException {
        packets.begin(config(20));
        RawClient bad = reader();
        packet(KEY, 10);
        bad.packets.readAll();
        bad.packets.release();
        packet(0, 10);
        bad.packets.page.release(0);
        packet(0, 10);
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(bad));
    }

    @Test
    void aReaderThatScribblesOverItsPageHarmsItselfOnly() throws IOException {
        packets.begin(config(20));
        RawClient bad = reader();
        RawClient good = reader();
        packet(KEY, 1000);
        ByteBuffer page = bad.packets.page.buffer();
        for (int i = 0; i < page.capacity(); i++) {
            page.put(i, (byte) 0xA5);
        }
        packets(2, 1000);
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, failureOf(bad));
        List<Read> read = good.packets.readAll();
        assertEquals(3, read.size());
        assertBytes(read);
        clients.remove(bad);
        bad.close();
        assertEquals(3, reader().packets.readAll().size(), "what is kept for newcomers is not in anybody's page");
    }

    @Test
    void memoryIsBounded() throws IOException {
        for (int i = 0; i < 7; i++) {
            reader();
        }
        assertEquals(7L * (PacketPage.SIZE + CAPACITY), packets.counters().memoryBytes());
        RawClient one = new RawClient(directory.resolve("cam.sock"));
        clients.add(one);
        one.send(RawClient.packetsHello(PublisherFixture.KEY));
        Message.Failure refusal = refusalOf(one);
        assertEquals(ErrorCode.MEMORY_LIMIT, refusal.code());
        assertTrue(refusal.text().contains("--packet-memory"), refusal.text());
        clients.get(0).close();
        await(() -> packets.counters().readers() == 6);
        clients.remove(one);
        clients.remove(0);
        reader();
    }

    @Test
    void subscribersOfBothKindsAreCountedTogether() throws IOException {
        reopen(builder().packetMemory(8 * CAPACITY).maxSubscribers(2));
        reader();
        subscribe(DeliveryMode.LATEST, 0, 1);
        RawClient third = new RawClient(directory.resolve("cam.sock"));
        clients.add(third);
        third.send(RawClient.packetsHello(PublisherFixture.KEY));
        assertEquals(ErrorCode.TOO_MANY_SUBSCRIBERS, failureOf(third));
        assertEquals(2, clients.get(0).ring.subscribers());
    }

    @Test
    void aPublisherWithoutPacketsSaysSo() throws IOException {
        super.reopen(builder());
        assertTrue(publisher.packets().isEmpty());
        RawClient client = new RawClient(directory.resolve("cam.sock"));
        clients.add(client);
        client.send(RawClient.packetsHello(PublisherFixture.KEY));
        assertEquals(ErrorCode.NO_PACKETS, failureOf(client));
        assertThrows(
                IllegalArgumentException.class,
                () -> builder().packetMemory(8 * CAPACITY - 1).open());
    }

    @Test
    void whatWasWrittenCanBeReadAfterTheEnd() throws IOException {
        packets.begin(config(20));
        RawClient client = reader();
        packet(KEY, 500);
        packets(3, 500);
        publisher.end();
        packet(0, 500); // nobody is there any more
        Message.Bye bye = assertInstanceOf(Message.Bye.class, client.receive());
        assertEquals(ByeReason.END_OF_STREAM, bye.reason());
        assertNull(client.receive());
        List<Read> read = client.packets.readAll();
        assertEquals(4, read.size());
        assertBytes(read);
    }
}
