package io.github.cuframes.producer;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaIpcMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where one producer's frames live, resolved: the memory, and the hold on the GPU's context that it needs. */
final class FramePlace implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(FramePlace.class);

    private final FrameMemoryAllocator allocator;
    private final CudaContext context;
    private final String description;

    private FramePlace(FrameMemoryAllocator allocator, CudaContext context, String description) {
        this.allocator = allocator;
        this.context = context;
        this.description = description;
    }

    /**
     * Finds the place that was asked for.
     *
     * @param gpu number or UUID; null is the first GPU
     * @throws CudaUnavailableException if GPU memory was asked for and cannot be had; says why
     */
    static FramePlace find(Memory wanted, String gpu) throws IOException {
        if (wanted == Memory.HOST) {
            return host("as told");
        }
        if (wanted == Memory.AUTO && gpu == null) {
            Optional<String> unavailable = Cuda.unavailable();
            if (unavailable.isPresent()) {
                return host(unavailable.get());
            }
            try {
                return onGpu(Memory.CUDA, "0");
            } catch (IOException e) {
                LOG.warn("there is a GPU, and frames live in host memory all the same: {}", e.getMessage());
                return host(e.getMessage());
            }
        }
        return onGpu(wanted, gpu == null ? "0" : gpu);
    }

    private static FramePlace host(String why) throws IOException {
        return new FramePlace(new HostMemoryAllocator(), null, "host memory (" + why + ")");
    }

    private static FramePlace onGpu(Memory wanted, String gpu) throws IOException {
        CudaDevice device = Cuda.device(gpu);
        CudaContext context = CudaContext.retain(device);
        try {
            FrameMemoryAllocator allocator =
                    wanted == Memory.CUDA_IPC ? new CudaIpcMemoryAllocator(context) : new CudaMemoryAllocator(context);
            return new FramePlace(allocator, context, allocator.kind().label() + " memory of GPU " + device);
        } catch (IOException | RuntimeException e) {
            context.close();
            throw e;
        }
    }

    FrameMemoryAllocator allocator() {
        return allocator;
    }

    /** The GPU's context; null for host memory. */
    CudaContext context() {
        return context;
    }

    @Override
    public String toString() {
        return description;
    }

    /** Lets go of the GPU, once all frame memory is closed. A GPU that has failed is a line in the log. */
    @Override
    public void close() {
        if (context != null) {
            try {
                context.close();
            } catch (IllegalStateException e) {
                LOG.warn("GPU {} was not let go: {}", context.device(), e.getMessage());
            }
        }
    }
}
