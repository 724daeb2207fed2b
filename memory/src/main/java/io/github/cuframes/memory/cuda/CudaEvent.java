package io.github.cuframes.memory.cuda;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A mark in a stream of this process. Never shared with another: a stream that waits for an event whose process died waits
 * for ever, see {@code docs/decisions}. One thread at a time.
 */
public final class CudaEvent implements AutoCloseable {

    private static final int BLOCKING_SYNC = 1;
    private static final int DISABLE_TIMING = 2;

    private final CudaContext context;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaEvent(CudaContext context, long handle) {
        this.context = context;
        this.handle = handle;
    }

    /** A new event, complete until it is recorded; the caller's to close before the context. */
    public static CudaEvent create(CudaContext context) throws CudaException {
        return context.make(
                () -> {
                    Scratch scratch = Scratch.cleared();
                    CudaException.check(
                            Driver.cuEventCreate(scratch.address(), BLOCKING_SYNC | DISABLE_TIMING),
                            "cuEventCreate",
                            "make an event");
                    return new CudaEvent(context, scratch.getLong(0));
                },
                CudaEvent::close);
    }

    /** The driver may crash on a handle that it knows no more. */
    private long open() {
        if (closed.get()) {
            throw new IllegalStateException("this event is closed");
        }
        return handle;
    }

    /**
     * Marks where a stream's queue ends at this moment.
     *
     * @param stream a {@code CUstream} of this event's context; 0 is the default stream
     */
    public void record(long stream) throws CudaException {
        context.enter();
        try {
            CudaException.check(Driver.cuEventRecord(open(), stream), "cuEventRecord", "mark the end of queued work");
        } finally {
            context.leave();
        }
    }

    /** Whether the work before the mark is done. Never waits. */
    public boolean isComplete() throws CudaException {
        int code = Driver.cuEventQuery(open());
        if (code == Driver.NOT_READY) {
            return false;
        }
        CudaException.check(code, "cuEventQuery", "see whether queued work is done");
        return true;
    }

    /** Sleeps until the work before the mark is done. */
    public void synchronize() throws CudaException {
        context.enter();
        try {
            CudaException.check(Driver.cuEventSynchronize(open()), "cuEventSynchronize", "wait for queued work");
        } finally {
            context.leave();
        }
    }

    /**
     * Work queued in a stream from now on begins after what this event was recorded after. Does not wait itself.
     *
     * @param stream a {@code CUstream} of this event's device; 0 is the default stream
     */
    public void makeWait(long stream) throws CudaException {
        context.enter();
        try {
            CudaException.check(
                    Driver.cuStreamWaitEvent(stream, open(), 0), "cuStreamWaitEvent", "queue work behind other work");
        } finally {
            context.leave();
        }
    }

    /**
     * Destroys it; a second call does nothing.
     *
     * @throws IllegalStateException if the driver refuses
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                context.enter();
                try {
                    CudaException.check(Driver.cuEventDestroy(handle), "cuEventDestroy", "destroy it");
                } finally {
                    context.leave();
                }
            } catch (CudaException e) {
                throw new IllegalStateException("an event cannot be given back: " + e.getMessage(), e);
            }
        }
    }
}
