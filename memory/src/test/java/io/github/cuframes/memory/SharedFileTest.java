package io.github.cuframes.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // closing early is what is tested
class SharedFileTest {

    @TempDir
    Path directory;

    @Test
    void hasNoNameAndIsZeroed() throws IOException {
        try (SharedFile file = SharedFile.create(directory, 3 << 20, SharedFile.Peer.READS)) {
            assertEquals(0, entries());
            assertEquals(3 << 20, file.buffer().capacity());
            assertEquals(0, file.buffer().getLong((3 << 20) - 8));
            assertTrue(file.isIntact());
        }
    }

    @Test
    void readersDescriptorCannotBeWritten() throws IOException {
        try (SharedFile file = SharedFile.create(directory, 4096, SharedFile.Peer.READS)) {
            FileOutputStream stream = new FileOutputStream(file.descriptor());
            assertThrows(IOException.class, () -> stream.write(1));
            assertEquals("r--r--r--", modeOf(file));
        }
    }

    @Test
    void writersDescriptorSharesThePage() throws IOException {
        try (SharedFile file = SharedFile.create(directory, 4096, SharedFile.Peer.READS_AND_WRITES);
                ImportedFile peer = ImportedFile.readWrite(Descriptors.duplicate(file.descriptor()), 4096)) {
            peer.buffer().putLong(8, 0x1122334455667788L);
            assertEquals(0x1122334455667788L, file.buffer().getLong(8));
            file.buffer().putInt(100, 77);
            assertEquals(77, peer.buffer().getInt(100));
            assertEquals("rw-rw-rw-", modeOf(file));
        }
    }

    @Test
    void closeUnmapsAtOnce() throws IOException {
        SharedFile file = SharedFile.create(directory, 1 << 20, SharedFile.Peer.READS);
        assertEquals(1, mappings());
        file.close();
        file.close();
        assertEquals(0, mappings());
        assertFalse(file.descriptor().valid());
        assertThrows(IllegalStateException.class, file::buffer);
    }

    @Test
    void fullFileSystemIsAnErrorThatLeavesNothing() throws Exception {
        assumeTrue("root".equals(System.getProperty("user.name")), "mounting a tmpfs needs root");
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", directory.toString()) == 0,
                "mount is not allowed");
        try {
            IOException e =
                    assertThrows(IOException.class, () -> SharedFile.create(directory, 2 << 20, SharedFile.Peer.READS));
            assertTrue(
                    e.getMessage()
                            .matches("cannot have 2097152 bytes of shared memory in " + directory
                                    + ", where \\d+ are free; .*--shm-size.*"),
                    e.getMessage());
            assertEquals(0, entries());
            // every block is taken at creation: half a file system twice, and not a byte more
            long free = Files.getFileStore(directory).getUsableSpace();
            for (int generation = 0; generation < 10; generation++) {
                try (SharedFile half = SharedFile.create(directory, free / 2, SharedFile.Peer.READS);
                        SharedFile other = SharedFile.create(directory, free / 2, SharedFile.Peer.READS)) {
                    assertTrue(Files.getFileStore(directory).getUsableSpace() < 4096);
                    assertThrows(IOException.class, () -> SharedFile.create(directory, 4096, SharedFile.Peer.READS));
                    assertTrue(half.isIntact() && other.isIntact());
                }
            }
        } finally {
            run("umount", directory.toString());
        }
    }

    @Test
    void truncationByThePeerIsAnErrorAndNoCrash() throws Exception {
        try (TestProcess process = new TestProcess(TruncatedPageMain.class)) {
            assertEquals("intact true", process.line());
            assertEquals("InternalError", process.line());
            assertEquals("intact false", process.line());
            assertEquals(0, process.status());
        }
    }

    @Test
    void sweepRemovesOldOrphansOnly() throws IOException {
        Instant now = Instant.parse("2026-01-01T12:00:00Z");
        Path orphan = aged("cuframes-00", now.minusSeconds(61));
        Path young = aged("cuframes-01", now.minusSeconds(59));
        Path foreign = aged("other-02", now.minusSeconds(1000));
        assertEquals(1, SharedFile.sweep(directory, now));
        assertFalse(Files.exists(orphan));
        assertTrue(Files.exists(young));
        assertTrue(Files.exists(foreign));
    }

    @Test
    void allocatorSweeps() throws IOException {
        Path orphan = aged("cuframes-00", Instant.now().minusSeconds(120));
        new HostMemoryAllocator(directory);
        assertFalse(Files.exists(orphan));
    }

    @Test
    void refusesWhatCannotBe() {
        IOException large =
                assertThrows(IOException.class, () -> SharedFile.create(directory, 1L << 31, SharedFile.Peer.READS));
        assertTrue(large.getMessage().contains("2147483648 bytes"), large.getMessage());
        assertThrows(IllegalArgumentException.class, () -> SharedFile.create(directory, 0, SharedFile.Peer.READS));
        Path missing = directory.resolve("missing");
        IOException none =
                assertThrows(IOException.class, () -> SharedFile.create(missing, 4096, SharedFile.Peer.READS));
        assertTrue(none.getMessage().contains(missing.toString()), none.getMessage());
    }

    private Path aged(String name, Instant time) throws IOException {
        Path file = Files.createFile(directory.resolve(name));
        return Files.setLastModifiedTime(file, FileTime.from(time));
    }

    private static String modeOf(SharedFile file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(Descriptors.path(file.descriptor())));
    }

    private long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains(directory + "/cuframes-")).count();
        }
    }

    private long entries() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.count();
        }
    }

    private static int run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).inheritIO().start();
        assertTrue(process.waitFor(10, TimeUnit.SECONDS));
        return process.exitValue();
    }
}
