package io.github.cuframes.subscriber;

import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * GPU memory with a count of who needs it: the connection that brought it, each frame in it that is open, and work of the
 * GPU that has not ended. The last one unmaps it, exactly once; a mapping of the GPU cannot be left to the garbage
 * collector, which does not know what the GPU is reading. Any thread may call any method.
 */
final class GpuMemory {

    private static final Logger LOG = LoggerFactory.getLogger(GpuMemory.class);

    private final GpuReader reader;
    private final long address;
    private final long size;
    private final Runnable unmap;
    private final AtomicInteger users = new AtomicInteger(1);

    /**
     * Counts its maker as its first user.
     *
     * @param reader is held until the memory is unmapped
     * @param address where it begins, for the GPU
     * @param size bytes
     * @param unmap gives it back
     */
    GpuMemory(GpuReader reader, long address, long size, Runnable unmap) {
        this.reader = reader;
        this.address = address;
        this.size = size;
        this.unmap = unmap;
        reader.hold();
    }

    GpuReader reader() {
        return reader;
    }

    long address() {
        return address;
    }

    long size() {
        return size;
    }

    /** Counts one more user; false if it is unmapped already. */
    boolean hold() {
        int now = users.get();
        while (now > 0) {
            if (users.compareAndSet(now, now + 1)) {
                return true;
            }
            now = users.get();
        }
        return false;
    }

    /** Counts one user less. */
    void letGo() {
        if (users.decrementAndGet() == 0) {
            try {
                unmap.run();
            } catch (IllegalStateException e) {
                // the context is broken, and the memory goes with it
                LOG.warn("GPU memory of frames cannot be given back: {}", e.getMessage());
            } finally {
                reader.letGo();
            }
        }
    }
}
