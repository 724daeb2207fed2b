package io.github.cuframes.subscriber;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
import io.github.cuframes.memory.cuda.ImportedCudaMemory;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a connection needs of the GPU: contexts, streams and events. It is counted like {@link GpuMemory}, by the connection
 * and by each memory, so that things end in this order: frames, memory, events and streams, contexts. Any thread may call
 * any method.
 */
final class GpuReader {

    private static final Logger LOG = LoggerFactory.getLogger(GpuReader.class);

    private final GpuChoice choice;
    private final CudaContext mapping;
    /** The same as {@link #mapping} unless frames are copied. */
    private final CudaContext reading;

    private final PendingWork pending;
    private final AtomicInteger users = new AtomicInteger(1);

    /** Frames are copied in it; null if they are not. */
    private final CudaStream copies;

    /** Guards what follows: downloads come one after the other. */
    private final Object downloading = new Object();

    private final CudaCopy download;
    private CudaStream downloads;

    private GpuReader(GpuChoice choice, CudaContext mapping, CudaContext reading, CudaStream copies) {
        this.choice = choice;
        this.mapping = mapping;
        this.reading = reading;
        this.copies = copies;
        this.pending = new PendingWork(reading);
        this.download = new CudaCopy(reading);
    }

    /** Takes hold of the contexts. The caller is its first user. */
    static GpuReader open(GpuChoice choice) throws CudaException {
        CudaContext mapping = CudaContext.retain(choice.mapped());
        if (!choice.isCopying()) {
            return new GpuReader(choice, mapping, mapping, null);
        }
        CudaContext reading = null;
        try {
            reading = CudaContext.retain(choice.reading());
            return new GpuReader(choice, mapping, reading, CudaStream.create(reading));
        } catch (CudaException e) {
            if (reading != null) {
                end("context", reading);
            }
            end("context", mapping);
            throw e;
        }
    }

    GpuChoice choice() {
        return choice;
    }

    /** The GPU that the application reads with. */
    UUID gpu() {
        return choice.reading().uuid();
    }

    PendingWork pending() {
        return pending;
    }

    /**
     * Maps a slab of kind CUDA.
     *
     * @param descriptor closed by this call, whether it succeeds or not
     */
    GpuMemory map(FileDescriptor descriptor, long size) throws IOException {
        return counted(ImportedCudaMemory.map(mapping, descriptor, size));
    }

    /** Opens a slab of kind CUDA_IPC. */
    GpuMemory open(byte[] legacyHandle, long size) throws IOException {
        return counted(ImportedCudaMemory.open(mapping, legacyHandle, size));
    }

    private GpuMemory counted(ImportedCudaMemory slab) {
        return new GpuMemory(this, slab.deviceAddress(), slab.size(), slab::close);
    }

    /** Memory of the GPU that reads, for copies. */
    GpuMemory allocate(long size) throws IOException {
        try {
            FrameMemory memory = new CudaMemoryAllocator(reading).allocate(size);
            return new GpuMemory(this, memory.deviceAddress(), memory.size(), memory::close);
        } catch (CudaUnavailableException e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * Queues a copy from the GPU that the frames lie on to the one that reads.
     *
     * @return what is complete when the copy is
     */
    PendingWork.Ticket copy(long from, long to, long size) throws CudaException {
        CudaCopy.acrossDevices(mapping, from, reading, to, size, copies.handle());
        try {
            return pending.mark(copies.handle());
        } catch (CudaException e) {
            try {
                copies.synchronize(); // it reads a slot and writes a buffer that are given to others next
            } catch (CudaException broken) {
                e.addSuppressed(broken);
            }
            throw e;
        }
    }

    /**
     * Copies rows to host memory and waits for it, in a stream of its own, which waits for no other work.
     *
     * @param copy what the rows come out of and may still be written into, or null
     */
    void download(
            long from, long fromPitch, ByteBuffer to, long toPitch, long rowBytes, long rows, CopyBuffers.Buffer copy)
            throws CudaException {
        synchronized (downloading) {
            if (downloads == null) {
                downloads = CudaStream.create(reading);
            }
            if (copy != null) {
                copy.awaitOn(downloads.handle());
            }
            download.toHost(from, fromPitch, to, toPitch, rowBytes, rows, downloads.handle());
        }
    }

    /** Counts one more user; whoever calls it is one or knows one. */
    void hold() {
        users.getAndIncrement();
    }

    /** Counts one user less; the last one ends everything. */
    void letGo() {
        if (users.decrementAndGet() > 0) {
            return;
        }
        pending.close();
        synchronized (downloading) {
            if (downloads != null) {
                end("stream", downloads);
            }
        }
        if (copies != null) {
            end("stream", copies);
            end("context", reading);
        }
        end("context", mapping);
    }

    /** Ends something of the driver's; what fails is said and keeps nothing else from ending. */
    static void end(String what, AutoCloseable thing) {
        try {
            thing.close();
        } catch (Exception e) {
            LOG.warn("a {} of the GPU cannot be given back: {}", what, e.getMessage());
        }
    }
}
