package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.UUID;

/**
 * One allocation that holds the slots of a ring, on its owner's side. Any thread may call any method; {@link #close()}
 * is the owner's, once it knows that nobody in this process uses a slice any more. What other processes mapped stays
 * valid until they let go of it.
 */
public interface FrameMemory extends AutoCloseable {

    /** Where the bytes are. */
    MemoryKind kind();

    /** Bytes. */
    long size();

    /**
     * What a subscriber is sent so that it can map the memory; empty for a kind that is named otherwise (a legacy CUDA
     * handle). It stays this object's: sending it does not close it.
     */
    Optional<FileDescriptor> descriptor();

    /** Bytes of a legacy CUDA handle. */
    int HANDLE_SIZE = 64;

    /** The legacy CUDA handle by which a subscriber opens the memory, {@link #HANDLE_SIZE} bytes; empty for other kinds. */
    default Optional<byte[]> legacyHandle() {
        return Optional.empty();
    }

    /** The GPU that it lies on; empty for host memory. */
    default Optional<UUID> gpu() {
        return Optional.empty();
    }

    /**
     * Where the memory begins for work on its GPU, as a {@code CUdeviceptr}.
     *
     * @throws UnsupportedOperationException if it is not on a GPU
     * @throws IllegalStateException after {@link #close()}
     */
    default long deviceAddress() {
        throw new UnsupportedOperationException(kind().label() + " memory has no device address");
    }

    /**
     * A part of the memory as this process may write it.
     *
     * @param offset bytes from the beginning
     * @param size bytes
     * @return a new buffer with position 0 and limit {@code size}
     * @throws IndexOutOfBoundsException if the part is not inside the memory
     * @throws UnsupportedOperationException if the host cannot address this kind of memory
     * @throws IllegalStateException after {@link #close()}
     */
    ByteBuffer slice(long offset, long size);

    /** Gives the memory back as far as this process is concerned. A second call does nothing. */
    @Override
    void close();
}
