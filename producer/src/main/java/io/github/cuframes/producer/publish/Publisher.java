package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotState;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.protocol.message.ByeReason;
import java.io.IOException;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Offers frames under a key to any number of local processes, each of which reads them where they lie.
 *
 * <pre>{@code
 * try (Publisher publisher = Publisher.builder("cam1").open()) {
 *     publisher.configure(new StreamConfig(layout, new Rational(1, 90_000), rate, Colour.UNSPECIFIED), 1);
 *     Slot slot = publisher.acquire();
 *     fill(slot.buffer());
 *     slot.publish(info);
 *     slot.release();
 * }
 * }</pre>
 *
 * <p><b>Threads.</b> One thread at a time configures, acquires and publishes; any thread releases slots and closes. A
 * thread of the publisher's own serves the control socket.
 *
 * <p><b>Waiting.</b> {@link Slot#publish} never waits for a subscriber, unless it is one with
 * {@link DeliveryMode#LOSSLESS}: then until it releases a frame, leaves, or is cut off after the lossless timeout.
 *
 * <p><b>Memory.</b> There are slots for the writer, the newest frame and each credit of each subscriber, so that the
 * writer finds a free one whatever subscribers do. Slots are added when subscribers come and kept for the next when they
 * leave. A generation's memory goes soon after the last of its frames has been released.
 *
 * <p>The frame path allocates nothing of its own; ringing a doorbell costs some 32 bytes in the socket library.
 */
public final class Publisher implements SlotSource, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Publisher.class);

    private final PublisherOptions options;
    private final SharedFile ringFile;
    private final Ring ring;
    private final RingState state;
    private final ControlLoop control;
    private final LosslessGate lossless;
    private final PacketPublisher packets;

    private long sequence;
    private PublisherCounters last;

    Publisher(PublisherOptions options) throws IOException {
        this.options = options;
        ControlServer server = ControlServer.bind(options.runDirectory().socketOf(options.key()), options.access());
        SharedFile file = null;
        try {
            int slots = options.slotCapacity();
            file = SharedFile.create(Ring.size(slots, options.maxSubscribers()), SharedFile.Peer.READS);
            Instant now = Instant.now();
            ringFile = file;
            ring = Ring.create(
                    file.buffer(),
                    slots,
                    options.maxSubscribers(),
                    newEpoch(),
                    ProcessHandle.current().pid(),
                    TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano(),
                    Library.NAME,
                    options.key());
            ring.heartbeat(System.nanoTime());
            state = new RingState(options, ring, new SlotWriter());
            LogLimit lines = new LogLimit();
            control = new ControlLoop(
                    options.key(),
                    options.maxSubscribers(),
                    server,
                    System::nanoTime,
                    lines,
                    new FrontDesk(state, file, System::nanoTime, lines));
            lossless = new LosslessGate(state, control::wakeup);
            packets = state.packets == null ? null : new PacketPublisher(state, control::wakeup);
            control.start();
        } catch (IOException | RuntimeException e) {
            if (file != null) {
                file.close();
            }
            server.close();
            throw e;
        }
        LOG.info("{}: subscribers connect to {}", options.key(), server.path());
        if (state.packets != null) {
            LOG.info("{}: {}", options.key(), state.packets);
        }
    }

    /** Random, so that no two lives of a publisher share one, whatever the clocks say; never 0. */
    private static long newEpoch() {
        SecureRandom random = new SecureRandom();
        long epoch;
        do {
            epoch = random.nextLong();
        } while (epoch == 0);
        return epoch;
    }

    /**
     * Starts a publisher's configuration.
     *
     * @param key the stream's name, {@code [A-Za-z0-9._-]{1,64}}
     */
    public static PublisherBuilder builder(String key) {
        return new PublisherBuilder(key);
    }

    /** The stream's name. */
    public String key() {
        return options.key();
    }

    /** Where encoded packets are offered; empty unless {@link PublisherBuilder#packetMemory} is given. */
    public Optional<PacketPublisher> packets() {
        return Optional.ofNullable(packets);
    }

    /** What has been published and what it takes; any thread, also after closing. */
    public PublisherCounters counters() {
        state.lock.lock();
        try {
            return state.closed ? last : readCounters();
        } finally {
            state.lock.unlock();
        }
    }

    private PublisherCounters readCounters() {
        return new PublisherCounters(
                sequence,
                ring.lostNoSlot(),
                ring.copied(),
                ring.discontinuities(),
                state.newest == null ? 0 : ring.newestPublishNanos(),
                state.pool.generation(),
                state.pool.slots(),
                state.pool.inUse(),
                state.pool.bytes(),
                state.subscriberCount());
    }

    /** Those who subscribe now, in the order in which they came; any thread. Empty after closing. */
    public List<SubscriberCounters> subscribers() {
        state.lock.lock();
        try {
            return state.subscribers.stream().map(Peer::counters).toList();
        } finally {
            state.lock.unlock();
        }
    }

    @Override
    public void configure(StreamConfig config, int writerSlots) throws IOException {
        Objects.requireNonNull(config, "config");
        if (writerSlots < 1) {
            throw new IllegalArgumentException("a writer needs at least one slot, not " + writerSlots);
        }
        state.growth.lock();
        try {
            int slots;
            state.lock.lock();
            try {
                requireOpen();
                // the old generation goes first, so that the limit bounds both together
                state.pool.startGeneration(config);
                if (state.newest != null) {
                    state.pool.drop(state.newest);
                    state.newest = null;
                }
                state.writerSlots = writerSlots;
                slots = state.slotsNeeded(0);
                if (slots > state.pool.room()) {
                    throw new IOException("the ring has no room for " + slots
                            + " slots; lower --max-subscribers or --credits, or wait until subscribers release theirs");
                }
            } finally {
                state.lock.unlock();
            }
            List<FrameMemory> memories = state.allocate(slots, SlotPool.stride(config));
            long bytes;
            boolean installed = false;
            state.lock.lock();
            try {
                requireOpen();
                ring.configured(state.pool.generation(), options.allocator().kind(), config);
                installed = true;
                state.install(memories);
                slots = state.pool.slots();
                bytes = state.pool.bytes();
            } finally {
                state.lock.unlock();
                if (!installed) {
                    memories.forEach(FrameMemory::close);
                }
            }
            LOG.info(
                    "{}: generation {}: {}x{} {}, {} slots, {} bytes of {} memory in all",
                    options.key(),
                    state.pool.generation(),
                    config.layout().width(),
                    config.layout().height(),
                    config.layout().format().label(),
                    slots,
                    bytes,
                    options.allocator().kind().label());
        } finally {
            state.growth.unlock();
        }
    }

    @Override
    public Slot acquire() {
        state.lock.lock();
        try {
            requireOpen();
            RingSlot slot = state.pool.acquire();
            if (slot == null) {
                state.reclaim(System.nanoTime());
                slot = state.pool.acquire();
            }
            if (slot == null) {
                ring.countLostNoSlot();
            }
            return slot;
        } finally {
            state.lock.unlock();
        }
    }

    @Override
    public boolean leaveOut() {
        return state.leaveOut();
    }

    /**
     * A number that grows at least once a second while the thread works that serves the control socket; any thread. For owners
     * that look whether it hangs, as it may when it gives memory back to a GPU that has failed.
     */
    public long controlTicks() {
        return control.ticks();
    }

    /** Shows observers what the source does; any thread. */
    public void sourceState(SourceState sourceState) {
        state.lock.lock();
        try {
            if (!state.closed) {
                ring.sourceState(sourceState);
            }
        } finally {
            state.lock.unlock();
        }
    }

    private void requireOpen() {
        if (state.closed) {
            throw new IllegalStateException("the publisher of \"" + options.key() + "\" is closed");
        }
    }

    private long publish(RingSlot slot, FrameInfo info, Slot.Idle idle) {
        state.lock.lock();
        try {
            requireOpen();
            if (!slot.heldByWriter || slot.published) {
                throw new IllegalStateException(slot + (slot.published ? " is published already" : " is not acquired"));
            }
            if (!lossless.pass()) {
                return 0;
            }
            requireOpen();
            state.reclaim(System.nanoTime());
            slot.published = true;
            slot.idle = idle;
            slot.sequence = ++sequence;
            state.pool.hold(slot);
            ring.descriptor(slot.index).state(SlotState.PUBLISHED);
            ring.metadata(slot.index)
                    .write(
                            sequence,
                            info.pts(),
                            info.ptsNanos(),
                            info.captureNanos(),
                            info.durationNanos(),
                            slot.generation(),
                            info.flags(),
                            info.lostBefore());
            // an interrupted thread that writes to a channel closes it: the subscribers' sockets are not to suffer
            boolean interrupted = Thread.interrupted();
            try {
                deliver(slot, info.flags());
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
            if (state.newest != null) {
                state.pool.drop(state.newest);
            }
            state.newest = slot;
            state.showMemory();
            return sequence;
        } finally {
            state.lock.unlock();
        }
    }

    /**
     * Prepares all deliveries, stamps the frame, shows it to all with one store each, and only then rings: no subscriber's
     * bookkeeping and no system call for a sleeping one is part of another's latency.
     */
    private void deliver(RingSlot slot, int flags) {
        List<Peer> subscribers = state.subscribers;
        boolean failed = false;
        for (int i = 0; i < subscribers.size(); i++) {
            Peer peer = subscribers.get(i);
            if (peer.state() == PeerState.ACTIVE && !peer.isLost()) {
                peer.prepare(slot);
            }
        }
        long now = System.nanoTime();
        ring.metadata(slot.index).publishNanos(now);
        for (int i = 0; i < subscribers.size(); i++) {
            Peer peer = subscribers.get(i);
            if (peer.lastSequence() == sequence) {
                peer.show(now);
            }
        }
        // after the deliveries: who sees this number finds the frame in its queue, if it was to get it
        ring.published(sequence, now, flags);
        for (int i = 0; i < subscribers.size(); i++) {
            Peer peer = subscribers.get(i);
            if (peer.lastSequence() == sequence) {
                peer.ringIfAsleep();
            }
            peer.count();
            failed |= peer.isLost();
        }
        if (failed) {
            control.wakeup();
        }
    }

    /**
     * Waits until so many subscribers get frames or packets, for a source that is to lose none of them from its first frame on.
     *
     * @return false if the publisher was closed meanwhile
     */
    public boolean awaitSubscribers(int count) throws InterruptedException {
        state.lock.lock();
        try {
            while (!state.closed && state.activeSubscribers() < count) {
                state.changed.await();
            }
            return !state.closed;
        } finally {
            state.lock.unlock();
        }
    }

    /**
     * From now on {@link Slot#publish} does not wait for lossless subscribers: it returns 0 where it would, at once where
     * it does. For an owner that wants its writer to stop; any thread.
     */
    public void stopWaiting() {
        state.lock.lock();
        try {
            lossless.open();
        } finally {
            state.lock.unlock();
        }
    }

    private void releaseByWriter(RingSlot slot) {
        boolean closed;
        state.lock.lock();
        try {
            if (!slot.heldByWriter) {
                throw new IllegalStateException(slot + " was released already");
            }
            slot.heldByWriter = false;
            slot.idle = null;
            state.pool.drop(slot);
            closeRingIfUnused();
            closed = state.closed;
        } finally {
            state.lock.unlock();
        }
        if (closed) {
            // no thread of the publisher's own is there any more to do it
            closeFinished();
        }
    }

    private void closeFinished() {
        state.growth.lock();
        try {
            state.closeFinished();
        } finally {
            state.growth.unlock();
        }
    }

    /**
     * Closes as {@link #close()} does, and tells the subscribers that the source has come to its end. Before that, those of
     * mode latest that have not got the last frame have a second to take it: {@link #close()} from another thread, or an
     * interrupt, ends the wait.
     */
    public void end() {
        end(System.nanoTime() + LastFrame.GRACE_NANOS, System::nanoTime);
    }

    /** The same with time up to {@code deadlineNanos} of a clock, for publishers that come to their end together. */
    public void end(long deadlineNanos, LongSupplier clock) {
        LastFrame.await(state, deadlineNanos, clock);
        close(ByeReason.END_OF_STREAM);
    }

    /**
     * Takes leave of the subscribers and stops listening. What they hold and what was delivered stays readable for
     * them. Slots that the writer still holds may still be written and have to be released. A second call does nothing.
     */
    @Override
    public void close() {
        close(ByeReason.CLOSING);
    }

    private void close(ByeReason reason) {
        state.lock.lock();
        try {
            if (state.closed) {
                return;
            }
            state.closed = true;
            last = readCounters();
            ring.close();
            state.changed.signalAll();
        } finally {
            state.lock.unlock();
        }
        // first the connections, so that leases end; then the memory that nobody here uses any more; the ring last
        control.close(reason);
        state.lock.lock();
        try {
            state.pool.close();
            if (state.newest != null) {
                state.pool.drop(state.newest);
                state.newest = null;
            }
            closeRingIfUnused();
        } finally {
            state.lock.unlock();
        }
        closeFinished();
    }

    /** After closing, the ring is needed until the writer has released its slots. */
    private void closeRingIfUnused() {
        if (state.closed && state.pool.isEmpty()) {
            ringFile.close();
        }
    }

    /** The slots' way back to their publisher. */
    private final class SlotWriter implements RingSlot.Writer {

        @Override
        public long publish(RingSlot slot, FrameInfo info, Slot.Idle idle) {
            return Publisher.this.publish(slot, info, idle);
        }

        @Override
        public void release(RingSlot slot) {
            releaseByWriter(slot);
        }
    }
}
