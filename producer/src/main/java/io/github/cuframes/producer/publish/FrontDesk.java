package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.IOException;
import java.util.List;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The subscribers' side of a publisher: decides who gets in with how many credits, and serves what they ask for. */
final class FrontDesk implements ControlLoop.Admission {

    private static final Logger LOG = LoggerFactory.getLogger(FrontDesk.class);

    private static final int DEFAULT_LATEST_CREDITS = 2;
    private static final int DEFAULT_LOSSLESS_CREDITS = 4;

    /** The ring grows by this part of its slots at least. */
    private static final int GROWTH_PART = 8;

    private final RingState state;
    private final PublisherOptions options;
    private final SharedFile ringFile;
    private final LongSupplier clock;
    private final LogLimit lines;

    private long nextId = 1;
    private int observers;

    FrontDesk(RingState state, SharedFile ringFile, LongSupplier clock, LogLimit lines) {
        this.state = state;
        this.options = state.options;
        this.ringFile = ringFile;
        this.clock = clock;
        this.lines = lines;
    }

    @Override
    public void greet(Peer peer, Message.Hello hello) throws ProtocolException {
        if (peer.state() != PeerState.CONNECTED) {
            throw new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, "a second HELLO on the same connection");
        }
        if (!hello.key().equals(options.key())) {
            throw new ProtocolException(
                    ErrorCode.WRONG_KEY, "this is the stream \"" + options.key() + "\", not \"" + hello.key() + "\"");
        }
        if (!options.guests().include(peer.credentials())) {
            long uid = peer.credentials().uid();
            throw new ProtocolException(
                    ErrorCode.NOT_ALLOWED,
                    "user " + uid + " may not subscribe to \"" + options.key()
                            + "\"; start the producer with --allow-user " + uid
                            + ", or with --allow-group and a group of that user's");
        }
        if (hello.role() == Role.OBSERVER) {
            greetObserver(peer, hello);
        } else if (hello.role() == Role.PACKETS) {
            greetReader(peer, hello);
        } else {
            greetSubscriber(peer, hello);
        }
    }

    private void greetObserver(Peer peer, Message.Hello hello) throws ProtocolException {
        if (observers == PublisherOptions.MAX_OBSERVERS) {
            throw new ProtocolException(
                    ErrorCode.TOO_MANY_SUBSCRIBERS, "there are " + observers + " observers already; try again later");
        }
        state.lock.lock();
        try {
            peer.observe(hello);
            observers++;
            peer.send(welcome(0, 0, 0, 0), ringFile.descriptor());
        } finally {
            state.lock.unlock();
        }
    }

    private Message.Welcome welcome(long id, int index, int credits, long packetPageSize) {
        return new Message.Welcome(
                ProtocolVersion.CURRENT,
                Library.NAME,
                state.ring.epoch(),
                ringFile.size(),
                id,
                index,
                credits,
                packetPageSize);
    }

    /** A subscriber of packets. */
    private void greetReader(Peer peer, Message.Hello hello) throws ProtocolException {
        PacketRing packets = state.packets;
        if (packets == null) {
            throw new ProtocolException(
                    ErrorCode.NO_PACKETS,
                    "\"" + options.key()
                            + "\" offers no packets: its frames are not of a camera or a file, or the producer was"
                            + " started with --packet-memory 0");
        }
        state.growth.lock();
        try {
            int index = freeIndex();
            requireRoom(packets);
            SharedFile page;
            try {
                page = SharedFile.create(PacketPage.SIZE + packets.capacity(), SharedFile.Peer.READS_AND_WRITES);
            } catch (IOException e) {
                throw new ProtocolException(ErrorCode.MEMORY_LIMIT, e.getMessage());
            }
            long id = nextId++;
            state.lock.lock();
            try {
                peer.subscribeToPackets(
                        id,
                        index,
                        hello,
                        page,
                        PacketPage.create(page.buffer(), state.ring.epoch(), id),
                        state.ring.subscriber(index),
                        clock.getAsLong() + PublisherOptions.HANDSHAKE_TIMEOUT.toNanos());
                packets.readers.add(peer);
                peer.send(welcome(id, index, 0, page.size()), ringFile.descriptor(), page.descriptor());
                state.showMemory();
            } finally {
                state.lock.unlock();
            }
        } finally {
            state.growth.unlock();
        }
        if (lines.take()) {
            LOG.info("{}: {} subscribes to packets, with {} bytes", options.key(), peer, packets.capacity());
        }
    }

    private void requireRoom(PacketRing packets) throws ProtocolException {
        state.lock.lock();
        try {
            if (packets.readers.size() >= packets.maxReaders()) {
                throw new ProtocolException(
                        ErrorCode.MEMORY_LIMIT,
                        "the packets of one more subscriber, " + packets.capacity()
                                + " bytes, do not fit into the limit of "
                                + options.packetMemory() + " bytes; close one, or start the producer with a larger"
                                + " --packet-memory");
            }
        } finally {
            state.lock.unlock();
        }
    }

    private void greetSubscriber(Peer peer, Message.Hello hello) throws ProtocolException {
        int credits = grant(hello);
        state.growth.lock();
        try {
            int index = freeIndex();
            List<FrameMemory> memories = growFor(credits);
            SharedFile page;
            try {
                page = SharedFile.create(SubscriberPage.SIZE, SharedFile.Peer.READS_AND_WRITES);
            } catch (IOException e) {
                memories.forEach(FrameMemory::close);
                throw new ProtocolException(ErrorCode.MEMORY_LIMIT, e.getMessage());
            }
            long id = nextId++;
            state.lock.lock();
            try {
                peer.subscribe(
                        id,
                        index,
                        hello,
                        credits,
                        page,
                        SubscriberPage.create(page.buffer(), state.ring.epoch(), id),
                        state.ring.subscriber(index),
                        state.pool,
                        clock.getAsLong() + PublisherOptions.HANDSHAKE_TIMEOUT.toNanos());
                state.install(memories);
                state.subscribers.add(peer);
                peer.send(welcome(id, index, credits, 0), ringFile.descriptor(), page.descriptor());
                if (state.pool.config() != null) {
                    peer.sendMemory(state.pool.generation(), state.pool, state.pool.current());
                }
                state.showMemory();
            } finally {
                state.lock.unlock();
            }
        } finally {
            state.growth.unlock();
        }
        if (lines.take()) {
            LOG.info("{}: {} subscribes, {} with {} credits", options.key(), peer, hello.mode(), credits);
        }
    }

    private void requireReachable(Message.Hello hello) throws ProtocolException {
        MemoryKind kind = options.allocator().kind();
        if ((hello.memoryKinds() & kind.bit()) == 0) {
            throw new ProtocolException(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "the frames live in " + kind.label() + " memory, which this subscriber cannot reach: "
                            + (kind == MemoryKind.HOST
                                    ? "let it accept host memory, which every machine has"
                                    : "it has no usable CUDA driver or no GPU, see what doctor says where it runs; or start"
                                            + " the producer with --memory host"));
        }
        long pid = ProcessHandle.current().pid();
        if (kind == MemoryKind.CUDA_IPC && hello.pid() == pid) {
            throw new ProtocolException(
                    ErrorCode.MEMORY_UNREACHABLE,
                    "the frames live in cuda-ipc memory, whose handles carry the producer's process id, and a process"
                            + " with the same id in its own namespace, here " + pid + ", cannot open them (two"
                            + " containers, or one process for both); start the producer with --memory cuda");
        }
    }

    /** How many leases a subscriber may have at a time. */
    private int grant(Message.Hello hello) throws ProtocolException {
        requireReachable(hello);
        if (hello.mode() == DeliveryMode.LOSSLESS && !options.losslessAllowed()) {
            throw new ProtocolException(
                    ErrorCode.LOSSLESS_REFUSED, "this source is live and cannot wait; subscribe with latest or fifo");
        }
        if (hello.mode() == DeliveryMode.FIFO && hello.depth() < 1) {
            throw new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, "a fifo needs a depth of at least 1");
        }
        int credits = hello.credits() > 0
                ? hello.credits()
                : switch (hello.mode()) {
                    case LATEST -> Math.min(DEFAULT_LATEST_CREDITS, options.maxCredits());
                    case FIFO -> hello.depth() < options.maxCredits() ? hello.depth() + 1 : hello.depth();
                    case LOSSLESS -> Math.min(DEFAULT_LOSSLESS_CREDITS, options.maxCredits());
                };
        if (credits > options.maxCredits()) {
            throw new ProtocolException(
                    ErrorCode.TOO_MANY_CREDITS,
                    credits + " credits are more than the " + options.maxCredits()
                            + " that one subscriber may have; ask for fewer, or start the producer with --credits "
                            + credits);
        }
        return credits;
    }

    private int freeIndex() throws ProtocolException {
        state.lock.lock();
        try {
            if (state.subscriberCount() < options.maxSubscribers()) {
                Ring ring = state.ring;
                for (int i = 0; i < ring.subscriberCapacity(); i++) {
                    if (ring.subscriber(i).id() == 0) {
                        return i;
                    }
                }
            }
        } finally {
            state.lock.unlock();
        }
        throw new ProtocolException(
                ErrorCode.TOO_MANY_SUBSCRIBERS,
                "there are " + options.maxSubscribers()
                        + " subscribers already; close one, or start the producer with a larger --max-subscribers");
    }

    /**
     * Memory for a newcomer's credits, where the slots that are there do not suffice. In a crowd somewhat more, since each
     * growth is a message to every subscriber and a mapping of each. Wants the growth lock.
     */
    private List<FrameMemory> growFor(int credits) throws ProtocolException {
        int missing;
        int generous;
        long stride;
        state.lock.lock();
        try {
            if (state.pool.config() == null) {
                return List.of();
            }
            missing = state.slotsNeeded(credits) - state.pool.slots();
            if (missing > state.pool.room()) {
                throw new ProtocolException(
                        ErrorCode.MEMORY_LIMIT, "the ring has no room for " + missing + " more slots; try again later");
            }
            if (missing <= 0) {
                return List.of();
            }
            generous = Math.min(state.pool.room(), Math.max(missing, state.pool.slots() / GROWTH_PART));
            stride = SlotPool.stride(state.pool.config());
        } finally {
            state.lock.unlock();
        }
        try {
            return state.allocate(generous, stride);
        } catch (IOException e) {
            return growExactly(missing, stride);
        }
    }

    private List<FrameMemory> growExactly(int missing, long stride) throws ProtocolException {
        try {
            return state.allocate(missing, stride);
        } catch (IOException e) {
            throw new ProtocolException(ErrorCode.MEMORY_LIMIT, e.getMessage());
        }
    }

    @Override
    public void acknowledge(Peer peer, int generation) throws ProtocolException {
        state.lock.lock();
        try {
            requireSubscriber(peer);
            if (generation < 0 || generation > state.pool.generation()) {
                throw new ProtocolException(
                        ErrorCode.PROTOCOL_VIOLATION, "generation " + generation + " was acknowledged, but never sent");
            }
            if (peer.state() == PeerState.GREETED && generation != 0) {
                throw new ProtocolException(
                        ErrorCode.PROTOCOL_VIOLATION,
                        "generation " + generation + " was acknowledged before ring and page were, with ACK 0");
            }
            long now = clock.getAsLong();
            peer.seen(now);
            if (peer.state() == PeerState.GREETED) {
                peer.activate(now);
                if (peer.packets() == null) {
                    state.deliverNewest(peer, now);
                } else {
                    peer.packets().begin(state.packets.config, state.packets.group);
                    peer.ringIfAsleep();
                    peer.count();
                }
                state.changed.signalAll();
            }
            peer.acknowledged(generation);
        } finally {
            state.lock.unlock();
        }
    }

    @Override
    public void request(Peer peer) throws ProtocolException {
        state.lock.lock();
        try {
            requireSubscriber(peer);
            long now = clock.getAsLong();
            peer.seen(now);
            peer.reclaim(now);
            if (peer.mode() == DeliveryMode.LATEST) {
                state.deliverNewest(peer, now);
            }
            state.changed.signalAll();
        } finally {
            state.lock.unlock();
        }
    }

    private static void requireSubscriber(Peer peer) throws ProtocolException {
        if (!peer.isSubscriber()) {
            throw new ProtocolException(
                    ErrorCode.PROTOCOL_VIOLATION, "only a subscriber that was greeted may say that");
        }
    }

    @Override
    public void tick(long nanos) {
        // whoever holds the lock is about to close what is finished, or has just done so: the next tick is soon enough
        if (state.growth.tryLock()) {
            try {
                state.closeFinished();
            } finally {
                state.growth.unlock();
            }
        }
        state.lock.lock();
        try {
            state.ring.heartbeat(nanos);
            lookAfter(state.subscribers, nanos);
            if (state.packets != null) {
                lookAfter(state.packets.readers, nanos);
            }
            state.showMemory();
        } finally {
            state.lock.unlock();
        }
    }

    private static void lookAfter(List<Peer> peers, long nanos) {
        for (Peer peer : peers) {
            peer.reclaim(nanos);
            peer.count();
        }
    }

    @Override
    public void gone(Peer peer) {
        state.lock.lock();
        try {
            if (peer.state() == PeerState.OBSERVING) {
                observers--;
            }
            boolean subscriber =
                    state.subscribers.remove(peer) || state.packets != null && state.packets.readers.remove(peer);
            peer.leave();
            state.showMemory();
            state.changed.signalAll();
            if (subscriber && lines.take()) {
                LOG.info("{}: {} has left", options.key(), peer);
            }
        } finally {
            state.lock.unlock();
        }
    }
}
