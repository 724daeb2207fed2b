package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;

/** Allocates memory of a GPU that subscribers are sent descriptors of and map read-only. */
public final class CudaMemoryAllocator implements FrameMemoryAllocator {

    /** Slabs larger than this bring nothing. */
    private static final long MAX_SIZE = 4L << 30;

    private final CudaContext context;
    private final long granularity;

    /**
     * An allocator on a context's GPU.
     *
     * @param context stays the caller's, to be closed after all memory
     * @throws CudaUnavailableException if this GPU or driver cannot share memory as descriptors; says what can be used
     */
    public CudaMemoryAllocator(CudaContext context) throws CudaException, CudaUnavailableException {
        CudaDevice device = context.device();
        if (device.attribute(CudaDevice.Attribute.VIRTUAL_MEMORY_SUPPORTED) == 0
                || device.attribute(CudaDevice.Attribute.POSIX_DESCRIPTOR_SUPPORTED) == 0) {
            throw new CudaUnavailableException("GPU " + device
                    + " cannot share memory as file descriptors (virtual-memory API); use --memory cuda-ipc or host");
        }
        this.context = context;
        this.granularity = VirtualMemory.granularity(device);
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.CUDA;
    }

    @Override
    public Optional<UUID> gpu() {
        return Optional.of(context.device().uuid());
    }

    @Override
    public long maxSize() {
        return MAX_SIZE;
    }

    /** What the GPU allocates, 2 MiB as a rule. */
    @Override
    public long granularity() {
        return granularity;
    }

    @Override
    public FrameMemory allocate(long size) throws IOException {
        return CudaMemory.allocate(context, (size + granularity - 1) / granularity * granularity);
    }
}
