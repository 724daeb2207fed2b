package io.github.cuframes.conformance.publisher;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Structure;
import io.github.cuframes.conformance.View;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** A subscriber that says and does exactly what a check tells it. One thread at a time. */
final class Client implements AutoCloseable {

    static final int LATEST = 1;
    static final int FIFO = 2;
    static final int LOSSLESS = 3;

    private static final Structure HEADER = Document.structure("RingHeader");
    private static final long STEP_NANOS = 1_000_000;

    final PublisherUnderTest publisher;
    final Line line;
    Incoming welcome;
    View header;
    View page;

    /** Bodies of the MEMORY messages, in order. */
    final List<Body> memories = new ArrayList<>();

    private final Map<Integer, ImportedFile> slabs = new HashMap<>();
    private final List<ImportedFile> files = new ArrayList<>();
    private final Set<Integer> generations = new HashSet<>();
    private ByteBuffer ring;
    private int doorbells;
    private long taken;

    /**
     * A frame in the queue.
     *
     * @param number of the delivery
     */
    record Delivery(long number, long sequence, int slot, int generation, int lease) {}

    Client(PublisherUnderTest publisher) throws IOException {
        this.publisher = publisher;
        this.line = Line.connect(publisher.socket(), publisher.patience());
    }

    /** A HELLO as it should be. */
    static Body hello(PublisherUnderTest publisher, int mode, int depth, int credits) {
        return new Body()
                .protocol(1, 1)
                .text("LIBRARY", "cuframes-conformance")
                .text("KEY", publisher.key())
                .text("NAME", "conformance")
                .ints("ROLE", 1)
                .ints("DELIVERY", mode, depth, credits)
                .ints("MEMORY_KINDS", 1 << 1)
                .ints("PID", (int) ProcessHandle.current().pid());
    }

    static Body hello(PublisherUnderTest publisher) {
        return hello(publisher, LATEST, 0, 2);
    }

    static Body observerHello(PublisherUnderTest publisher) {
        return hello(publisher)
                .without("DELIVERY")
                .with("ROLE", Body.intBytes(2))
                .with("MEMORY_KINDS", Body.intBytes(0));
    }

    /** Connects, is greeted and becomes active. */
    static Client active(PublisherUnderTest publisher, int mode, int depth, int credits) throws Exception {
        return greeted(publisher, hello(publisher, mode, depth, credits)).activate();
    }

    /** Connects and is greeted. */
    static Client greeted(PublisherUnderTest publisher, Body hello) throws Exception {
        Client client = new Client(publisher);
        try {
            client.line.send("HELLO", hello);
            client.expectWelcome();
            return client;
        } catch (Failed | IOException | RuntimeException e) {
            client.close();
            throw e;
        }
    }

    /** Connects and says HELLO. */
    static Client saying(PublisherUnderTest publisher, Body hello) throws IOException {
        Client client = new Client(publisher);
        client.line.send("HELLO", hello);
        return client;
    }

    /** An observer that was greeted. */
    static Client observer(PublisherUnderTest publisher) throws Exception {
        return greeted(publisher, observerHello(publisher));
    }

    Client activate() throws IOException {
        line.send("ACK", new Body().ints("GENERATION", 0));
        return this;
    }

    /** Expects WELCOME and maps what comes with it. */
    void expectWelcome() throws Failed, IOException {
        welcome = line.expect("WELCOME");
        Body body = welcome.body();
        long size = body.longOf("RING");
        boolean observer = body.value("SUBSCRIBER", 16).getLong(0) == 0;
        Failed.unlessEqual(
                "descriptors with WELCOME:", observer ? 1 : 2, welcome.files().size());
        ImportedFile mapped = map(
                "the ring",
                () -> ImportedFile.readOnly(
                        Descriptors.duplicate(welcome.files().get(0)), size));
        ring = mapped.buffer();
        Failed.unless(size >= HEADER.size(), "a ring with room for its header", size + " bytes");
        header = new View(ring, 0, HEADER);
        if (!observer) {
            Structure layout = Document.structure("SubscriberPage");
            page = new View(
                    map(
                                    "the page",
                                    () -> ImportedFile.readWrite(
                                            Descriptors.duplicate(
                                                    welcome.files().get(1)),
                                            layout.size()))
                            .buffer(),
                    0,
                    layout);
        }
    }

    private interface Mapper {
        ImportedFile map() throws IOException;
    }

    private ImportedFile map(String what, Mapper mapper) throws Failed {
        try {
            ImportedFile file = mapper.map();
            files.add(file);
            return file;
        } catch (IOException e) {
            throw new Failed(what + " in a file that can be mapped", e.getMessage());
        }
    }

    /** A row of one of the ring's tables. */
    View row(String table, int index, String structure) throws Failed {
        long at =
                header.get(table) + (long) index * Document.structure(structure).size();
        Failed.unless(
                at % Long.BYTES == 0 && at + Document.structure(structure).size() <= ring.capacity(),
                table + " inside the ring and aligned",
                at);
        return new View(ring, (int) at, Document.structure(structure));
    }

    View descriptor(int slot) throws Failed {
        return row("slotDescriptorsAt", slot, "SlotDescriptor");
    }

    View metadata(int slot) throws Failed {
        return row("frameMetadataAt", slot, "FrameMetadata");
    }

    /** The publisher's account of this subscriber. */
    View account() throws Failed {
        return account(welcome.body().intAt("SUBSCRIBER", 2));
    }

    View account(int index) throws Failed {
        return row("subscriberSlotsAt", index, "SubscriberSlot");
    }

    long id() throws Failed {
        return welcome.body().value("SUBSCRIBER", 16).getLong(0);
    }

    int credits() throws Failed {
        return welcome.body().intAt("SUBSCRIBER", 3);
    }

    long newest() {
        return header.get("newestSequence");
    }

    /** Reads what the socket has now; maps MEMORY, counts doorbells. */
    void drain() throws Failed, IOException {
        drain(0);
    }

    private void drain(long nanos) throws Failed, IOException {
        for (Incoming incoming = line.next(nanos); incoming != null; incoming = line.next(0)) {
            Failed.unless(
                    incoming.is("MEMORY") || incoming.is("DOORBELL"), "MEMORY or DOORBELL to a subscriber", incoming);
            if (incoming.is("DOORBELL")) {
                doorbells++;
            } else {
                learn(incoming);
            }
        }
    }

    private void learn(Incoming memory) throws Failed {
        Body body = memory.body();
        memories.add(body);
        generations.add(body.intAt("GENERATION", 0));
        List<byte[]> announced = body.all("SLAB");
        Failed.unlessEqual(
                "descriptors with MEMORY, one for each SLAB:",
                announced.size(),
                memory.files().size());
        for (int i = 0; i < announced.size(); i++) {
            Body slab = new Body().raw("SLAB", announced.get(i));
            int number = slab.intAt("SLAB", 0);
            long size = slab.value("SLAB", 16).getLong(8);
            var file = memory.files().get(i);
            slabs.put(number, map("slab " + number, () -> ImportedFile.readOnly(Descriptors.duplicate(file), size)));
        }
    }

    /** Waits for a condition, reading the socket meanwhile. */
    void await(String what, BooleanSupplier condition) throws Failed, IOException {
        long deadline = System.nanoTime() + publisher.patience().toNanos();
        while (!condition.getAsBoolean()) {
            Failed.unless(
                    deadline - System.nanoTime() > 0,
                    what,
                    "not within " + publisher.patience().toMillis() + " ms");
            drain(STEP_NANOS);
        }
    }

    /** Waits for the next delivery and takes it out of the queue. */
    Delivery take() throws Failed, IOException {
        await("a delivery", () -> page.get("delivered") > taken);
        return takeNow();
    }

    /** Takes a delivery that is there, when the MEMORY that came before it is read. */
    Delivery takeNow() throws Failed, IOException {
        drain();
        Delivery delivery = peek(taken + 1);
        taken = delivery.number();
        page.put("taken", taken);
        return delivery;
    }

    long taken() {
        return taken;
    }

    /** A delivery that is there. */
    Delivery peek(long number) throws Failed {
        View entry = entry(number);
        Delivery delivery = new Delivery(
                number, entry.get("sequence"), (int) entry.get("slot"), (int) entry.get("generation"), (int)
                        entry.get("lease"));
        Failed.unless(
                delivery.slot() >= 0 && delivery.slot() < header.get("slotCapacity"),
                "a slot inside the table",
                delivery);
        Failed.unless(delivery.lease() >= 0 && delivery.lease() < 64, "a lease number of 0 to 63", delivery);
        return delivery;
    }

    View entry(long number) {
        return page.entry("queue", (int) ((number - 1) % 64), Document.structure("QueueEntry"));
    }

    /** Whether generation and slab of a delivery were announced by what has been read of the socket. */
    boolean isAnnounced(Delivery delivery) throws Failed {
        return generations.contains(delivery.generation())
                && slabs.containsKey((int) descriptor(delivery.slot()).get("slab"));
    }

    /** The bytes of a delivery's slot. */
    ByteBuffer bytes(Delivery delivery) throws Failed {
        View descriptor = descriptor(delivery.slot());
        ImportedFile slab = slabs.get((int) descriptor.get("slab"));
        Failed.unless(slab != null, "a slab that MEMORY announced", "slab " + descriptor.get("slab"));
        long offset = descriptor.get("offsetInSlab");
        long size = descriptor.get("slotSize");
        Failed.unless(
                offset >= 0 && size > 0 && offset + size <= slab.size(),
                "a slot inside its slab of " + slab.size() + " bytes",
                size + " bytes from " + offset);
        return slab.buffer().slice((int) offset, (int) size);
    }

    void release(Delivery delivery) {
        page.put("released", delivery.lease(), delivery.number());
    }

    int doorbells() {
        return doorbells;
    }

    /** Ends the connection and lets go of what was mapped. */
    @Override
    public void close() throws IOException {
        line.close();
        files.forEach(ImportedFile::close);
    }
}
