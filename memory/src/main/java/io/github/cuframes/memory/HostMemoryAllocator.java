package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;

/** Allocates host memory as unlinked files on a tmpfs. */
public final class HostMemoryAllocator implements FrameMemoryAllocator {

    private final Path directory;

    /** An allocator in {@link SharedFile#defaultDirectory()}. */
    public HostMemoryAllocator() throws IOException {
        this(SharedFile.defaultDirectory());
    }

    /**
     * An allocator in a directory, from which it removes what a crashed process may have left there.
     *
     * @param directory on a tmpfs; other users must not be able to remove or rename files of this one in it
     * @throws IOException if the directory cannot be read
     */
    public HostMemoryAllocator(Path directory) throws IOException {
        this.directory = directory;
        SharedFile.sweep(directory, Instant.now());
    }

    @Override
    public MemoryKind kind() {
        return MemoryKind.HOST;
    }

    @Override
    public long maxSize() {
        return SharedFile.MAX_SIZE;
    }

    @Override
    public FrameMemory allocate(long size) throws IOException {
        return new HostMemory(SharedFile.create(directory, size, SharedFile.Peer.READS));
    }
}
