package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.util.Optional;
import java.util.UUID;

/** Where a publisher gets its frame memory from. Any thread may call it. */
public interface FrameMemoryAllocator {

    /** What is allocated here. */
    MemoryKind kind();

    /** The GPU that it is allocated on; empty for host memory. */
    default Optional<UUID> gpu() {
        return Optional.empty();
    }

    /** The most bytes that one allocation may have; a ring that needs more is made of several. */
    long maxSize();

    /** Sizes are rounded up to a multiple of so many bytes, and a writer's limits count what is really taken. */
    default long granularity() {
        return 1;
    }

    /**
     * Allocates memory that is there in full: using it later cannot fail for want of memory.
     *
     * @param size bytes, positive
     * @return zeroed memory of this size, rounded up to {@link #granularity()}; the caller's to close
     * @throws IOException if it cannot be had; names the bytes wanted, what bounds them and the remedy
     */
    FrameMemory allocate(long size) throws IOException;
}
