package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.PeerCredentials;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.ProtocolException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * One connection on the publisher's side: its state, what it asked for, its page and its leases. Guarded by the
 * publisher's lock; the control thread alone receives and closes.
 */
final class Peer {

    private static final ByteBuffer DOORBELL = direct(MessageCodec.encode(new Message.Doorbell(), 0));

    private final ControlConnection connection;
    private final PeerCredentials credentials;
    private final ByteBuffer doorbell = DOORBELL.duplicate();

    private PeerState state = PeerState.CONNECTED;
    private long deadlineNanos;
    /** Set under the lock, read by the control thread without it. */
    private volatile ProtocolException failure;

    /** A message could not be sent: the other end is gone. Set under the lock, read by the control thread without it. */
    private volatile boolean disconnected;

    private long id;
    private int index = -1;
    private String name = "";
    private DeliveryMode mode;
    private int credits;
    private SharedFile pageFile;
    private SubscriberPage page;
    private SubscriberSlot account;
    private Leases leases;
    /** Of a subscriber of packets, which has neither page nor leases; else null. */
    private PacketQueue packets;

    private long lastSequence;
    private long dropped;
    private long lastSeenNanos;
    private long waitedSinceNanos;
    private boolean waitedFor;

    Peer(ControlConnection connection, PeerCredentials credentials, long deadlineNanos) {
        this.connection = connection;
        this.credentials = credentials;
        this.deadlineNanos = deadlineNanos;
    }

    private static ByteBuffer direct(ByteBuffer heap) {
        return ByteBuffer.allocateDirect(heap.remaining()).put(heap).flip().asReadOnlyBuffer();
    }

    ControlConnection connection() {
        return connection;
    }

    PeerCredentials credentials() {
        return credentials;
    }

    PeerState state() {
        return state;
    }

    int index() {
        return index;
    }

    DeliveryMode mode() {
        return mode;
    }

    int credits() {
        return credits;
    }

    Leases leases() {
        return leases;
    }

    PacketQueue packets() {
        return packets;
    }

    long lastSequence() {
        return lastSequence;
    }

    /** Why the control thread is to cut it off, or null. */
    ProtocolException failure() {
        return failure;
    }

    /** Whether the other end was found to be gone. */
    boolean isDisconnected() {
        return disconnected;
    }

    /** Whether the control thread is about to close it: nothing more is to be done for it. */
    boolean isLost() {
        return failure != null || disconnected;
    }

    /** Notes why the connection has to end; the first reason stays. */
    void fail(ErrorCode code, String why) {
        if (failure == null) {
            failure = new ProtocolException(code, why);
        }
    }

    /** The one place where the state changes. */
    void become(PeerState next) {
        if (!state.canBecome(next)) {
            throw new IllegalStateException("a connection cannot go from " + state + " to " + next);
        }
        state = next;
        if (account != null && next != PeerState.GONE) {
            account.state(next);
        }
    }

    /** Makes it a subscriber. */
    void subscribe(
            long subscriberId,
            int tableIndex,
            Message.Hello hello,
            int granted,
            SharedFile file,
            SubscriberPage subscriberPage,
            SubscriberSlot slot,
            SlotPool pool,
            long deadline) {
        id = subscriberId;
        index = tableIndex;
        name = hello.printableName();
        mode = hello.mode();
        credits = granted;
        pageFile = file;
        page = subscriberPage;
        account = slot;
        leases = new Leases(subscriberPage, pool, granted);
        deadlineNanos = deadline;
        account.open(id, (int) credentials.pid(), (int) credentials.uid(), mode, hello.depth(), granted, name);
        become(PeerState.GREETED);
    }

    /** Makes it a subscriber of packets. */
    void subscribeToPackets(
            long subscriberId,
            int tableIndex,
            Message.Hello hello,
            SharedFile file,
            PacketPage packetPage,
            SubscriberSlot slot,
            long deadline) {
        id = subscriberId;
        index = tableIndex;
        name = hello.printableName();
        pageFile = file;
        packets = new PacketQueue(packetPage);
        account = slot;
        deadlineNanos = deadline;
        account.openForPackets(id, (int) credentials.pid(), (int) credentials.uid(), name);
        become(PeerState.GREETED);
    }

    void observe(Message.Hello hello) {
        name = hello.printableName();
        become(PeerState.OBSERVING);
    }

    boolean isSubscriber() {
        return account != null;
    }

    boolean isPastDeadline(long nanos) {
        return (state == PeerState.CONNECTED || state == PeerState.GREETED) && deadlineNanos - nanos < 0;
    }

    void activate(long nanos) {
        become(PeerState.ACTIVE);
        lastSeenNanos = nanos;
    }

    void acknowledged(int generation) {
        account.generation(generation);
    }

    void seen(long nanos) {
        lastSeenNanos = nanos;
    }

    /** Looks at the page for ended leases or packets that were read; a page that breaks the protocol is a failure. */
    void reclaim(long nanos) {
        try {
            if (packets == null ? leases.reclaim(nanos) > 0 : packets.reclaim()) {
                lastSeenNanos = nanos;
            }
        } catch (ProtocolException e) {
            fail(e.code(), e.getMessage());
        }
    }

    /** Prepares a delivery if there is a credit, else counts what is dropped. Whether {@link #show} is due. */
    boolean prepare(RingSlot slot) {
        if (!leases.hasCredit()) {
            dropped++;
            return false;
        }
        leases.prepare(slot);
        lastSequence = slot.sequence;
        return true;
    }

    /** Shows the delivery that was prepared. */
    void show(long nanos) {
        leases.show(nanos);
    }

    /** Rings if the page says that the subscriber sleeps. */
    void ringIfAsleep() {
        try {
            if (packets == null ? page.sleeping() : packets.sleeping()) {
                doorbell.clear();
                if (!connection.trySend(doorbell)) {
                    fail(ErrorCode.TOO_SLOW, "the subscriber does not read its messages");
                }
            }
        } catch (IOException e) {
            disconnected = true;
        }
    }

    /** Says in the page that the writer waits for this subscriber, and looks once more. */
    void startWait(long nanos) {
        if (!waitedFor) {
            waitedFor = true;
            waitedSinceNanos = nanos;
        }
        page.publisherWaits(true);
        reclaim(nanos);
    }

    void endWait() {
        if (waitedFor) {
            waitedFor = false;
            page.publisherWaits(false);
        }
    }

    long waitedSinceNanos() {
        return waitedSinceNanos;
    }

    /** Shows the counters to observers. */
    void count() {
        if (packets != null) {
            account.count(packets.delivered(), 0, packets.dropped(), packets.lastSequence(), lastSeenNanos, 0);
            return;
        }
        account.count(leases.delivered(), leases.released(), dropped, lastSequence, lastSeenNanos, leases.held());
    }

    /** What {@link #count()} shows, and more. */
    SubscriberCounters counters() {
        return new SubscriberCounters(
                id,
                name,
                credentials.pid(),
                credentials.uid(),
                mode,
                credits,
                leases.delivered(),
                leases.released(),
                dropped,
                leases.held(),
                lastSequence,
                lastSeenNanos,
                leases.releaseNanos());
    }

    /** Of a subscriber of packets. */
    PacketSubscriberCounters packetCounters() {
        return new PacketSubscriberCounters(
                id,
                name,
                credentials.pid(),
                credentials.uid(),
                packets.delivered(),
                packets.dropped(),
                packets.lastSequence(),
                packets.unread(),
                packets.capacity(),
                lastSeenNanos);
    }

    /** Sends the slabs in as many messages as their descriptors need; a peer that does not read fails. */
    void sendMemory(int generation, SlotPool pool, List<Slab> slabs) {
        for (int from = 0; from < slabs.size(); from += MessageCodec.MAX_DESCRIPTORS) {
            List<Slab> part = slabs.subList(from, Math.min(slabs.size(), from + MessageCodec.MAX_DESCRIPTORS));
            Message.Memory message = new Message.Memory(
                    generation,
                    part.get(0).memory().kind(),
                    part.get(0).memory().gpu(),
                    pool.config(),
                    part.stream()
                            .map(slab ->
                                    new Message.Slab(slab.id(), slab.memory().size()))
                            .toList());
            send(
                    message,
                    part.stream()
                            .flatMap(slab -> slab.memory().descriptor().stream())
                            .toArray(FileDescriptor[]::new));
        }
    }

    void send(Message message, FileDescriptor... descriptors) {
        try {
            if (!connection.trySend(direct(MessageCodec.encode(message, descriptors.length)), descriptors)) {
                fail(ErrorCode.TOO_SLOW, "the peer does not read its messages");
            }
        } catch (IOException e) {
            disconnected = true;
        }
    }

    /** Ends the leases and frees the place in the table; the page goes with its last mapping. */
    void leave() {
        become(PeerState.GONE);
        if (account != null) {
            if (leases != null) {
                leases.endAll();
            }
            account.close();
            pageFile.close();
        }
    }

    @Override
    public String toString() {
        return (name.isEmpty() ? "client" : name) + " (pid " + credentials.pid() + ", uid " + credentials.uid() + ")";
    }
}
