package io.github.cuframes.conformance.subscriber;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Structure;
import io.github.cuframes.conformance.View;
import io.github.cuframes.memory.SharedFile;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/** A connection of the subscriber, as its publisher sees it. One thread at a time. */
final class Guest implements AutoCloseable {

    static final int CREDITS = 4;

    private static final Structure PAGE = Document.structure("SubscriberPage");
    private static final Structure ENTRY = Document.structure("QueueEntry");
    private static final long STEP_NANOS = 1_000_000;

    final Host host;
    final Line line;
    final long id;
    final SharedFile pageFile;
    final View page;
    Body hello;
    int requests;
    long delivered;

    private final long[] lastDelivery = new long[64];

    Guest(Host host, Line line, long id) throws IOException {
        this.host = host;
        this.line = line;
        this.id = id;
        this.pageFile = SharedFile.create(PAGE.size(), SharedFile.Peer.READS_AND_WRITES);
        this.page = new View(pageFile.buffer(), 0, PAGE);
        page.put("major", 1);
        page.put("minor", 1);
        page.put("epoch", host.epoch);
        page.put("subscriberId", id);
        page.put("queueCapacity", 64);
        page.put("leaseCapacity", 64);
        page.put("magic", 0x50465543);
    }

    void expectHello() throws Failed, IOException {
        hello = line.expect("HELLO").body();
    }

    /** What HELLO asks for: 1 latest, 2 fifo, 3 lossless. */
    int mode() throws Failed {
        return hello.intAt("DELIVERY", 0);
    }

    /** WELCOME as it should be. */
    Body welcomeBody() {
        return new Body()
                .protocol(1, 1)
                .text("LIBRARY", "cuframes-conformance")
                .longs("EPOCH", host.epoch)
                .longs("RING", Host.RING_SIZE)
                .raw("SUBSCRIBER", Line.concat(Body.longBytes(id), Body.intBytes(0, CREDITS)));
    }

    void welcome() throws IOException {
        welcome(welcomeBody());
    }

    void welcome(Body body) throws IOException {
        line.send(Line.message("WELCOME", body, 2), host.ringFile.descriptor(), pageFile.descriptor());
    }

    /** MEMORY of a generation with slabs, as it should be. */
    void memory(int generation, int... slabs) throws IOException {
        memory(host.memory(generation, slabs), slabs);
    }

    /** A MEMORY message with the descriptors of slabs. */
    void memory(Body body, int... slabs) throws IOException {
        line.send(Line.message("MEMORY", body, slabs.length), files(slabs));
    }

    FileDescriptor[] files(int... slabs) {
        FileDescriptor[] files = new FileDescriptor[slabs.length];
        for (int i = 0; i < slabs.length; i++) {
            files[i] = host.slab(slabs[i]).descriptor();
        }
        return files;
    }

    /** Waits for ACK of a generation; REQUESTs in between are counted. */
    void expectAck(int generation) throws Failed, IOException {
        while (true) {
            Incoming incoming = line.next();
            if (incoming != null && incoming.is("REQUEST")) {
                requests++;
                continue;
            }
            Failed.unless(
                    incoming != null && incoming.is("ACK"),
                    "ACK " + generation,
                    incoming == null ? "nothing" : incoming);
            Failed.unlessEqual("ACK", generation, incoming.body().intAt("GENERATION", 0));
            return;
        }
    }

    /** Puts a frame of a slot into the queue, under a lease that is free, without showing it. */
    int prepare(int slot, int generation) throws Failed {
        int lease = 0;
        while (page.get("released", lease) != lastDelivery[lease]) {
            lease++;
            Failed.unless(lease < 64, "leases that end", "64 that did not");
        }
        prepare(host.metadata(slot).get("sequence"), slot, generation, lease);
        return lease;
    }

    void prepare(long sequence, int slot, int generation, int lease) {
        delivered++;
        View entry = page.entry("queue", (int) ((delivered - 1) % 64), ENTRY);
        entry.put("sequence", sequence);
        entry.put("slot", slot);
        entry.put("generation", generation);
        entry.put("lease", lease);
        if (lease >= 0 && lease < 64) {
            lastDelivery[lease] = delivered;
        }
    }

    View entry(long number) {
        return page.entry("queue", (int) ((number - 1) % 64), ENTRY);
    }

    /** Shows what was prepared, and rings if the subscriber sleeps. */
    void show() throws IOException {
        page.put("delivered", delivered);
        java.lang.invoke.VarHandle.fullFence();
        if (page.get("sleeping") != 0) {
            line.send("DOORBELL", new Body());
        }
    }

    void ring() throws IOException {
        line.send("DOORBELL", new Body());
    }

    /** Writes and delivers the newest frame in a slot of generation 1, as it should be; its lease. */
    int deliver(int slot) throws Failed, IOException {
        return deliver(slot, 1);
    }

    int deliver(int slot, int generation) throws Failed, IOException {
        long sequence = host.write(slot, generation);
        int lease = prepare(slot, generation);
        page.put("delivered", delivered);
        host.showNewest(sequence);
        show();
        return lease;
    }

    /** Delivers frames one after the other and waits until each has come back. */
    void exchange(int frames) throws Failed, IOException {
        exchange(frames, 1);
    }

    void exchange(int frames, int generation) throws Failed, IOException {
        for (int i = 0; i < frames; i++) {
            awaitReleased(deliver((int) (delivered % Host.SLOTS), generation));
        }
    }

    void awaitTaken(long number) throws Failed, IOException {
        await("delivery " + number + " taken", () -> page.get("taken") >= number);
    }

    void awaitReleased(int lease) throws Failed, IOException {
        long number = lastDelivery[lease];
        await("the lease of delivery " + number + " ended", () -> page.get("released", lease) == number);
    }

    boolean isReleased(int lease) {
        return page.get("released", lease) == lastDelivery[lease];
    }

    /** Waits until the subscriber sleeps on its socket. */
    void awaitAsleep() throws Failed, IOException {
        await("a subscriber that sleeps", () -> page.get("sleeping") == 1);
    }

    /** Waits for a condition; meanwhile only REQUEST may come, which is counted. */
    void await(String what, BooleanSupplier condition) throws Failed, IOException {
        long deadline = System.nanoTime() + host.subject.patience().toNanos();
        while (!condition.getAsBoolean()) {
            drain(STEP_NANOS);
            Failed.unless(
                    deadline - System.nanoTime() > 0,
                    what,
                    "not within " + host.subject.patience().toMillis() + " ms");
        }
    }

    /** Reads what has come: REQUESTs and nothing else. */
    void drain(long nanos) throws Failed, IOException {
        for (Incoming incoming = line.next(nanos); incoming != null; incoming = line.next(0)) {
            Failed.unless(incoming.is("REQUEST"), "REQUEST or nothing", incoming);
            requests++;
        }
    }

    /** Expects the end that follows a breach; REQUESTs and ACKs that were on their way are passed over. */
    void expectBreach(int... codes) throws Failed, IOException {
        line.expectBreach(codes);
    }

    @Override
    public void close() throws IOException {
        line.close();
        pageFile.close();
    }
}
