package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.FrameMetadata;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * A lease on one frame: until {@link #close()} its bytes stand still, in the publisher's memory, where everybody reads
 * them. Close it as soon as it is done with: a subscriber has a few leases only, and a held frame is one fewer.
 *
 * <p>Host memory is read through {@link #plane}. Memory of a GPU is read by work on that GPU, from {@link #deviceAddress};
 * {@link #close()} says that all such work is done, {@link #releaseAfter} that it is queued:
 *
 * <pre>
 *   Frame frame = subscriber.next(timeout);
 *   frame.awaitOn(stream);
 *   launchKernel(frame.deviceAddress(0), frame.pitch(0), stream);
 *   frame.releaseAfter(stream);
 * </pre>
 *
 * <p>Any thread may call any method. What describes the frame can be asked for also after closing; pixels cannot. A
 * {@link ByteBuffer} that was got before stays safe to read after closing, but the next frame may be written into it.
 *
 * <p>A frame that is held when its publisher dies stays readable. Closing the subscriber ends the leases of its frames. GPU
 * memory stays mapped while a frame in it is open: one that is forgotten keeps its mapping for the life of the process.
 */
public final class Frame implements AutoCloseable {

    /** Stands for a time that is not known. */
    public static final long NO_TIME = FrameMetadata.NO_TIME;

    private static final VarHandle CLOSED;

    static {
        try {
            CLOSED = MethodHandles.lookup().findVarHandle(Frame.class, "closed", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Leases leases;
    private final SlotView slot;
    private final int lease;
    private final long delivery;

    private final long epoch;
    private final long sequence;
    private final long pts;
    private final long ptsNanos;
    private final long captureNanos;
    private final long publishNanos;
    private final long durationNanos;
    private final int flags;
    private final int lostBefore;
    private final boolean breaksStream;
    /** Where the frame was copied to, or null. */
    private final CopyBuffers.Buffer copy;

    private volatile boolean closed;

    Frame(
            Leases leases,
            SlotView slot,
            int lease,
            long delivery,
            long epoch,
            FrameMetadata metadata,
            boolean breaksStream,
            CopyBuffers.Buffer copy) {
        this.leases = leases;
        this.slot = slot;
        this.lease = lease;
        this.delivery = delivery;
        this.epoch = epoch;
        this.sequence = metadata.sequence();
        this.pts = metadata.pts();
        this.ptsNanos = metadata.ptsNanos();
        this.captureNanos = metadata.captureNanos();
        this.publishNanos = metadata.publishNanos();
        this.durationNanos = metadata.durationNanos();
        this.flags = metadata.flags();
        this.lostBefore = metadata.lostBefore();
        this.breaksStream = breaksStream;
        this.copy = copy;
    }

    private Frame(Frame other) {
        this.leases = other.leases;
        this.slot = other.slot;
        this.lease = other.lease;
        this.delivery = other.delivery;
        this.epoch = other.epoch;
        this.sequence = other.sequence;
        this.pts = other.pts;
        this.ptsNanos = other.ptsNanos;
        this.captureNanos = other.captureNanos;
        this.publishNanos = other.publishNanos;
        this.durationNanos = other.durationNanos;
        this.flags = other.flags;
        this.lostBefore = other.lostBefore;
        this.breaksStream = other.breaksStream;
        this.copy = other.copy;
    }

    /** Number of the frame in its epoch: 1, 2, 3 … */
    public long sequence() {
        return sequence;
    }

    /** The publisher's life that the frame is of. */
    public long epoch() {
        return epoch;
    }

    /** Grows with each change of size, format or source in an epoch, from 1. */
    public int generation() {
        return slot.generation();
    }

    /** Presentation time in ticks of {@link #timeBase()}, or {@link #NO_TIME}. */
    public long pts() {
        return pts;
    }

    /** Presentation time in nanoseconds, or {@link #NO_TIME}. */
    public long ptsNanos() {
        return ptsNanos;
    }

    /** Wall clock of the camera in nanoseconds since 1970-01-01 UTC, or {@link #NO_TIME}. */
    public long captureNanos() {
        return captureNanos;
    }

    /** CLOCK_MONOTONIC at publication in nanoseconds; on this machine comparable with {@link System#nanoTime()}. */
    public long publishNanos() {
        return publishNanos;
    }

    /** For how long to show the frame, in nanoseconds; 0 when unknown. */
    public long durationNanos() {
        return durationNanos;
    }

    /** The bits of {@link FrameFlag}; unknown ones may be set. */
    public int flags() {
        return flags;
    }

    /** Whether a flag is set. */
    public boolean has(FrameFlag flag) {
        return flag.in(flags);
    }

    /** Frames that the publisher knows it lost just before this one. */
    public int lostBefore() {
        return lostBefore;
    }

    /**
     * Whether time or content may not go on from the frame that this subscriber got before: a flag DISCONTINUITY on
     * this frame or on one that was skipped, or another publisher's first frame.
     */
    public boolean breaksStream() {
        return breaksStream;
    }

    /** Columns to be shown. */
    public int width() {
        return slot.config().layout().width();
    }

    /** Rows to be shown. */
    public int height() {
        return slot.config().layout().height();
    }

    /** How the samples lie. */
    public PixelFormat format() {
        return slot.config().layout().format();
    }

    /** Where the bytes are. */
    public MemoryKind memoryKind() {
        return slot.kind();
    }

    /** How samples become light. */
    public Colour colour() {
        return slot.config().colour();
    }

    /** Seconds of one tick of {@link #pts()}. */
    public Rational timeBase() {
        return slot.config().timeBase();
    }

    /** Frames a second as the source announces them, or unknown. */
    public Rational frameRate() {
        return slot.config().frameRate();
    }

    /** Planes of the format. */
    public int planeCount() {
        return slot.config().layout().planes().size();
    }

    /** Bytes from one row of a plane to the next. */
    public int pitch(int plane) {
        return slot.pitch(plane);
    }

    /** Rows of a plane. */
    public int rows(int plane) {
        return slot.rows(plane);
    }

    /** Bytes of one row of a plane that carry samples. */
    public int rowBytes(int plane) {
        return slot.rowBytes(plane);
    }

    /**
     * The bytes of a plane in place, read-only, from its first sample to its last; row r begins at {@code r * pitch}.
     *
     * @return a new buffer, little-endian, position 0
     * @throws IndexOutOfBoundsException if the format has no such plane
     * @throws UnsupportedOperationException if the frame is in a GPU's memory; {@link #download} copies it
     * @throws IllegalStateException if the lease has ended: closed, detached, the subscriber closed, or the publisher cut
     *     it off
     */
    public ByteBuffer plane(int plane) {
        requireLease();
        if (slot.memory() != null) {
            throw new UnsupportedOperationException(
                    "frame " + sequence + " is in " + memoryKind().label()
                            + " memory, which the host cannot read; read it on GPU-"
                            + memory().reader().gpu()
                            + " (deviceAddress), or copy it with download");
        }
        return slot.plane(plane);
    }

    private void requireLease() {
        if (closed) {
            throw new IllegalStateException("frame " + sequence + " is closed; its memory may hold another by now");
        }
        if (leases.areRevoked()) {
            throw new IllegalStateException("the lease on frame " + sequence
                    + " ended with its connection; close frames before the subscriber");
        }
    }

    /** What the frame lies in, on the GPU that reads it; null for host memory. */
    private GpuMemory memory() {
        return copy == null ? slot.memory() : copy.memory();
    }

    /** The GPU on which the frame can be read; empty for host memory. */
    public Optional<UUID> gpu() {
        return memory() == null
                ? Optional.empty()
                : Optional.of(memory().reader().gpu());
    }

    /**
     * Where a plane's first sample is for work on {@link #gpu()}, as a {@code CUdeviceptr} of its primary context; row r
     * begins {@code r * pitch} bytes after it. Reading is all that is allowed: work that writes there fails where the memory
     * is of kind CUDA, and damages what others read where it is CUDA_IPC. Call {@link #awaitOn} before.
     *
     * @throws IndexOutOfBoundsException if the format has no such plane
     * @throws UnsupportedOperationException if the frame is in host memory
     * @throws IllegalStateException if the lease has ended, see {@link #plane}
     */
    public long deviceAddress(int plane) {
        requireLease();
        if (slot.memory() == null) {
            throw new UnsupportedOperationException(
                    "frame " + sequence + " is in host memory, which has no device address; read it with plane");
        }
        return (copy == null ? slot.address() : copy.address()) + slot.offset(plane);
    }

    /**
     * Makes work that is queued in a stream from now on see the whole frame; returns at once. A publisher shows a frame when it
     * is finished, so that this has something to wait for only where this process copies frames to its own GPU ({@link
     * SubscriberBuilder#copyToMyGpu}), and then only for that copy: never for another process. Does nothing for host memory.
     *
     * @param stream a {@code CUstream} of the primary context of {@link #gpu()}; 0 is the default stream
     * @throws IllegalStateException if the lease has ended, see {@link #plane}
     * @throws SubscriberException if the driver says no, as it does if this is no such stream
     */
    public void awaitOn(long stream) {
        requireLease();
        if (copy != null) {
            try {
                copy.awaitOn(stream);
            } catch (CudaException e) {
                throw failed("cannot be waited for in stream 0x" + Long.toHexString(stream), e);
            }
        }
    }

    /**
     * Closes the frame for the application at once; its lease ends when all work is done that is queued in a stream by now.
     * Does not wait: an event of this process is recorded, and polled. If the connection ends before, nothing is lost. For
     * host memory this is {@link #close()}.
     *
     * @param stream a {@code CUstream} of the primary context of {@link #gpu()}; 0 is the default stream
     * @throws IllegalStateException if the frame is closed already
     * @throws SubscriberException if the driver says no, as it does if this is no such stream; the frame stays open then
     */
    public void releaseAfter(long stream) {
        PendingWork pending = memory() == null ? null : memory().reader().pending();
        PendingWork.Ticket ticket = null;
        if (pending != null) {
            // while this runs, a close by another thread could take away what the event is of
            if (!memory().hold()) {
                throw closedAlready();
            }
            try {
                ticket = pending.mark(stream);
            } catch (CudaException e) {
                throw failed("cannot be released after stream 0x" + Long.toHexString(stream), e);
            } finally {
                if (ticket == null) {
                    memory().letGo();
                }
            }
        }
        boolean mine = CLOSED.compareAndSet(this, false, true);
        if (pending == null && mine) {
            end();
        } else if (mine) {
            leases.letGo();
            if (copy == null) {
                pending.onRead(ticket, slot.memory(), leases, lease, delivery);
            } else {
                pending.onBufferRead(ticket, copy);
            }
            memory().letGo();
        } else {
            if (pending != null) {
                pending.putBack(ticket);
                memory().letGo();
            }
            throw closedAlready();
        }
    }

    private IllegalStateException closedAlready() {
        return new IllegalStateException("frame " + sequence + " is closed already");
    }

    private SubscriberException failed(String what, CudaException e) {
        return new SubscriberException("frame " + sequence + " " + what + ": " + e.getMessage(), null, e);
    }

    /** {@link #download(int, int, int, ByteBuffer, int)} of a whole plane, without gaps between its rows. */
    public void download(int plane, ByteBuffer target) {
        download(plane, 0, rows(plane), target, rowBytes(plane));
    }

    /**
     * Copies rows of a plane to host memory, from wherever they are, and waits for that. Needs no stream of the application's
     * and waits for none; for pictures, tools and tests, not for a fast path.
     *
     * @param firstRow 0 for the plane's first
     * @param rowCount at least 1
     * @param target a direct buffer, which is written from its position on; position and limit stay
     * @param pitch bytes from row to row in it, at least {@link #rowBytes}
     * @throws IndexOutOfBoundsException if the plane or the rows do not exist
     * @throws IllegalArgumentException if the target is not direct, is read-only or too small, or the pitch is
     * @throws IllegalStateException if the lease has ended, see {@link #plane}
     * @throws SubscriberException if the driver cannot copy
     */
    public void download(int plane, int firstRow, int rowCount, ByteBuffer target, int pitch) {
        int rowBytes = rowBytes(plane);
        Objects.checkFromIndexSize(firstRow, rowCount, rows(plane));
        long needed = (long) pitch * (rowCount - 1) + rowBytes;
        if (rowCount == 0
                || pitch < rowBytes
                || !target.isDirect()
                || target.isReadOnly()
                || target.remaining() < needed) {
            throw new IllegalArgumentException("downloading " + rowCount + " rows of " + rowBytes + " bytes, one each "
                    + pitch + ", needs at least one row, a pitch of a row and a direct, writable buffer of " + needed
                    + " bytes; " + target + " was given");
        }
        if (slot.memory() == null) {
            ByteBuffer source = plane(plane);
            for (int row = 0; row < rowCount; row++) {
                target.put(target.position() + row * pitch, source, (firstRow + row) * pitch(plane), rowBytes);
            }
            return;
        }
        GpuMemory memory = memory();
        if (!memory.hold()) { // so that a close by another thread does not unmap what is being copied
            throw closedAlready();
        }
        try {
            long from = deviceAddress(plane) + (long) firstRow * pitch(plane);
            memory.reader().download(from, pitch(plane), target, pitch, rowBytes, rowCount, copy);
        } catch (CudaException e) {
            throw failed("cannot be downloaded", e);
        } finally {
            memory.letGo();
        }
    }

    /**
     * Takes the lease over into a new object; this one is closed then, and closing it does nothing. For keeping a frame
     * beyond a handler's return or a {@code try} block.
     *
     * @return the same frame, the caller's to close
     * @throws IllegalStateException if this frame is closed
     */
    public Frame detach() {
        if (!CLOSED.compareAndSet(this, false, true)) {
            throw new IllegalStateException("frame " + sequence + " is closed and cannot be kept");
        }
        return new Frame(this);
    }

    /**
     * Ends the lease; a second call does nothing. Work of a GPU that reads the frame must be done by now, see {@link
     * #releaseAfter}.
     */
    @Override
    public void close() {
        if (CLOSED.compareAndSet(this, false, true)) {
            end();
        }
    }

    private void end() {
        leases.letGo();
        if (copy != null) {
            copy.giveBack(); // the slot's lease ends with the copy
            return;
        }
        leases.giveBack(lease, delivery);
        if (slot.memory() != null) {
            slot.memory().letGo();
        }
    }

    @Override
    public String toString() {
        return "frame " + sequence + " (" + width() + "x" + height() + " " + format().label() + ")";
    }
}
