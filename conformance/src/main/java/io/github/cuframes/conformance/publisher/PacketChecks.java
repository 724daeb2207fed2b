package io.github.cuframes.conformance.publisher;

import static io.github.cuframes.conformance.Check.of;

import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Skipped;
import io.github.cuframes.conformance.View;
import io.github.cuframes.conformance.publisher.PacketClient.Entry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/** Sections 2.9 and 5.5: packets. */
final class PacketChecks {

    private static final int SOME = 20;
    private static final int MEMORY_LIMIT = 6;
    private static final int TOO_MANY_SUBSCRIBERS = 5;
    private static final int MOST_CLIENTS = 64;
    private static final long NO_TIME = Long.MIN_VALUE;

    private PacketChecks() {}

    static List<Check<PublisherUnderTest>> all() {
        return List.of(
                of("no-packets", PacketChecks::noPackets),
                of("packet-page", PacketChecks::page),
                of("packet-record", PacketChecks::records),
                of("packet-padding", PacketChecks::padding),
                of("packet-sequence", PacketChecks::sequence),
                of("packet-extradata", PacketChecks::extradata),
                of("packet-memory", PacketChecks::noMemory),
                Check.alone("packet-limit", PacketChecks::limit),
                of("packet-start", PacketChecks::start),
                of("packet-order", PacketChecks::order),
                of("packet-slow", PacketChecks::slow),
                of("packet-stable", PacketChecks::stable),
                of("packet-bad-release", PacketChecks::badRelease),
                of("packet-sleep", PacketChecks::sleep));
    }

    private static void noPackets(PublisherUnderTest publisher) throws Exception {
        try (Line line = Line.connect(publisher.socket(), publisher.patience())) {
            line.send("HELLO", PacketClient.hello(publisher));
            Incoming answer = line.next();
            Failed.unless(answer != null, "WELCOME, or ERROR 13", "nothing");
            if (!answer.is("WELCOME")) {
                Failed.unless(answer.is("ERROR") && answer.body().intAt("ERROR", 0) == 13, "ERROR 13", answer);
                Failed.unless(line.last().isEnd(), "the end after ERROR", "more");
            }
        }
    }

    private static void page(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.greeted(publisher)) {
            Failed.unlessEqual("the page's magic", 0x4B465543, client.page.get("magic"));
            Failed.unlessEqual("the page's epoch", client.welcome.longOf("EPOCH"), client.page.get("epoch"));
            Failed.unlessEqual(
                    "the page's subscriber",
                    client.welcome.value("SUBSCRIBER", 16).getLong(0),
                    client.page.get("subscriberId"));
            long capacity = client.capacity();
            Failed.unless(
                    capacity >= 65_536 && capacity <= 1 << 30 && Long.bitCount(capacity) == 1,
                    "a power of two from 65536 to 2^30 bytes of data",
                    capacity);
            Failed.unless(
                    client.welcome.longOf("PACKET_PAGE") >= 4096 + capacity, "a page with room for its data", capacity);
            Failed.unlessEqual("credits", 0, client.welcome.intAt("SUBSCRIBER", 3));
            Failed.unlessEqual("records before ACK 0", 0, client.page.get("written"));
            List<Integer> filled = client.page.unnamedNotZero();
            Failed.unless(filled.isEmpty(), "zero in bytes that no table names", "others at " + filled);
        }
    }

    private static void records(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            for (int i = 0; i < SOME; i++) {
                Entry entry = client.next();
                Failed.unless(
                        entry.kind() >= PacketClient.PADDING && entry.kind() <= PacketClient.PACKET,
                        "a kind of 1 to 3",
                        entry.kind());
                client.release();
            }
        }
    }

    private static void padding(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            long begin = System.nanoTime();
            while (client.position <= 2 * client.capacity()) {
                if (System.nanoTime() - begin > publisher.patience().toNanos()) {
                    throw new Skipped(
                            "the page was not full in time; give packets less memory, or the publisher more to do");
                }
                long at = client.position;
                Entry entry = client.next();
                Failed.unless(
                        entry.kind() != PacketClient.PADDING || entry.end() % client.capacity() == 0,
                        "padding up to the data's end",
                        "from " + at + " to " + entry.end());
                client.release();
            }
        }
    }

    private static void sequence(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            Entry last = client.packet();
            Failed.unless(last.sequence() > 0, "a number from 1", last.sequence());
            for (int i = 0; i < SOME; i++) {
                long before = last.sequence();
                client.release();
                last = client.packet();
                Failed.unlessEqual(
                        "the number after " + before + " and packets left out",
                        before + 1 + last.head().get("lostBefore"),
                        last.sequence());
            }
        }
    }

    private static void extradata(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            Entry entry = client.next();
            Failed.unlessEqual("the kind of the first record", PacketClient.STREAM, entry.kind());
            int size = Document.structure("PacketStream").size();
            int bytes = entry.bytes().capacity();
            Failed.unless(bytes >= size && bytes <= size + 16_384, "extradata of at most 16384 bytes", bytes - size);
            // not on the heap: its fields are read with memory order, which newer JDKs refuse there
            ByteBuffer copy = ByteBuffer.allocateDirect(size).put(entry.bytes().slice(0, size));
            View stream = new View(copy.order(ByteOrder.LITTLE_ENDIAN), 0, Document.structure("PacketStream"));
            Failed.unless(stream.get("codec") > 0, "a codec", stream.get("codec"));
            Failed.unless(
                    stream.get("timeBaseNumerator") > 0 && stream.get("timeBaseDenominator") > 0,
                    "a time base",
                    "none");
        }
    }

    private static void noMemory(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            for (int i = 0; i < SOME; i++) {
                client.packet(); // looks at the socket, where there is to be nothing but DOORBELL
                client.drain(1);
                client.release();
            }
        }
    }

    private static void limit(PublisherUnderTest publisher) throws Exception {
        List<PacketClient> clients = new ArrayList<>();
        try {
            for (int i = 0; i < MOST_CLIENTS; i++) {
                try (Line line = Line.connect(publisher.socket(), publisher.patience())) {
                    line.send("HELLO", PacketClient.hello(publisher));
                    Incoming answer = line.next();
                    if (answer != null && answer.is("ERROR")) {
                        requireLimit(answer.body().intAt("ERROR", 0), clients.size());
                        return;
                    }
                }
                clients.add(PacketClient.greeted(publisher));
            }
            throw new Skipped("it has memory for more than " + MOST_CLIENTS + " subscribers of packets");
        } finally {
            for (PacketClient client : clients) {
                client.close();
            }
        }
    }

    private static void requireLimit(int code, int clients) throws Failed, Skipped {
        if (clients == 0) {
            throw new Skipped("it refuses the first subscriber of packets, with ERROR " + code);
        }
        if (code == TOO_MANY_SUBSCRIBERS) {
            throw new Skipped("its limit of subscribers is reached first");
        }
        Failed.unlessEqual("the ERROR to one too many:", MEMORY_LIMIT, code);
    }

    private static void start(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            Failed.unlessEqual(
                    "the kind of the first record",
                    PacketClient.STREAM,
                    client.next().kind());
            Entry first = client.packet();
            Failed.unless(
                    first.isKey(),
                    "a packet with the flag KEY first",
                    "flags " + first.head().get("flags"));
            Failed.unlessEqual("packets that a newcomer lost", 0, first.head().get("lostBefore"));
        }
    }

    private static void order(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            long last = NO_TIME;
            for (int i = 0; i < SOME; i++) {
                Entry packet = client.packet();
                long dts = packet.head().get("dts");
                Failed.unless(
                        packet.isBreak() || dts == NO_TIME || dts >= last,
                        "a decoding time of " + last + " or later",
                        dts);
                last = dts == NO_TIME ? last : dts;
                client.release();
            }
        }
    }

    private static void slow(PublisherUnderTest publisher) throws Exception {
        try (PacketClient slow = PacketClient.active(publisher)) {
            if (!slow.comes(() -> slow.account.get("dropped") > 0)) {
                throw new Skipped(
                        "the page was not full in time; give packets less memory, or the publisher more to do");
            }
            Entry last = slow.packet();
            while (slow.position < slow.page.get("written")) {
                Entry next = slow.next();
                last = next.isPacket() ? next : last;
            }
            long sequence = last.sequence();
            slow.release();
            Entry after = slow.packet();
            while (after.head().get("lostBefore") == 0) {
                sequence = after.sequence();
                slow.release();
                after = slow.packet();
            }
            Failed.unless(after.isKey(), "the flag KEY on the packet after those left out", "none");
            Failed.unless(after.isBreak(), "the flag DISCONTINUITY on it", "none");
            Failed.unlessEqual(
                    "packets left out after " + sequence,
                    after.sequence() - sequence - 1,
                    after.head().get("lostBefore"));
        }
    }

    private static long checksum(Entry entry) {
        CRC32 sum = new CRC32();
        sum.update(entry.bytes().duplicate());
        return sum.getValue();
    }

    private static void stable(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            Entry held = client.packet();
            long before = checksum(held);
            long sequence = held.sequence();
            for (int i = 0; i < SOME && client.account.get("dropped") == 0; i++) {
                client.comes(() -> client.page.get("written") > client.position || client.account.get("dropped") > 0);
                if (client.page.get("written") > client.position) {
                    client.next();
                }
            }
            Failed.unless(
                    checksum(held) == before && held.sequence() == sequence,
                    "the same bytes until released",
                    "other bytes");
        }
    }

    private static void badRelease(PublisherUnderTest publisher) throws Exception {
        for (long wrong : new long[] {-64, 64, 1L << 50, 1}) {
            try (PacketClient client = PacketClient.active(publisher)) {
                client.packet();
                long written = client.page.get("written");
                // far enough ahead for what is written before the publisher looks
                client.page.put("released", wrong < 0 ? wrong : wrong == 1 ? 1 : written + client.capacity() + wrong);
                Incoming last = client.line.last();
                while (last.is("DOORBELL")) {
                    last = client.line.last();
                }
                Failed.unless(last.is("ERROR") && last.body().intAt("ERROR", 0) == 1, "ERROR 1", last);
            }
        }
    }

    private static void sleep(PublisherUnderTest publisher) throws Exception {
        try (PacketClient client = PacketClient.active(publisher)) {
            client.packet();
            while (client.position < client.page.get("written")) {
                client.next();
                client.release();
            }
            client.page.put("sleeping", 1);
            Failed.unless(client.comes(() -> client.doorbells > 0), "DOORBELL to a subscriber that sleeps", "none");
            Failed.unless(client.page.get("written") > client.position, "a record with the DOORBELL", "none");
            client.page.put("sleeping", 0);
        }
    }
}
