package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaEvent;
import io.github.cuframes.memory.cuda.CudaException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work of this process's GPU whose end gives something back: a lease, a buffer. Each piece is marked by an event of this
 * process, which is polled, by {@link Subscriber#next} and by {@link PendingPoller}; nobody waits. Events are used again, so
 * that a frame costs none. Any thread may call any method.
 *
 * <p>Whatever breaks a context is reported by each query from then on; what was waited for counts as done then, because it
 * never will be, and nobody else shall wait for it.
 */
final class PendingWork {

    private static final Logger LOG = LoggerFactory.getLogger(PendingWork.class);

    /** What the end of a piece of work gives back. */
    private enum Ending {
        /** The lease on a slot whose frame was released after the work. */
        LEASE,
        /** The lease on a slot that was copied. */
        COPY,
        /** The buffer of a copied frame that was released after the work. */
        BUFFER
    }

    /** An event, and what to do when it is complete. */
    static final class Ticket {
        private final CudaEvent event;
        private Ending ending;
        private GpuMemory memory;
        private Leases leases;
        private int lease;
        private long delivery;
        private CopyBuffers.Buffer buffer;
        private boolean broken;

        Ticket(CudaEvent event) {
            this.event = event;
        }

        void makeWait(long stream) throws CudaException {
            event.makeWait(stream);
        }

        private void clear() {
            ending = null;
            memory = null;
            leases = null;
            buffer = null;
        }
    }

    private final CudaContext context;
    private final ArrayDeque<Ticket> unused = new ArrayDeque<>();
    private final List<Ticket> waiting = new ArrayList<>();
    /** Size of {@link #waiting}. */
    private volatile int count;

    /** Whether {@link PendingPoller} looks at this; its own. */
    boolean watched;

    PendingWork(CudaContext context) {
        this.context = context;
    }

    /**
     * Marks the end of what is queued in a stream now.
     *
     * @return to be given to one of the methods here
     * @throws CudaException if this is no stream of the context, or the context is broken
     */
    Ticket mark(long stream) throws CudaException {
        Ticket ticket;
        synchronized (this) {
            ticket = unused.poll();
        }
        if (ticket == null) {
            ticket = new Ticket(CudaEvent.create(context));
        }
        try {
            ticket.event.record(stream);
            return ticket;
        } catch (CudaException e) {
            putBack(ticket);
            throw e;
        }
    }

    /** Nothing is to be done when this one is complete. */
    synchronized void putBack(Ticket ticket) {
        unused.push(ticket);
    }

    /**
     * Ends a lease when the work is done.
     *
     * @param slab held until then by the hold that the caller had
     */
    void onRead(Ticket ticket, GpuMemory slab, Leases leases, int lease, long delivery) {
        ticket.ending = Ending.LEASE;
        ticket.memory = slab;
        ticket.leases = leases;
        ticket.lease = lease;
        ticket.delivery = delivery;
        add(ticket);
    }

    /** Ends the lease on a slot when it is copied into a buffer; takes over a hold on both memories. */
    void onCopied(Ticket ticket, GpuMemory slab, Leases leases, int lease, long delivery, CopyBuffers.Buffer buffer) {
        ticket.ending = Ending.COPY;
        ticket.memory = slab;
        ticket.leases = leases;
        ticket.lease = lease;
        ticket.delivery = delivery;
        ticket.buffer = buffer;
        synchronized (this) {
            buffer.copying(ticket);
        }
        add(ticket);
    }

    /** Gives a buffer back when the work is done; takes over the frame's hold on it. */
    void onBufferRead(Ticket ticket, CopyBuffers.Buffer buffer) {
        ticket.ending = Ending.BUFFER;
        ticket.buffer = buffer;
        add(ticket);
    }

    private void add(Ticket ticket) {
        synchronized (this) {
            waiting.add(ticket);
            count = waiting.size();
        }
        PendingPoller.SHARED.watch(this);
    }

    /** Whether nothing is waited for. */
    boolean isEmpty() {
        return count == 0;
    }

    /** Looks which work is done, and gives back what it used. Cheap when nothing is waited for. */
    void poll() {
        while (count > 0) {
            Ticket done = takeComplete();
            if (done == null) {
                return;
            }
            finish(done);
        }
    }

    private synchronized Ticket takeComplete() {
        for (int i = 0; i < waiting.size(); i++) {
            Ticket ticket = waiting.get(i);
            if (isComplete(ticket)) {
                waiting.remove(i);
                count = waiting.size();
                if (ticket.ending == Ending.COPY) {
                    ticket.buffer.copied(ticket);
                }
                return ticket;
            }
        }
        return null;
    }

    private static boolean isComplete(Ticket ticket) {
        try {
            return ticket.event.isComplete();
        } catch (CudaException e) {
            LOG.warn(
                    "the GPU's work on a frame has failed ({}); its lease ends, and this process may need a new start",
                    e.getMessage());
            ticket.broken = true;
            return true;
        }
    }

    private void finish(Ticket ticket) {
        Ending ending = ticket.ending;
        GpuMemory slab = ticket.memory;
        CopyBuffers.Buffer buffer = ticket.buffer;
        try {
            if (ending != Ending.BUFFER) {
                ticket.leases.giveBack(ticket.lease, ticket.delivery);
            }
        } finally {
            ticket.clear();
            // before memory is let go: with the last one this pool ends, and has to have all of its events
            if (ticket.broken) {
                GpuReader.end("event", ticket.event);
            } else {
                putBack(ticket);
            }
            switch (ending) {
                case LEASE -> slab.letGo();
                case COPY -> {
                    slab.letGo();
                    buffer.memory().letGo();
                }
                default -> buffer.giveBack();
            }
        }
    }

    /** Destroys the events; nothing is waited for any more, since whatever waits holds memory, which holds this. */
    synchronized void close() {
        for (Ticket ticket = unused.poll(); ticket != null; ticket = unused.poll()) {
            GpuReader.end("event", ticket.event);
        }
    }
}
