package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.CudaException;
import java.io.IOException;

/**
 * Room for the copies of a generation's frames on the GPU that reads: one buffer for each frame that the application may
 * hold. A buffer is one frame's from the copy until the frame is closed, or until the work is done that the frame was
 * released after. Any thread may call any method.
 */
final class CopyBuffers {

    /** The driver gives memory with at least this alignment. */
    private static final long ALIGNMENT = 512;

    private final GpuMemory memory;
    private final long size;
    /** The first {@link #free} are nobody's. */
    private final Buffer[] buffers;

    private int free;

    /**
     * Allocates.
     *
     * @param size bytes of a frame
     * @param count frames
     * @throws IOException if that GPU has no such memory
     */
    CopyBuffers(GpuReader reader, long size, int count) throws IOException {
        long step = (size + ALIGNMENT - 1) & -ALIGNMENT;
        this.memory = reader.allocate(step * count);
        this.size = size;
        this.buffers = new Buffer[count];
        for (int i = 0; i < count; i++) {
            buffers[i] = new Buffer(memory.address() + i * step);
        }
        this.free = count;
    }

    /** Whether there is room for a frame. */
    synchronized boolean hasFree() {
        return free > 0;
    }

    private synchronized Buffer take() {
        return buffers[--free];
    }

    private synchronized void put(Buffer buffer) {
        buffers[free++] = buffer;
    }

    /**
     * Queues the copy of a frame. The lease on its slot ends when the copy is done; until then the slab counts as in use.
     *
     * @param slab held by the caller for this call, which takes the hold over if it succeeds
     * @param from the slot's address
     * @return the frame's until {@link Buffer#giveBack}
     * @throws CudaException if it cannot be copied; nothing has changed then
     */
    Buffer copy(GpuMemory slab, long from, Leases leases, int lease, long delivery) throws CudaException {
        PendingWork pending = memory.reader().pending();
        Buffer buffer = take();
        try {
            PendingWork.Ticket ticket = memory.reader().copy(from, buffer.address, size);
            memory.hold(); // the frame's
            memory.hold(); // the copy's
            pending.onCopied(ticket, slab, leases, lease, delivery, buffer);
            return buffer;
        } catch (CudaException e) {
            put(buffer);
            throw e;
        }
    }

    /** The connection needs it no more. */
    void retire() {
        memory.letGo();
    }

    /** Room for one frame. */
    final class Buffer {

        private final long address;
        /** What is complete when its frame is there; null when it is. Guarded by the reader's {@link PendingWork}. */
        private PendingWork.Ticket copying;

        private Buffer(long address) {
            this.address = address;
        }

        long address() {
            return address;
        }

        GpuMemory memory() {
            return memory;
        }

        /** Makes work that is queued in a stream from now on wait until the frame is there. */
        void awaitOn(long stream) throws CudaException {
            PendingWork pending = memory.reader().pending();
            synchronized (pending) {
                if (copying != null) {
                    copying.makeWait(stream);
                }
            }
        }

        /** Called with the lock of {@link PendingWork} held. */
        void copying(PendingWork.Ticket ticket) {
            copying = ticket;
        }

        /** Called with the lock of {@link PendingWork} held, by a copy that is done, perhaps not the last one. */
        void copied(PendingWork.Ticket ticket) {
            if (copying == ticket) {
                copying = null;
            }
        }

        /** The frame needs it no more. Copies into it are queued in one stream, so that the next one cannot overtake. */
        void giveBack() {
            put(this);
            memory.letGo();
        }
    }
}
