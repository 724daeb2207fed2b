package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Frame memory on a GPU, of the virtual-memory API: other processes get a file descriptor and can map it read-only. It
 * lives until its owner and all who imported it have let go.
 *
 * <p>{@link #close()} does not wait for the GPU: whoever queued work on it has seen that work done before.
 */
final class CudaMemory implements FrameMemory {

    private final CudaContext context;
    private final long size;
    private final long address;
    private final FileDescriptor descriptor;
    private final AtomicBoolean closed = new AtomicBoolean();

    private CudaMemory(CudaContext context, long size, long address, FileDescriptor descriptor) {
        this.context = context;
        this.size = size;
        this.address = address;
        this.descriptor = descriptor;
    }

    /** Allocates, maps and zeroes; {@code size} is a multiple of the granularity. */
    static CudaMemory allocate(CudaContext context, long size) throws IOException {
        return context.make(
                () -> {
                    long handle = VirtualMemory.create(context.device(), size);
                    // mapping and descriptor keep the memory
                    return Cleanup.making(
                            () -> share(context, handle, size), () -> VirtualMemory.release(handle), CudaMemory::close);
                },
                CudaMemory::close);
    }

    private static CudaMemory share(CudaContext context, long handle, long size) throws IOException {
        long address = VirtualMemory.map(handle, size, context.device(), true);
        try {
            VirtualMemory.zero(address, size);
            FileDescriptor descriptor = Descriptors.adopt(VirtualMemory.export(handle));
            return new CudaMemory(context, size, address, descriptor);
        } catch (IOException | RuntimeException e) {
            Cleanup.after(e, () -> VirtualMemory.unmap(address, size));
            throw e;
        }
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.CUDA;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public Optional<FileDescriptor> descriptor() {
        return Optional.of(descriptor);
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
        Descriptors.close(descriptor);
        try {
            context.enter();
            try {
                VirtualMemory.unmap(address, size);
            } finally {
                context.leave();
            }
        } catch (CudaException e) {
            throw new IllegalStateException("GPU memory cannot be given back: " + e.getMessage(), e);
        }
    }
}
