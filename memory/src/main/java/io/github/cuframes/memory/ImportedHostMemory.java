package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.nio.ByteBuffer;

/** Another process's {@link HostMemory}. */
final class ImportedHostMemory implements ImportedMemory {

    private final ImportedFile file;

    ImportedHostMemory(ImportedFile file) {
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
    public ByteBuffer slice(long offset, long size) {
        return Slices.of(file.buffer(), offset, size);
    }

    @Override
    public void close() {
        file.close();
    }
}
