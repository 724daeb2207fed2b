package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;

/** Allocates memory of a GPU that subscribers open by legacy handles, for those that cannot receive descriptors. */
public final class CudaIpcMemoryAllocator implements FrameMemoryAllocator {

    /** Slabs larger than this bring nothing. */
    private static final long MAX_SIZE = 4L << 30;

    /** The driver takes memory from the GPU in pieces of 2 MiB: asked for those, it cannot take more than is counted. */
    private static final long GRANULARITY = 2L << 20;

    private final CudaContext context;

    /**
     * An allocator on a context's GPU.
     *
     * @param context stays the caller's, to be closed after all memory
     */
    public CudaIpcMemoryAllocator(CudaContext context) {
        this.context = context;
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.CUDA_IPC;
    }

    @Override
    public Optional<UUID> gpu() {
        return Optional.of(context.device().uuid());
    }

    @Override
    public long maxSize() {
        return MAX_SIZE;
    }

    @Override
    public long granularity() {
        return GRANULARITY;
    }

    @Override
    public FrameMemory allocate(long size) throws IOException {
        return CudaIpcMemory.allocate(context, (size + GRANULARITY - 1) / GRANULARITY * GRANULARITY);
    }
}
