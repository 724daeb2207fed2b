package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.FrameMetadata;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * A lease on one frame: until {@link #close()} its bytes stand still, in the publisher's memory, where everybody reads
 * them. Close it as soon as it is done with: a subscriber has a few leases only, and a held frame is one fewer.
 *
 * <p>Any thread may call any method. What describes the frame can be asked for also after closing; pixels cannot. A
 * {@link ByteBuffer} that was got before stays safe to read after closing, but the next frame may be written into it.
 *
 * <p>A frame that is held when its publisher dies stays readable. Closing the subscriber ends the leases of its frames.
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

    private volatile boolean closed;

    Frame(
            Leases leases,
            SlotView slot,
            int lease,
            long delivery,
            long epoch,
            FrameMetadata metadata,
            boolean breaksStream) {
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
     * @throws IllegalStateException if the lease has ended: closed, detached, the subscriber closed, or the publisher cut
     *     it off
     */
    public ByteBuffer plane(int plane) {
        if (closed) {
            throw new IllegalStateException("frame " + sequence + " is closed; its memory may hold another by now");
        }
        if (leases.areRevoked()) {
            throw new IllegalStateException("the lease on frame " + sequence
                    + " ended with its connection; close frames before the subscriber");
        }
        return slot.plane(plane);
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

    /** Ends the lease; a second call does nothing. */
    @Override
    public void close() {
        if (CLOSED.compareAndSet(this, false, true)) {
            leases.release(lease, delivery);
        }
    }

    @Override
    public String toString() {
        return "frame " + sequence + " (" + width() + "x" + height() + " " + format().label() + ")";
    }
}
