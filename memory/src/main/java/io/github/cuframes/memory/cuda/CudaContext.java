package io.github.cuframes.memory.cuda;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A hold on a device's primary context, the one that CUDA's runtime, FFmpeg and everything else in the process use too:
 * a context of its own would cost half a gigabyte of VRAM more. The context stays while anybody holds it. Any thread may
 * call any method.
 */
public final class CudaContext implements AutoCloseable {

    private static final int SCHEDULE_BLOCKING_SYNC = 4;

    private final CudaDevice device;
    private final long handle;
    private final String purpose; // ready, because every frame enters the context
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaContext(CudaDevice device, long handle) {
        this.device = device;
        this.handle = handle;
        this.purpose = purpose(device);
    }

    private static String purpose(CudaDevice device) {
        return "use GPU " + device;
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
                "cuDevicePrimaryCtxGetState",
                "see whether GPU " + device + " is in use");
        if (scratch.getInt(8) == 0) {
            // threads that wait sleep instead of spinning, and FFmpeg accepts no other flags; an active one stays as it
            // is
            CudaException.check(
                    Driver.cuDevicePrimaryCtxSetFlags(device.handle(), SCHEDULE_BLOCKING_SYNC),
                    "cuDevicePrimaryCtxSetFlags",
                    "make waiting threads of GPU " + device + " sleep");
        }
        CudaException.check(
                Driver.cuDevicePrimaryCtxRetain(scratch.at(0), device.handle()),
                "cuDevicePrimaryCtxRetain",
                purpose(device));
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
        CudaException.check(Driver.cuCtxPushCurrent(handle), "cuCtxPushCurrent", purpose);
    }

    /** Gives the thread the context back that it had before {@link #enter()}. */
    void leave() throws CudaException {
        CudaException.check(
                Driver.cuCtxPopCurrent(Scratch.get().at(504)), "cuCtxPopCurrent", "go back to the thread's own GPU");
    }

    /**
     * Makes something in this context.
     *
     * @param undo takes back what was made, where the thread cannot be given its own context back
     */
    <T, E extends IOException> T make(Cleanup.Maker<T, E> maker, Consumer<T> undo) throws E, CudaException {
        enter();
        return Cleanup.making(maker, this::leave, undo);
    }

    /** Bytes of the device's memory that nobody uses at the moment. */
    public long freeMemory() throws CudaException {
        enter();
        try {
            Scratch scratch = Scratch.cleared();
            CudaException.check(
                    Driver.cuMemGetInfo(scratch.at(0), scratch.at(8)), "cuMemGetInfo", "ask for the free memory");
            return scratch.getLong(0);
        } finally {
            leave();
        }
    }

    /**
     * Lets go of the context; a second call does nothing.
     *
     * @throws IllegalStateException if the driver refuses
     */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            int code = Driver.cuDevicePrimaryCtxRelease(device.handle());
            if (code != Driver.SUCCESS) {
                throw new IllegalStateException("cannot let go of GPU " + device + " (cuDevicePrimaryCtxRelease: "
                        + CudaException.describe(code) + ")");
            }
        }
    }
}
