package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The memory of one connection, and its queue of deliveries.
 *
 * <p>One thread at a time uses it; {@link #leave()}, {@link #close()} and {@link #leases()} are for any.
 */
final class FrameSession extends Session<Frame> {

    /**
     * What the application asks for.
     *
     * @param policy which frames
     * @param credits leases, or 0 for as many as the publisher likes
     * @param spinNanos how long to watch memory before a wait on the socket
     * @param gpu where they are to be read
     */
    record Wish(DeliveryPolicy policy, int credits, long spinNanos, GpuChoice.Wish gpu) {}

    /** For how long a MEMORY message may stay out that the publisher should have sent before a delivery. */
    private static final long MEMORY_NANOS = TimeUnit.SECONDS.toNanos(5);

    /** A dying process's GPU memory may go somewhat before its socket. */
    private static final long DEATH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    /** How often to look whether the GPU has done with a frame that the next one needs the place of. */
    private static final long GPU_STEP_NANOS = TimeUnit.MICROSECONDS.toNanos(200);

    private static final Logger LOG = LoggerFactory.getLogger(FrameSession.class);

    private final Wish wish;
    private final DeliveryPolicy policy;
    private final Counters counters;

    private Ring ring;
    private SubscriberPage page;
    private volatile Leases leases;
    private long epoch;

    /** From the greeting on. */
    private volatile FrameMap frames;

    /** For each lease number, its last delivery. */
    private final long[] lastDelivery = new long[SubscriberPage.CAPACITY];

    private long taken;

    /** Of the delivery taken last; read from the page once, since the publisher can write there at any moment. */
    private int takenSlot;

    private int takenLease;
    private long takenSequence;
    /** Taken too: the ring's are the next frame's as soon as the lease has ended, by a copy or by the publisher. */
    private final FrameMetadata metadata = FrameMetadata.outsideOfRing();

    /** What a delivery must be to answer the REQUEST that is under way; 0: none is. */
    private long requested;

    private long memoryMissingSince;
    private boolean memoryMissing;
    private boolean bufferMissing;
    /** The slot delivered last holds another frame than the one delivered. */
    private boolean slotReused;

    FrameSession(ControlConnection connection, String key, Ticker ticker, Wish wish, Counters counters) {
        super(connection, key, ticker);
        this.wish = wish;
        this.policy = wish.policy();
        this.counters = counters;
    }

    @Override
    Message.Hello hello(String name) {
        Gpus gpus = Gpus.seen();
        return new Message.Hello(
                ProtocolVersion.CURRENT,
                Incoming.LIBRARY,
                key,
                name,
                Role.SUBSCRIBER,
                policy.mode(),
                policy.depth(),
                wish.credits(),
                gpus.memoryKinds(),
                (int) ProcessHandle.current().pid(),
                gpus.uuids());
    }

    @Override
    long pageSize(Message.Welcome welcome) throws ProtocolException {
        if (welcome.credits() < 1 || welcome.credits() > SubscriberPage.CAPACITY) {
            throw Incoming.violation("WELCOME grants " + welcome.credits() + " credits; 1 to " + SubscriberPage.CAPACITY
                    + " are possible");
        }
        return SubscriberPage.SIZE;
    }

    @Override
    void begin(Message.Welcome welcome, Ring opened, ByteBuffer mapped) throws ProtocolException {
        page = Incoming.checked(() -> SubscriberPage.open(mapped, welcome.epoch(), welcome.subscriberId()));
        ring = opened;
        epoch = welcome.epoch();
        frames = new FrameMap(opened, wish.gpu(), welcome.credits());
        frames.warmUp();
        leases = new Leases(page, connection, policy.mode() == DeliveryMode.LOSSLESS, welcome.credits());
    }

    @Override
    void handle(Message message) throws ProtocolException {
        if (!(message instanceof Message.Memory memory)) {
            throw Incoming.violation("a " + message.type() + " message came from a publisher after WELCOME");
        }
        List<FileDescriptor> files = Incoming.take(connection);
        Incoming.requireDescriptors(memory, files, FrameMap.descriptors(memory));
        frames.announce(memory, files);
        acknowledge(memory.generation());
    }

    /** Leases, from the greeting on. */
    Leases leases() {
        return leases;
    }

    @Override
    void revoke() {
        if (leases != null) {
            leases.revoke();
        }
    }

    @Override
    boolean hasNext() {
        return page.delivered() != taken;
    }

    @Override
    void sleeping(boolean asleep) {
        page.sleeping(asleep);
    }

    @Override
    boolean await(long deadline) throws ProtocolException {
        long now = ticker.nanoTime();
        if (memoryMissing) {
            return receive(Math.min(deadline - now, MEMORY_NANOS));
        }
        if (wish.spinNanos() > 0) {
            long spinEnd = now + Math.min(wish.spinNanos(), deadline - now);
            while (now - spinEnd < 0) {
                if (hasNext()) {
                    return true;
                }
                Thread.onSpinWait();
                now = ticker.nanoTime();
            }
        }
        return super.await(deadline);
    }

    /** Waits for the GPU where the next frame needs the place of one that the application has released. */
    @Override
    long pauseNanos() {
        boolean canStillCome = failure() == null && !isCut(); // with either the publisher may use its slots again
        return !memoryMissing && bufferMissing && canStillCome && hasNext() ? GPU_STEP_NANOS : 0;
    }

    /**
     * Takes the next frame out of the queue, according to the policy.
     *
     * @return null if there is none (now), or the memory that it lies in is not known yet
     * @throws ProtocolException if the publisher broke the protocol
     * @throws IllegalStateException if the application holds as many frames as it has credits
     */
    @Override
    Frame take() throws ProtocolException {
        frames.poll(); // what the GPU has done with goes back
        requireCredit();
        if (failure() != null) {
            return null; // the leases of what is left in the queue have ended
        }
        try {
            return policy.mode() == DeliveryMode.LATEST ? takeLatest() : takeNext();
        } catch (ProtocolException e) {
            return excuse(e);
        }
    }

    private void requireCredit() {
        if (leases.areUsedUp()) {
            throw new IllegalStateException("all " + leases.credits() + " frames that the subscriber of \"" + key
                    + "\" may hold are held; close one, or ask for more credits");
        }
    }

    /**
     * What looks like a breach may have another reason, which then is the connection's end: a publisher that cut this side
     * off, or lost its own sockets, uses its slots again, and one that died takes the legacy handles with it that were not
     * opened yet. Why it ended may be lost, since the socket library closes a connection whose peer takes no REQUEST.
     *
     * @return null if it is so: the connection has ended
     */
    private Frame excuse(ProtocolException breach) throws ProtocolException {
        boolean unreachable = breach.code() == ErrorCode.MEMORY_UNREACHABLE;
        // bounded, also for a publisher that never stops talking
        for (int i = 0; i < MOST_AT_ONCE && !isEnded() && receive(unreachable ? DEATH_NANOS : 0); i++) {
            LOG.trace("read what came before a breach");
        }
        if (failure() != null || isCut() || isEnded() && (unreachable || slotReused)) {
            LOG.debug("the last frames of {} cannot be read: {}", key, breach.getMessage());
            return null;
        }
        throw breach;
    }

    private Frame takeNext() throws ProtocolException {
        while (advance() != 0) {
            if (!counters.had(epoch, takenSequence)) {
                return frame();
            }
            leases.giveBack(takenLease, taken);
        }
        return null;
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
        boolean had = counters.had(epoch, takenSequence);
        if (isEnded() || takenSequence >= wanted) {
            requested = 0;
            if (!had) {
                return frame();
            }
        }
        leases.giveBack(takenLease, taken);
        if (requested == 0 && !had) {
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
        if (!isEnded() && requested == 0 && takenSequence > 0 && newest > takenSequence && !hasNext()) {
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
        slotReused = !metadata.take(ring.metadata(slot), sequence);
        if (slotReused || sequence <= takenSequence) {
            throw Incoming.violation("frame " + sequence + " was delivered after frame " + takenSequence
                    + ", in a slot with frame " + ring.metadata(slot).sequence());
        }
        lastDelivery[lease] = next;
        takenSlot = slot;
        takenLease = lease;
        takenSequence = sequence;
        taken = next;
        page.taken(next);
        if (!counters.had(epoch, sequence)) {
            counters.taken(metadata.flags());
        }
        frames.retire(generation);
        return next;
    }

    /** Whether a slot's memory is mapped, and there is room for a copy of its frame where that is needed. */
    private boolean isReadable(int slot, int generation) throws ProtocolException {
        SlotView view = frames.view(slot, generation);
        if (view == null) {
            long now = ticker.nanoTime();
            if (isEnded() || frames.isOver(generation) || memoryMissing && now - memoryMissingSince > MEMORY_NANOS) {
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
        boolean everyDelivered = policy.mode() != DeliveryMode.LATEST;
        boolean breaks = counters.returned(epoch, takenSequence, ring.discontinuities(), everyDelivered);
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

    /** GPU memory cannot be left to the garbage collector: says which frames keep it when this ends. */
    private void warnOfOpenFrames() {
        if (frames.isOnGpu() && leases.held() > 0) {
            LOG.warn(
                    "{} frames of {} are still open; the GPU memory that they lie in stays mapped until they are closed,"
                            + " and for ever if they are forgotten",
                    leases.held(),
                    key);
        }
    }

    @Override
    void leave() {
        warnOfOpenFrames();
        revoke();
        super.leave();
    }

    /** {@inheritDoc} Frames that are held keep what they lie in. */
    @Override
    public void close() {
        FrameMap mapped = frames;
        if (mapped != null) {
            mapped.close();
        }
        super.close();
    }
}
