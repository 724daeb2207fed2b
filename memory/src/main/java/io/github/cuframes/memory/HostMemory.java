package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Frame memory of the host: a {@link SharedFile} that subscribers may read. */
final class HostMemory implements FrameMemory {

    private final SharedFile file;

    HostMemory(SharedFile file) {
        this.file = file;
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.HOST;
    }

    @Override
    public long size() {
        return file.size();
    }

    @Override
    public Optional<FileDescriptor> descriptor() {
        return Optional.of(file.descriptor());
    }

    @Override
    public ByteBuffer slice(long offset, long size) {
        return Slices.of(file.buffer(), offset, size);
    }

    @Override
    public void close() {
        file.close();
    }
}
