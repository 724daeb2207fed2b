package io.github.cuframes.conformance.publisher;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Skipped;
import io.github.cuframes.conformance.Structure;
import io.github.cuframes.conformance.View;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A subscriber of packets that does exactly what a check tells it. One thread at a time. */
final class PacketClient implements AutoCloseable {

    static final int PADDING = 1;
    static final int STREAM = 2;
    static final int PACKET = 3;

    private static final int NO_PACKETS = 13;
    private static final long STEP_NANOS = 1_000_000;

    private static final Structure HEAD = Document.structure("PacketPage");
    private static final Structure RECORD = Document.structure("PacketRecord");

    final Line line;
    private final PublisherUnderTest publisher;
    private final ImportedFile ring;
    private final ImportedFile file;
    final Body welcome;
    final View page;
    final View account;
    long position;
    int doorbells;

    /**
     * A record in the page.
     *
     * @param end the position behind it
     * @param bytes its own
     */
    record Entry(View head, int kind, long end, ByteBuffer bytes) {
        boolean isPacket() {
            return kind == PACKET;
        }

        boolean isKey() {
            return (head.get("flags") & 1) != 0;
        }

        boolean isBreak() {
            return (head.get("flags") & 2) != 0;
        }

        long sequence() {
            return head.get("sequence");
        }
    }

    private PacketClient(PublisherUnderTest publisher, Line line, Incoming greeting) throws Failed, IOException {
        this.publisher = publisher;
        this.line = line;
        this.welcome = greeting.body();
        Failed.unlessEqual("descriptors with WELCOME:", 2, greeting.files().size());
        ring = ImportedFile.readOnly(Descriptors.duplicate(greeting.files().get(0)), welcome.longOf("RING"));
        file = ImportedFile.readWrite(Descriptors.duplicate(greeting.files().get(1)), welcome.longOf("PACKET_PAGE"));
        page = new View(file.buffer(), 0, HEAD);
        Structure slot = Document.structure("SubscriberSlot");
        long table = new View(ring.buffer(), 0, Document.structure("RingHeader")).get("subscriberSlotsAt");
        account = new View(ring.buffer(), (int) table + welcome.intAt("SUBSCRIBER", 2) * slot.size(), slot);
    }

    static Body hello(PublisherUnderTest publisher) {
        return Client.hello(publisher)
                .without("DELIVERY")
                .with("PROTOCOL", new Body().protocol(1, 2).all("PROTOCOL").get(0))
                .with("ROLE", Body.intBytes(3));
    }

    /** Connects and is greeted. */
    static PacketClient greeted(PublisherUnderTest publisher) throws Exception {
        Line line = Line.connect(publisher.socket(), publisher.patience());
        try {
            line.send("HELLO", hello(publisher));
            Incoming answer = line.next();
            if (answer != null && answer.is("ERROR") && answer.body().intAt("ERROR", 0) == NO_PACKETS) {
                throw new Skipped("it offers no packets");
            }
            Failed.unless(answer != null && answer.is("WELCOME"), "WELCOME, or ERROR 13", answer);
            return new PacketClient(publisher, line, answer);
        } catch (Failed | Skipped | IOException | RuntimeException e) {
            line.close();
            throw e;
        }
    }

    /** Connects, is greeted and becomes active. */
    static PacketClient active(PublisherUnderTest publisher) throws Exception {
        PacketClient client = greeted(publisher);
        client.line.send("ACK", new Body().ints("GENERATION", 0));
        return client;
    }

    long capacity() {
        return page.get("capacity");
    }

    /** Reads what the socket has: nothing but doorbells. */
    void drain(long nanos) throws Failed, IOException {
        for (Incoming incoming = line.next(nanos); incoming != null; incoming = line.next(0)) {
            Failed.unless(incoming.is("DOORBELL"), "DOORBELL to a subscriber of packets", incoming);
            doorbells++;
        }
    }

    /** Something that may have come. */
    interface Condition {
        boolean holds() throws Failed;
    }

    /** Whether something comes in time. */
    boolean comes(Condition condition) throws Failed, IOException {
        long deadline = System.nanoTime() + publisher.patience().toNanos();
        while (!condition.holds()) {
            if (deadline - System.nanoTime() <= 0) {
                return false;
            }
            drain(STEP_NANOS);
        }
        return true;
    }

    /** The next record. */
    Entry next() throws Failed, IOException {
        Failed.unless(comes(() -> page.get("written") > position), "a record", "none in time");
        long written = page.get("written");
        int offset = (int) (position & capacity() - 1);
        View head = new View(file.buffer(), HEAD.size() + offset, RECORD);
        long bytes = head.get("bytes");
        long length = RECORD.size() + (bytes + 63 & -64);
        Failed.unless(position % 64 == 0, "a record at a multiple of 64", position);
        Failed.unless(
                position + length <= written,
                "a record that ends at written, " + written + ", or before",
                position + length);
        Failed.unless(offset + length <= capacity(), "a record in one piece", bytes + " bytes at " + offset);
        position += length;
        ByteBuffer own = file.buffer().slice(HEAD.size() + offset + RECORD.size(), (int) bytes);
        return new Entry(head, (int) head.get("kind"), position, own);
    }

    /** The next packet. */
    Entry packet() throws Failed, IOException {
        Entry entry = next();
        while (!entry.isPacket()) {
            entry = next();
        }
        return entry;
    }

    /** Gives back all that was read. */
    void release() {
        page.put("released", position);
    }

    @Override
    public void close() throws IOException {
        line.close();
        ring.close();
        file.close();
    }
}
