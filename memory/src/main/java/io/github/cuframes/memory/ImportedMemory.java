package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Another process's frame memory, mapped read-only. Any thread may call any method. */
public interface ImportedMemory extends AutoCloseable {

    /** Where the bytes are. */
    MemoryKind kind();

    /** Bytes. */
    long size();

    /**
     * A part of the memory, read-only.
     *
     * @param offset bytes from the beginning
     * @param size bytes
     * @return a new buffer with position 0 and limit {@code size}; stays readable after {@link #close()}
     * @throws IndexOutOfBoundsException if the part is not inside the memory
     * @throws UnsupportedOperationException if the host cannot address this kind of memory
     * @throws IllegalStateException after {@link #close()}
     */
    ByteBuffer slice(long offset, long size);

    /**
     * Where the memory begins for work on the GPU that it was mapped for, as a {@code CUdeviceptr}.
     *
     * @throws UnsupportedOperationException if it is not on a GPU
     * @throws IllegalStateException after {@link #close()}
     */
    default long deviceAddress() {
        throw new UnsupportedOperationException(kind().label() + " memory has no device address");
    }

    /** Lets go of the memory; host memory is unmapped when the last slice is garbage. A second call does nothing. */
    @Override
    void close();

    /**
     * Maps memory that a publisher sent.
     *
     * @param kind what the publisher says it is
     * @param descriptor what came with it; closed by this call, whether it succeeds or not
     * @param size the bytes that the publisher says it has
     * @throws IOException if this version cannot map that kind, or the descriptor is not what it is said to be
     */
    static ImportedMemory map(MemoryKind kind, FileDescriptor descriptor, long size) throws IOException {
        switch (kind) {
            case HOST:
                return new ImportedHostMemory(ImportedFile.readOnly(descriptor, size));
            default:
                Descriptors.close(descriptor);
                throw new IOException("frames in " + kind.label()
                        + " memory cannot be mapped by this version; start the producer with --memory host");
        }
    }
}
