package io.github.cuframes.memory.cuda;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A hold on a device's primary context, the one that CUDA's runtime, FFmpeg and everything else in the process use too:
 * a context of its own would cost half a gigabyte of VRAM more. The context stays while anybody holds it. Any thread may
 * call any method.
 */
public final class CudaContext implements AutoCloseable {

    private static final int SCHEDULE_BLOCKING_SYNC = 4;

    private final CudaDevice device;
    private final long handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaContext(CudaDevice device, long handle) {
        this.device = device;
        this.handle = handle;
    }

    /**
     * Takes hold of a device's primary context, which is made if nobody has it.
     *
     * @return the caller's to close, after everything that was made in it
     */
    public static CudaContext retain(CudaDevice device) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuDevicePrimaryCtxGetState(device.handle(), scratch.at(0), scratch.at(8)),
                "cuDevicePrimaryCtxGetState");
        if (scratch.getInt(8) == 0) {
            // threads that wait sleep instead of spinning, and FFmpeg accepts no other flags; an active one stays as it
            // is
            CudaException.check(
                    Driver.cuDevicePrimaryCtxSetFlags(device.handle(), SCHEDULE_BLOCKING_SYNC),
                    "cuDevicePrimaryCtxSetFlags");
        }
        CudaException.check(
                Driver.cuDevicePrimaryCtxRetain(scratch.at(0), device.handle()),
                "cuDevicePrimaryCtxRetain",
                "use GPU " + device);
        return new CudaContext(device, scratch.getLong(0));
    }

    /** Whose context this is. */
    public CudaDevice device() {
        return device;
    }

    /** The {@code CUcontext}; not to be destroyed. */
    public long handle() {
        return handle;
    }

    /** Makes it the thread's current context until {@link #leave()}; calls nest. */
    void enter() throws CudaException {
        if (closed.get()) {
            throw new IllegalStateException("the context of GPU " + device + " is closed");
        }
        CudaException.check(Driver.cuCtxPushCurrent(handle), "cuCtxPushCurrent");
    }

    /** Gives the thread the context back that it had before {@link #enter()}. */
    void leave() throws CudaException {
        CudaException.check(Driver.cuCtxPopCurrent(Scratch.get().at(504)), "cuCtxPopCurrent");
    }

    /** Bytes of the device's memory that nobody uses at the moment. */
    public long freeMemory() throws CudaException {
        enter();
        try {
            Scratch scratch = Scratch.cleared();
            CudaException.check(Driver.cuMemGetInfo(scratch.at(0), scratch.at(8)), "cuMemGetInfo");
            return scratch.getLong(0);
        } finally {
            leave();
        }
    }

    /** Lets go of the context; a second call does nothing. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            int code = Driver.cuDevicePrimaryCtxRelease(device.handle());
            if (code != Driver.SUCCESS) {
                throw new IllegalStateException("cuDevicePrimaryCtxRelease: " + CudaException.describe(code));
            }
        }
    }
}
