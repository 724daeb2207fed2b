package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotDescriptor;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: greeting, memory, and the queue of deliveries.
 *
 * <p>One thread at a time uses it; {@link #close()} and {@link #leases()} are for any. A {@link ProtocolException} from
 * here means that the publisher broke the protocol.
 */
final class Session implements AutoCloseable {

    /** For how long a MEMORY message may stay out that the publisher should have sent before a delivery. */
    static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** Memory that one MEMORY message brought. */
    private record Slab(int generation, ImportedMemory memory) {}

    private final ControlConnection connection;
    private final String key;
    private final DeliveryPolicy policy;
    private final Ticker ticker;
    private final Counters counters;

    private Ring ring;
    private SubscriberPage page;
    private volatile Leases leases;
    private long epoch;
    private int credits;

    private final Map<Integer, Slab> slabs = new ConcurrentHashMap<>();
    private final Map<Integer, StreamConfig> generations = new HashMap<>();
    private int newestGeneration;
    private int takenGeneration;
    private SlotView[] views;

    /** For each lease number, its last delivery. */
    private final long[] lastDelivery = new long[SubscriberPage.CAPACITY];

    private long taken;
    private long takenSequence;
    /** What a delivery must be to answer the REQUEST that is under way; 0: none is. */
    private long requested;

    private long memoryMissingSince;
    private boolean memoryMissing;

    private boolean ended;
    private Message.Failure failure;
    private ByeReason bye;

    Session(ControlConnection connection, String key, DeliveryPolicy policy, Ticker ticker, Counters counters) {
        this.connection = connection;
        this.key = key;
        this.policy = policy;
        this.ticker = ticker;
        this.counters = counters;
    }

    /** Says HELLO. */
    void hello(String library, String name, int wantedCredits) throws IOException {
        Incoming.send(
                connection,
                new Message.Hello(
                        ProtocolVersion.CURRENT,
                        library,
                        key,
                        name,
                        Role.SUBSCRIBER,
                        policy.mode(),
                        policy.depth(),
                        wantedCredits,
                        MemoryKind.HOST.bit(),
                        (int) ProcessHandle.current().pid(),
                        List.of()));
    }

    /** Whether WELCOME was mapped and answered. */
    boolean isGreeted() {
        return page != null;
    }

    /** Whether the socket has nothing more to say. */
    boolean isEnded() {
        return ended;
    }

    /** The publisher's last word, or null. */
    Message.Failure failure() {
        return failure;
    }

    /** Why the publisher left in good order, or null. */
    ByeReason bye() {
        return bye;
    }

    long epoch() {
        return epoch;
    }

    /** Leases, from the greeting on. */
    Leases leases() {
        return leases;
    }

    /**
     * Reads and handles one message.
     *
     * @param timeoutNanos how long to wait for it at most
     * @return whether there was one, or the end
     */
    boolean receive(long timeoutNanos) throws ProtocolException {
        if (ended) {
            return true;
        }
        try {
            ReceiveStatus status = connection.receive(timeoutNanos);
            if (status == ReceiveStatus.NOTHING) {
                return false;
            }
            if (status == ReceiveStatus.END) {
                ended = true;
            } else if (!Incoming.isDoorbell(connection) || page == null) {
                handle(Incoming.decode(connection));
            }
            return true;
        } catch (ProtocolException e) {
            throw e;
        } catch (IOException e) {
            if (Incoming.isBreach(e)) {
                throw Incoming.violation(e.getMessage());
            }
            LOG.debug("the connection to {} failed", key, e);
            ended = true;
            return true;
        }
    }

    private void handle(Message message) throws IOException {
        if (message == null) {
            return; // a later version's
        }
        if (message instanceof Message.Failure told) {
            failure = told;
            ended = true;
        } else if (message instanceof Message.Bye left) {
            bye = left.reason();
            ended = true;
        } else if (message instanceof Message.Welcome welcome && page == null) {
            greet(welcome);
        } else if (message instanceof Message.Memory memory && page != null) {
            map(memory);
        } else {
            throw Incoming.violation("a " + message.type() + " message came "
                    + (page == null ? "before WELCOME" : "from a publisher after WELCOME"));
        }
    }

    private void greet(Message.Welcome welcome) throws IOException {
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(welcome, files, 2);
        Ring opened;
        try {
            if (welcome.credits() < 1 || welcome.credits() > SubscriberPage.CAPACITY) {
                throw Incoming.violation("WELCOME grants " + welcome.credits() + " credits; 1 to "
                        + SubscriberPage.CAPACITY + " are possible");
            }
            opened = Incoming.ring(files.get(0), welcome, key);
        } catch (ProtocolException e) {
            files.forEach(Descriptors::close);
            throw e;
        }
        ImportedFile file = Incoming.map(() -> ImportedFile.readWrite(files.get(1), SubscriberPage.SIZE));
        SubscriberPage own;
        try {
            own = SubscriberPage.open(file.buffer(), welcome.epoch(), welcome.subscriberId());
        } catch (IllegalArgumentException e) {
            throw Incoming.violation(e.getMessage());
        }
        ring = opened;
        epoch = welcome.epoch();
        credits = welcome.credits();
        views = new SlotView[opened.slotCapacity()];
        leases = new Leases(own, connection, policy.mode() == DeliveryMode.LOSSLESS, credits);
        page = own;
        Incoming.send(connection, new Message.Ack(0));
    }

    private void map(Message.Memory memory) throws IOException {
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(memory, files, memory.slabs().size());
        try {
            check(memory);
            for (int i = 0; i < files.size(); i++) {
                Message.Slab slab = memory.slabs().get(i);
                FileDescriptor file = files.get(i);
                if (slabs.containsKey(slab.id()) || slabs.size() >= ring.slotCapacity()) {
                    throw Incoming.violation("slab " + slab.id() + " was announced twice, or is one too many");
                }
                ImportedMemory mapped = Incoming.map(() -> ImportedMemory.map(memory.kind(), file, slab.size()));
                slabs.put(slab.id(), new Slab(memory.generation(), mapped));
            }
        } finally {
            files.forEach(Descriptors::close); // those that were not reached
        }
        generations.put(memory.generation(), memory.config());
        newestGeneration = memory.generation();
        Incoming.send(connection, new Message.Ack(memory.generation()));
    }

    private void check(Message.Memory memory) throws ProtocolException {
        if (memory.kind() != MemoryKind.HOST) {
            throw new ProtocolException(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "the frames are in " + memory.kind().label()
                            + " memory, which this subscriber cannot reach; start the producer with --memory host");
        }
        StreamConfig known = generations.get(memory.generation());
        if (memory.generation() < newestGeneration || known != null && !known.equals(memory.config())) {
            throw Incoming.violation("generation " + memory.generation() + " was announced after " + newestGeneration
                    + ", or announced anew with another geometry");
        }
    }

    /** Whether there is a delivery that was not taken. Cheap. */
    boolean hasDelivery() {
        return page.delivered() > taken;
    }

    /** Says that this side is about to block; whether it may, since nothing has come meanwhile. */
    boolean fallAsleep() {
        page.sleeping(true);
        return page.delivered() <= taken;
    }

    void wakeUp() {
        page.sleeping(false);
    }

    /**
     * Takes the next frame out of the queue, according to the policy.
     *
     * @return null if there is none (now), or the memory that it lies in is not known yet
     * @throws ProtocolException if the publisher broke the protocol
     */
    Frame take() throws ProtocolException {
        if (failure != null) {
            return null; // the leases of what is left in the queue have ended
        }
        return policy.mode() == DeliveryMode.LATEST ? takeLatest() : takeNext();
    }

    private Frame takeNext() throws ProtocolException {
        long delivery = advance();
        return delivery == 0 ? null : frame(delivery);
    }

    private Frame takeLatest() throws ProtocolException {
        long candidate = 0;
        for (long next = advance(); next != 0; next = advance()) {
            if (candidate != 0) {
                giveBack(candidate);
            }
            candidate = next;
        }
        if (candidate == 0) {
            requestMissed();
            return null;
        }
        // one REQUEST for each frame: at a high rate even its answer may be old on arrival, and something must be taken
        long wanted = requested != 0 ? requested : ring.newestSequence();
        if (ended || page.sequence(candidate) >= wanted) {
            requested = 0;
            return frame(candidate);
        }
        giveBack(candidate);
        if (requested == 0) {
            requested = wanted;
            request();
        }
        return null;
    }

    /**
     * The queue is empty, but a frame may have found no credit. The publisher delivers before it shows a number in the ring,
     * so that a number seen first and no delivery seen then means that there was none.
     */
    private void requestMissed() {
        long newest = ring.newestSequence();
        // the first frame comes unasked
        if (!ended && requested == 0 && takenSequence > 0 && newest > takenSequence && !hasDelivery()) {
            requested = newest;
            request();
        }
    }

    private void request() {
        try {
            leases.request();
        } catch (IOException e) {
            LOG.debug("the connection to {} ended before a REQUEST", key, e); // which the next receive finds out
        }
    }

    private void giveBack(long delivery) {
        leases.giveBack(page.lease(delivery), delivery);
    }

    /** Goes to the next delivery: 0 if there is none yet, or it cannot be read yet. */
    private long advance() throws ProtocolException {
        long delivered = page.delivered();
        if (delivered == taken) {
            return 0;
        }
        if (delivered < taken || delivered - taken > SubscriberPage.CAPACITY) {
            throw Incoming.violation(
                    "the page counts " + delivered + " deliveries, and " + taken + " of them were taken");
        }
        long next = taken + 1;
        int slot = page.slot(next);
        int lease = page.lease(next);
        if (slot < 0 || slot >= views.length) {
            throw Incoming.violation("delivery " + next + " is of slot " + slot + ", and there are " + views.length);
        }
        if (lease < 0 || lease >= SubscriberPage.CAPACITY || page.released(lease) != lastDelivery[lease]) {
            throw Incoming.violation("delivery " + next + " has the lease number " + lease + ", which is not free");
        }
        if (!isReadable(slot, page.generation(next))) {
            return 0;
        }
        long sequence = page.sequence(next);
        if (sequence <= takenSequence || ring.metadata(slot).sequence() != sequence) {
            throw Incoming.violation("frame " + sequence + " was delivered after frame " + takenSequence
                    + ", in a slot with frame " + ring.metadata(slot).sequence());
        }
        lastDelivery[lease] = next;
        takenSequence = sequence;
        taken = next;
        page.taken(next);
        counters.taken(ring.metadata(slot).flags());
        retire(page.generation(next));
        return next;
    }

    /** Whether a slot's memory is mapped; checks it when its generation is new. */
    private boolean isReadable(int slot, int generation) throws ProtocolException {
        SlotView view = views[slot];
        if (view != null && view.generation() == generation) {
            return true;
        }
        SlotDescriptor descriptor = ring.descriptor(slot);
        StreamConfig config = generations.get(generation);
        Slab slab = slabs.get(descriptor.slab(MemoryKind.HOST));
        if (config == null || slab == null) {
            long now = ticker.nanoTime();
            if (ended || generation < takenGeneration || memoryMissing && now - memoryMissingSince > MEMORY_NANOS) {
                throw Incoming.violation("a frame of generation " + generation + " was delivered in slab "
                        + descriptor.slab(MemoryKind.HOST) + ", and no MEMORY message has announced that");
            }
            memoryMissingSince = memoryMissing ? memoryMissingSince : now;
            memoryMissing = true;
            return false;
        }
        memoryMissing = false;
        views[slot] = SlotView.of(slot, descriptor, slab.memory(), generation, config);
        return true;
    }

    /** Lets go of what earlier generations had; frames that are still held keep what they lie in. */
    private void retire(int generation) {
        if (generation == takenGeneration) {
            return;
        }
        takenGeneration = generation;
        generations.keySet().removeIf(g -> g < generation);
        for (int i = 0; i < views.length; i++) {
            if (views[i] != null && views[i].generation() < generation) {
                views[i] = null;
            }
        }
        for (Iterator<Slab> all = slabs.values().iterator(); all.hasNext(); ) {
            Slab slab = all.next();
            if (slab.generation() < generation) {
                all.remove();
                slab.memory().close();
            }
        }
    }

    private Frame frame(long delivery) {
        int slot = page.slot(delivery);
        FrameMetadata metadata = ring.metadata(slot);
        boolean everyDelivered = policy.mode() != DeliveryMode.LATEST;
        boolean breaks = counters.returned(epoch, metadata.sequence(), ring.discontinuities(), everyDelivered);
        leases.hold();
        return new Frame(leases, views[slot], page.lease(delivery), delivery, epoch, metadata, breaks);
    }

    /** Whether the next delivery waits for a MEMORY message. */
    boolean isMemoryMissing() {
        return memoryMissing;
    }

    /** Tells the publisher what it did wrong, or that this side leaves. */
    void sayLast(Message message) {
        try {
            Incoming.send(connection, message);
        } catch (IOException e) {
            LOG.debug("the connection to {} ended before a last word", key, e);
        }
    }

    /** Ends the connection and lets go of the memory; frames that are held keep what they lie in. */
    @Override
    public void close() {
        slabs.values().forEach(slab -> slab.memory().close());
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", key, e);
        }
    }
}
