package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.List;
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

    /** Messages that are read without looking at anything else. */
    static final int MOST_AT_ONCE = 64;

    /** A dying process's GPU memory may go somewhat before its socket. */
    private static final long DEATH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    private final ControlConnection connection;
    private final String key;
    private final DeliveryPolicy policy;
    private final GpuChoice.Wish wish;
    private final Ticker ticker;
    private final Counters counters;

    private Ring ring;
    private SubscriberPage page;
    private volatile Leases leases;
    private long epoch;
    private int credits;

    /** From the greeting on. */
    private volatile FrameMap frames;

    /** For each lease number, its last delivery. */
    private final long[] lastDelivery = new long[SubscriberPage.CAPACITY];

    private long taken;

    /** Of the delivery taken last; read from the page once, since the publisher can write there at any moment. */
    private int takenSlot;

    private int takenLease;
    private long takenSequence;
    /** What a delivery must be to answer the REQUEST that is under way; 0: none is. */
    private long requested;

    private long memoryMissingSince;
    private boolean memoryMissing;
    private boolean bufferMissing;

    /** The generation that was mapped and not acknowledged yet; 0: none. */
    private int unanswered;

    private boolean ended;
    /** Whether the end was an error of the socket, so that messages may be left unread. */
    private boolean cut;

    private Message.Failure failure;
    private ByeReason bye;

    Session(
            ControlConnection connection,
            String key,
            DeliveryPolicy policy,
            GpuChoice.Wish wish,
            Ticker ticker,
            Counters counters) {
        this.connection = connection;
        this.key = key;
        this.policy = policy;
        this.wish = wish;
        this.ticker = ticker;
        this.counters = counters;
    }

    /** Says HELLO. */
    void hello(String library, String name, int wantedCredits) throws IOException {
        Gpus gpus = Gpus.seen();
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
                        gpus.memoryKinds(),
                        (int) ProcessHandle.current().pid(),
                        gpus.uuids()));
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
            take(status);
            // answered when nothing more is there: the socket library closes a connection whose peer takes no answer
            for (int i = 1; unanswered > 0 && !ended; i++) {
                status = i < MOST_AT_ONCE ? connection.receive(0) : ReceiveStatus.NOTHING;
                if (status == ReceiveStatus.NOTHING) {
                    int generation = unanswered;
                    unanswered = 0;
                    Incoming.send(connection, new Message.Ack(generation));
                } else {
                    take(status);
                }
            }
            return true;
        } catch (ProtocolException e) {
            throw e;
        } catch (IOException e) {
            if (Incoming.isBreach(e)) {
                throw Incoming.violation(e.getMessage());
            }
            LOG.debug("the connection to {} failed", key, e);
            cut = true;
            ended = true;
            return true;
        }
    }

    private void take(ReceiveStatus status) throws IOException {
        if (status == ReceiveStatus.END) {
            ended = true;
        } else if (!Incoming.isDoorbell(connection) || page == null) {
            handle(Incoming.decode(connection));
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
        frames = new FrameMap(opened, wish, credits);
        frames.warmUp();
        leases = new Leases(own, connection, policy.mode() == DeliveryMode.LOSSLESS, credits);
        page = own;
        Incoming.send(connection, new Message.Ack(0));
    }

    private void map(Message.Memory memory) throws IOException {
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(memory, files, FrameMap.descriptors(memory));
        frames.announce(memory, files);
        unanswered = memory.generation();
    }

    /** Whether there is a delivery that was not taken. Cheap. */
    boolean hasDelivery() {
        return page.delivered() != taken;
    }

    /** Says that this side is about to block; whether it may, since nothing has come meanwhile. */
    boolean fallAsleep() {
        page.sleeping(true);
        return page.delivered() == taken;
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
        try {
            return policy.mode() == DeliveryMode.LATEST ? takeLatest() : takeNext();
        } catch (ProtocolException e) {
            return excuse(e);
        }
    }

    /**
     * What looks like a breach may have another reason, which then is the connection's end: a publisher that cut this side
     * off uses its slots again, and one that died takes the legacy handles with it that were not opened yet. Why it ended
     * may be lost, since the socket library closes a connection whose peer takes no REQUEST.
     *
     * @return null if it is so: the connection has ended
     */
    private Frame excuse(ProtocolException breach) throws ProtocolException {
        boolean unreachable = breach.code() == ErrorCode.MEMORY_UNREACHABLE;
        // bounded, also for a publisher that never stops talking
        for (int i = 0; i < MOST_AT_ONCE && !ended && receive(unreachable ? DEATH_NANOS : 0); i++) {
            LOG.trace("read what came before a breach");
        }
        if (failure != null || cut || ended && unreachable) {
            LOG.debug("the last frames of {} cannot be read: {}", key, breach.getMessage());
            return null;
        }
        throw breach;
    }

    private Frame takeNext() throws ProtocolException {
        return advance() == 0 ? null : frame();
    }

    private Frame takeLatest() throws ProtocolException {
        long candidate = advance();
        if (candidate == 0) {
            requestMissed();
            return null;
        }
        // bounded, also for a publisher that delivers as fast as this side takes
        for (int i = 1; i < SubscriberPage.CAPACITY && candidate != 0; i++) {
            int lease = takenLease;
            long next = advance();
            if (next != 0) {
                leases.giveBack(lease, candidate);
            }
            candidate = next;
        }
        // one REQUEST for each frame: at a high rate even its answer may be old on arrival, and something must be taken
        long wanted = requested != 0 ? requested : ring.newestSequence();
        if (ended || takenSequence >= wanted) {
            requested = 0;
            return frame();
        }
        leases.giveBack(takenLease, taken);
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
        if (slot < 0 || slot >= frames.capacity()) {
            throw Incoming.violation(
                    "delivery " + next + " is of slot " + slot + ", and there are " + frames.capacity());
        }
        if (lease < 0 || lease >= SubscriberPage.CAPACITY || page.released(lease) != lastDelivery[lease]) {
            throw Incoming.violation("delivery " + next + " has the lease number " + lease + ", which is not free");
        }
        int generation = page.generation(next);
        if (!isReadable(slot, generation)) {
            return 0;
        }
        long sequence = page.sequence(next);
        if (sequence <= takenSequence || ring.metadata(slot).sequence() != sequence) {
            throw Incoming.violation("frame " + sequence + " was delivered after frame " + takenSequence
                    + ", in a slot with frame " + ring.metadata(slot).sequence());
        }
        lastDelivery[lease] = next;
        takenSlot = slot;
        takenLease = lease;
        takenSequence = sequence;
        taken = next;
        page.taken(next);
        counters.taken(ring.metadata(slot).flags());
        frames.retire(generation);
        return next;
    }

    /** Whether a slot's memory is mapped, and there is room for a copy of its frame where that is needed. */
    private boolean isReadable(int slot, int generation) throws ProtocolException {
        SlotView view = frames.view(slot, generation);
        if (view == null) {
            long now = ticker.nanoTime();
            if (ended || frames.isOver(generation) || memoryMissing && now - memoryMissingSince > MEMORY_NANOS) {
                throw Incoming.violation("a frame of generation " + generation + " was delivered in slot " + slot
                        + ", and no MEMORY message has announced that, or the slot's slab");
            }
            memoryMissingSince = memoryMissing ? memoryMissingSince : now;
            memoryMissing = true;
            return false;
        }
        memoryMissing = false;
        bufferMissing = view.copies() != null && !view.copies().hasFree();
        return !bufferMissing;
    }

    /** The frame of the delivery taken last; null if this is being closed. */
    private Frame frame() {
        int slot = takenSlot;
        int lease = takenLease;
        long delivery = taken;
        SlotView view = frames.view(slot);
        if (view.memory() != null && !view.memory().hold()) {
            return null;
        }
        CopyBuffers.Buffer copy = view.copies() == null ? null : copy(view, lease, delivery);
        FrameMetadata metadata = ring.metadata(slot);
        boolean everyDelivered = policy.mode() != DeliveryMode.LATEST;
        boolean breaks = counters.returned(epoch, metadata.sequence(), ring.discontinuities(), everyDelivered);
        leases.hold();
        return new Frame(leases, view, lease, delivery, epoch, metadata, breaks, copy);
    }

    private CopyBuffers.Buffer copy(SlotView view, int lease, long delivery) {
        try {
            CopyBuffers.Buffer copy = view.copies().copy(view.memory(), view.address(), leases, lease, delivery);
            counters.copied();
            return copy;
        } catch (CudaException e) {
            leases.giveBack(lease, delivery);
            view.memory().letGo();
            throw new SubscriberException("a frame of \"" + key + "\" was lost: " + e.getMessage(), null, e);
        }
    }

    /** Gives back what the GPU has done with. Cheap if there is nothing. */
    void poll() {
        if (frames != null) {
            frames.poll();
        }
    }

    /** Whether the next frame waits until the GPU has done with one that the application has released. */
    boolean isBufferMissing() {
        return bufferMissing && hasDelivery();
    }

    /** GPU memory cannot be left to the garbage collector: says which frames keep it when this ends. */
    void warnOfOpenFrames() {
        if (frames.isOnGpu() && leases.held() > 0) {
            LOG.warn(
                    "{} frames of {} are still open; the GPU memory that they lie in stays mapped until they are closed,"
                            + " and for ever if they are forgotten",
                    leases.held(),
                    key);
        }
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
        if (frames != null) {
            frames.close();
        }
        try {
            connection.close();
        } catch (IOException e) {
            LOG.debug("closing the connection to {} failed", key, e);
        }
    }
}
