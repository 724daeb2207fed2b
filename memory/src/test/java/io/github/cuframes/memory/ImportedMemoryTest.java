package io.github.cuframes.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // closing early is what is tested
class ImportedMemoryTest {

    private static final int SIZE = 1 << 16;

    @TempDir
    Path directory;

    private FrameMemory memory;

    @BeforeEach
    void allocate() throws IOException {
        memory = new HostMemoryAllocator().allocate(SIZE);
    }

    @AfterEach
    void free() {
        memory.close();
    }

    private FileDescriptor sent() throws IOException {
        return Descriptors.duplicate(memory.descriptor().orElseThrow());
    }

    @Test
    void showsTheOwnersBytesReadOnly() throws IOException {
        FileDescriptor descriptor = sent();
        try (ImportedMemory imported = ImportedMemory.map(MemoryKind.HOST, descriptor, SIZE)) {
            assertFalse(descriptor.valid());
            assertEquals(MemoryKind.HOST, imported.kind());
            assertEquals(SIZE, imported.size());
            ByteBuffer slice = imported.slice(4096, 16);
            memory.slice(4100, 4).put(0, (byte) 42);
            assertEquals(42, slice.get(4));
            assertEquals(16, slice.remaining());
            assertThrows(ReadOnlyBufferException.class, () -> slice.put(0, (byte) 1));
            imported.close();
            assertThrows(IllegalStateException.class, () -> imported.slice(0, 1));
            assertEquals(42, slice.get(4));
        }
    }

    @Test
    void slicesLieInside() throws IOException {
        assertEquals(SIZE, memory.slice(0, SIZE).remaining());
        assertThrows(IndexOutOfBoundsException.class, () -> memory.slice(1, SIZE));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.slice(-1, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> memory.slice(1L << 32, 1));
        try (ImportedMemory imported = ImportedMemory.map(MemoryKind.HOST, sent(), SIZE)) {
            assertThrows(IndexOutOfBoundsException.class, () -> imported.slice(Long.MAX_VALUE, Long.MAX_VALUE));
        }
    }

    @Test
    void refusesAndClosesWhatIsNotAsAnnounced() throws IOException {
        assertRefused(MemoryKind.HOST, sent(), SIZE + 1, SIZE + " bytes where " + (SIZE + 1));
        assertRefused(MemoryKind.HOST, sent(), 0, "0 bytes");
        assertRefused(MemoryKind.HOST, sent(), 1L << 40, "1099511627776 bytes");
        Path unsealed = Files.createTempFile(Path.of("/dev/shm"), "cuframes-", ".unsealed");
        try {
            Files.write(unsealed, new byte[SIZE]);
            assertRefused(MemoryKind.HOST, new FileInputStream(unsealed.toFile()).getFD(), SIZE, "F_SEAL_SHRINK");
        } finally {
            Files.delete(unsealed);
        }
        Path onDisk = Files.write(directory.resolve("file"), new byte[SIZE]);
        assertRefused(MemoryKind.HOST, new FileInputStream(onDisk.toFile()).getFD(), SIZE, "F_SEAL_SHRINK");
        assertRefused(MemoryKind.HOST, new FileInputStream("/dev/zero").getFD(), SIZE, "no regular file");
        assertRefused(MemoryKind.CUDA, sent(), SIZE, "--memory host");
    }

    private static void assertRefused(MemoryKind kind, FileDescriptor descriptor, long size, String reason) {
        IOException e = assertThrows(IOException.class, () -> ImportedMemory.map(kind, descriptor, size));
        assertTrue(e.getMessage().contains(reason), e.getMessage());
        assertFalse(descriptor.valid());
    }

    @Test
    void closedMappingsStayBounded() throws IOException {
        int large = 96 << 20;
        try (FrameMemory slab = new HostMemoryAllocator().allocate(large)) {
            for (int generation = 0; generation < 8; generation++) {
                ImportedMemory.map(
                                MemoryKind.HOST,
                                Descriptors.duplicate(slab.descriptor().orElseThrow()),
                                large)
                        .close();
            }
            TestProcess.await(
                    "closed mappings are collected", () -> ImportedFile.retired() <= ImportedFile.RETIRED_LIMIT);
        }
    }
}
