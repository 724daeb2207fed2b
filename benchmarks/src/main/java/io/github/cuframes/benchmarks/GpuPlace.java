package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaIpcMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.protocol.frame.PixelFormat;
import java.io.IOException;

/**
 * Where a benchmark's own frames live.
 *
 * @param allocator of their memory
 * @param context of the first GPU; null for host memory. Closed with this
 */
record GpuPlace(FrameMemoryAllocator allocator, CudaContext context) implements AutoCloseable {

    private static final int HOST_ALIGNMENT = 64;

    /** Host memory, or memory of the first GPU. */
    static GpuPlace open(Memory memory) throws IOException {
        if (memory == Memory.HOST) {
            return new GpuPlace(new HostMemoryAllocator(), null);
        }
        CudaContext context = retain();
        try {
            return new GpuPlace(
                    memory == Memory.CUDA_IPC ? new CudaIpcMemoryAllocator(context) : new CudaMemoryAllocator(context),
                    context);
        } catch (IOException | RuntimeException e) {
            context.close();
            throw e;
        }
    }

    /** A hold on the first GPU's context. */
    static CudaContext retain() throws IOException {
        return CudaContext.retain(Cuda.device("0"));
    }

    boolean isOnGpu() {
        return context != null;
    }

    /** What a decoder would make there. */
    PixelFormat format() {
        return isOnGpu() ? PixelFormat.NV12 : PixelFormat.YUV420P;
    }

    /** Bytes that rows begin at a multiple of. */
    int pitchAlignment() throws IOException {
        return isOnGpu() ? context.device().attribute(CudaDevice.Attribute.TEXTURE_ALIGNMENT) : HOST_ALIGNMENT;
    }

    @Override
    public void close() {
        if (context != null) {
            context.close();
        }
    }
}
