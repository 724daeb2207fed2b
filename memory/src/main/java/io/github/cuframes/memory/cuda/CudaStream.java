package io.github.cuframes.memory.cuda;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A queue of work on a GPU. Work in one stream is done in order; this kind waits for no other stream, not for the default
 * one either. Any thread may queue work.
 */
public final class CudaStream implements AutoCloseable {

    private static final int NON_BLOCKING = 1;

    private final CudaContext context;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaStream(CudaContext context, long handle) {
        this.context = context;
        this.handle = handle;
    }

    /** A new stream in a context, the caller's to close before the context. */
    public static CudaStream create(CudaContext context) throws CudaException {
        return context.make(
                () -> {
                    Scratch scratch = Scratch.cleared();
                    CudaException.check(
                            Driver.cuStreamCreate(scratch.address(), NON_BLOCKING), "cuStreamCreate", "make a stream");
                    return new CudaStream(context, scratch.getLong(0));
                },
                CudaStream::close);
    }

    /** The context that it is of. */
    public CudaContext context() {
        return context;
    }

    /**
     * The {@code CUstream}.
     *
     * @throws IllegalStateException after {@link #close()}
     */
    public long handle() {
        if (closed.get()) {
            throw new IllegalStateException("this stream is closed");
        }
        return handle;
    }

    /** Waits until all that is queued is done; only for streams whose work depends on nobody else. */
    public void synchronize() throws CudaException {
        context.enter();
        try {
            CudaException.check(
                    Driver.cuStreamSynchronize(handle()), "cuStreamSynchronize", "wait for the end of a stream's work");
        } finally {
            context.leave();
        }
    }

    /** Work queued here from now on begins after what this process's event was recorded after. */
    public void await(CudaEvent event) throws CudaException {
        event.makeWait(handle());
    }

    /**
     * Destroys it; what is queued is still done. A second call does nothing.
     *
     * @throws IllegalStateException if the driver refuses
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            try {
                context.enter();
                try {
                    CudaException.check(Driver.cuStreamDestroy(handle), "cuStreamDestroy", "destroy it");
                } finally {
                    context.leave();
                }
            } catch (CudaException e) {
                throw new IllegalStateException("a stream cannot be given back: " + e.getMessage(), e);
            }
        }
    }
}
