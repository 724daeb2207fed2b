package io.github.cuframes.memory.cuda;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Another process's GPU memory as work on this process's GPU reads it. Unlike host memory it is unmapped at {@link
 * #close()}, so that its owner closes it when no lease on a slot is left and all work on them is done.
 */
public final class ImportedCudaMemory implements ImportedMemory {

    private static final int LAZY_PEER_ACCESS = 1;

    private final CudaContext context;
    private final MemoryKind kind;
    private final long size;
    private final long address;
    /** Undoes what made the memory readable, in the current context. */
    private final Cleanup.Step undo;

    private final AtomicBoolean closed = new AtomicBoolean();

    private ImportedCudaMemory(CudaContext context, MemoryKind kind, long size, long address, Cleanup.Step undo) {
        this.context = context;
        this.kind = kind;
        this.size = size;
        this.address = address;
        this.undo = undo;
    }

    /**
     * Maps memory of kind CUDA, read-only: work that writes to it fails with CUDA_ERROR_INVALID_VALUE.
     *
     * @param context of the GPU that is to read it, which may be another than the one it lies on
     * @param descriptor what came with it; closed by this call, whether it succeeds or not
     * @param size bytes, as the publisher says
     * @throws IOException if the descriptor is not GPU memory of that size, or this GPU cannot reach it
     */
    public static ImportedCudaMemory map(CudaContext context, FileDescriptor descriptor, long size) throws IOException {
        try {
            return context.make(
                    () -> {
                        long handle = VirtualMemory.adopt(Descriptors.number(descriptor));
                        return Cleanup.making(
                                () -> mapped(context, handle, size),
                                () -> VirtualMemory.release(handle),
                                ImportedCudaMemory::close);
                    },
                    ImportedCudaMemory::close);
        } finally {
            Descriptors.close(descriptor);
        }
    }

    private static ImportedCudaMemory mapped(CudaContext context, long handle, long size) throws CudaException {
        long address = VirtualMemory.map(handle, size, context.device(), false);
        return new ImportedCudaMemory(
                context, MemoryKind.CUDA, size, address, () -> VirtualMemory.unmap(address, size));
    }

    /**
     * Opens memory of kind CUDA_IPC.
     *
     * @param context of the GPU that is to read it
     * @param handle 64 bytes that name the allocation
     * @param size bytes, as the publisher says
     * @throws IOException if it cannot be opened; explains the rule of equal pids where that is why
     */
    public static ImportedCudaMemory open(CudaContext context, byte[] handle, long size) throws IOException {
        Driver.IpcHandle byValue = new Driver.IpcHandle();
        System.arraycopy(handle, 0, byValue.reserved, 0, byValue.reserved.length);
        return context.make(() -> opened(context, byValue, size), ImportedCudaMemory::close);
    }

    private static ImportedCudaMemory opened(CudaContext context, Driver.IpcHandle handle, long size)
            throws IOException {
        Scratch scratch = Scratch.cleared();
        int code = Driver.cuIpcOpenMemHandle(scratch.address(), handle, LAZY_PEER_ACCESS);
        String purpose = "open the producer's GPU memory"
                + (code == Driver.INVALID_CONTEXT
                        ? ": a legacy handle cannot be opened by a process whose pid, as it sees itself, is the"
                                + " producer's (the usual case of two containers); start the producer with --memory cuda"
                        : "");
        CudaException.check(code, "cuIpcOpenMemHandle", purpose);
        long address = scratch.getLong(0);
        Cleanup.Step undo =
                () -> CudaException.check(Driver.cuIpcCloseMemHandle(address), "cuIpcCloseMemHandle", "close it");
        try {
            requireSize(address, size);
        } catch (IOException e) {
            Cleanup.after(e, undo);
            throw e;
        }
        return new ImportedCudaMemory(context, MemoryKind.CUDA_IPC, size, address, undo);
    }

    /** A handle opens a whole allocation, whatever the publisher says of its size; beyond its end the GPU would fault. */
    private static void requireSize(long address, long size) throws IOException {
        Scratch scratch = Scratch.cleared();
        CudaException.check(
                Driver.cuMemGetAddressRange(scratch.at(0), scratch.at(8), address),
                "cuMemGetAddressRange",
                "find out the size of the producer's GPU memory");
        long present = scratch.getLong(0) + scratch.getLong(8) - address;
        if (size <= 0 || present < size) {
            throw new IOException("the GPU memory opened has " + present + " bytes where " + size
                    + " were announced; the producer does not keep to the protocol");
        }
    }

    @Override
    public MemoryKind kind() {
        return kind;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public long deviceAddress() {
        if (closed.get()) {
            throw new IllegalStateException("this imported GPU memory is closed");
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
                undo.run();
            } finally {
                context.leave();
            }
        } catch (CudaException e) {
            throw new IllegalStateException("imported GPU memory cannot be unmapped: " + e.getMessage(), e);
        }
    }
}
