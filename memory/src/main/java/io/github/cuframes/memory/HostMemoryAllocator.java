package io.github.cuframes.memory;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;

/** Allocates host memory, each piece a {@link SharedFile} that subscribers may read. */
public final class HostMemoryAllocator implements FrameMemoryAllocator {

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
        return new HostMemory(SharedFile.create(size, SharedFile.Peer.READS));
    }
}
