package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Memory that looks as if it lay on a GPU, without one: files in host memory behind made-up device addresses. */
final class FakeGpuAllocator implements FrameMemoryAllocator {

    static final UUID GPU = UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");

    final AtomicInteger allocated = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    final AtomicLong bytes = new AtomicLong();
    final AtomicLong mostBytes = new AtomicLong();
    final NavigableMap<Long, Memory> byAddress = new ConcurrentSkipListMap<>();

    /** Called by each memory that is closed, before anything else. */
    volatile Runnable whenClosing = () -> {};

    private final MemoryKind kind;
    private final long granularity;
    private final long maxSize;
    private final AtomicLong nextAddress = new AtomicLong(0x7f00_0000_0000L);

    FakeGpuAllocator(MemoryKind kind, long granularity) {
        this(kind, granularity, 1L << 30);
    }

    FakeGpuAllocator(MemoryKind kind, long granularity, long maxSize) {
        this.kind = kind;
        this.granularity = granularity;
        this.maxSize = maxSize;
    }

    @Override
    public MemoryKind kind() {
        return kind;
    }

    @Override
    public Optional<UUID> gpu() {
        return Optional.of(GPU);
    }

    @Override
    public long maxSize() {
        return maxSize;
    }

    @Override
    public long granularity() {
        return granularity;
    }

    @Override
    public FrameMemory allocate(long size) throws IOException {
        long rounded = (size + granularity - 1) / granularity * granularity;
        long address = nextAddress.getAndAdd(rounded + (1L << 30));
        Memory memory =
                new Memory(address, allocated.incrementAndGet(), SharedFile.create(rounded, SharedFile.Peer.READS));
        byAddress.put(address, memory);
        long now = bytes.addAndGet(rounded);
        mostBytes.accumulateAndGet(now, Math::max);
        return memory;
    }

    /** What a kernel would do: fills memory at a device address. */
    void fill(long address, long size, int value) {
        Memory memory = byAddress.floorEntry(address).getValue();
        ByteBuffer all = memory.file.buffer();
        for (long i = address - memory.address, end = i + size; i < end; i++) {
            all.put((int) i, (byte) value);
        }
    }

    static byte[] handle(int number) {
        byte[] handle = new byte[FrameMemory.HANDLE_SIZE];
        Arrays.fill(handle, (byte) (0x40 + number));
        return handle;
    }

    final class Memory implements FrameMemory {

        final long address;
        final int number;
        private final SharedFile file;
        private final AtomicInteger closings = new AtomicInteger();

        private Memory(long address, int number, SharedFile file) {
            this.address = address;
            this.number = number;
            this.file = file;
        }

        @Override
        public MemoryKind kind() {
            return kind;
        }

        @Override
        public long size() {
            return file.size();
        }

        @Override
        public Optional<FileDescriptor> descriptor() {
            return kind == MemoryKind.CUDA ? Optional.of(file.descriptor()) : Optional.empty();
        }

        @Override
        public Optional<byte[]> legacyHandle() {
            return kind == MemoryKind.CUDA_IPC ? Optional.of(handle(number)) : Optional.empty();
        }

        @Override
        public Optional<UUID> gpu() {
            return Optional.of(GPU);
        }

        @Override
        public long deviceAddress() {
            if (closings.get() > 0) {
                throw new IllegalStateException("closed");
            }
            return address;
        }

        @Override
        public ByteBuffer slice(long offset, long size) {
            throw new UnsupportedOperationException("GPU memory has no slices");
        }

        @Override
        public void close() {
            whenClosing.run();
            if (closings.incrementAndGet() > 1) {
                throw new IllegalStateException("closed twice");
            }
            closed.incrementAndGet();
            bytes.addAndGet(-file.size());
            file.close();
        }
    }
}
