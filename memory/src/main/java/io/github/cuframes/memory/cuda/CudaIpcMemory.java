package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Frame memory on a GPU that other processes open by a handle of 64 bytes, the older way: they can write to it, and a
 * process whose pid is the owner's (each as it sees itself) cannot open it.
 *
 * <p>{@link #close()} frees it and so waits for all work of this process on the GPU.
 */
final class CudaIpcMemory implements FrameMemory {

    private final CudaContext context;
    private final long size;
    private final long address;
    private final byte[] handle;
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaIpcMemory(CudaContext context, long size, long address, byte[] handle) {
        this.context = context;
        this.size = size;
        this.address = address;
        this.handle = handle;
    }

    static CudaIpcMemory allocate(CudaContext context, long size) throws CudaException {
        return context.make(() -> allocateCurrent(context, size), CudaIpcMemory::close);
    }

    private static CudaIpcMemory allocateCurrent(CudaContext context, long size) throws CudaException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuMemAlloc(scratch.address(), size),
                "cuMemAlloc",
                "have " + size + " bytes of memory of GPU " + context.device()
                        + "; use fewer or smaller frames, or end other programs on this GPU");
        long address = scratch.getLong(0);
        try {
            VirtualMemory.zero(address, size);
            CudaException.check(
                    Driver.cuIpcGetMemHandle(scratch.address(), address),
                    "cuIpcGetMemHandle",
                    "share GPU memory by a legacy handle; use --memory cuda");
            return new CudaIpcMemory(context, size, address, scratch.getBytes(0, HANDLE_SIZE));
        } catch (CudaException e) {
            Cleanup.after(e, () -> free(address));
            throw e;
        }
    }

    private static void free(long address) throws CudaException {
        CudaException.check(Driver.cuMemFree(address), "cuMemFree", "free GPU memory");
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.CUDA_IPC;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public Optional<FileDescriptor> descriptor() {
        return Optional.empty();
    }

    @Override
    public Optional<byte[]> legacyHandle() {
        return Optional.of(handle.clone());
    }

    @Override
    public Optional<UUID> gpu() {
        return Optional.of(context.device().uuid());
    }

    @Override
    public long deviceAddress() {
        if (closed.get()) {
            throw new IllegalStateException("this GPU memory is closed");
        }
        return address;
    }

    @Override
    public ByteBuffer slice(long offset, long length) {
        throw new UnsupportedOperationException("GPU memory cannot be addressed by the host; copy it, see CudaCopy");
    }

    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            context.enter();
            try {
                free(address);
            } finally {
                context.leave();
            }
        } catch (CudaException e) {
            throw new IllegalStateException("GPU memory cannot be given back: " + e.getMessage(), e);
        }
    }
}
