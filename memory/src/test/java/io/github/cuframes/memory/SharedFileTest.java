package io.github.cuframes.memory;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.linux.Memfd;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@SuppressWarnings("try") // closing early is what is tested
class SharedFileTest {

    @Test
    void hasNoNameAndIsZeroed() throws IOException {
        try (SharedFile file = SharedFile.create(3 << 20, SharedFile.Peer.READS)) {
            assertEquals(3 << 20, file.buffer().capacity());
            assertEquals(0, file.buffer().getLong((3 << 20) - 8));
            assertEquals(0, Files.getAttribute(Descriptors.path(file.descriptor()), "unix:nlink"));
        }
    }

    @Test
    void readersCannotWriteWhateverTheirRights() throws IOException {
        try (SharedFile file = SharedFile.create(4096, SharedFile.Peer.READS)) {
            FileOutputStream stream = new FileOutputStream(file.descriptor());
            assertThrows(IOException.class, () -> stream.write(1));
            assertEquals("r--r--r--", modeOf(file));
            Path path = Descriptors.path(file.descriptor());
            if (!file.isSealedAgainstWriting()) {
                return; // a kernel before Linux 5.1: root may open it anew
            }
            // as root the file can be opened; as another user its mode is in the way
            if (Files.isWritable(path)) {
                try (RandomAccessFile anew = new RandomAccessFile(path.toFile(), "rw")) {
                    assertThrows(IOException.class, () -> anew.write(1));
                    assertThrows(IOException.class, () -> anew.getChannel().map(MapMode.READ_WRITE, 0, 4096));
                }
            }
            file.buffer().put(0, (byte) 7);
            try (FileChannel reader = FileChannel.open(path)) {
                assertEquals(7, reader.map(MapMode.READ_ONLY, 0, 4096).get(0));
            }
        }
    }

    @Test
    void writersDescriptorSharesThePage() throws IOException {
        try (SharedFile file = SharedFile.create(4096, SharedFile.Peer.READS_AND_WRITES);
                ImportedFile peer = ImportedFile.readWrite(Descriptors.duplicate(file.descriptor()), 4096)) {
            peer.buffer().putLong(8, 0x1122334455667788L);
            assertEquals(0x1122334455667788L, file.buffer().getLong(8));
            file.buffer().putInt(100, 77);
            assertEquals(77, peer.buffer().getInt(100));
            assertEquals("rw-rw-rw-", modeOf(file));
        }
    }

    @ParameterizedTest
    @EnumSource
    void nobodyCanChangeItsLength(SharedFile.Peer peer) throws IOException {
        try (SharedFile file = SharedFile.create(8192, peer)) {
            Path path = Descriptors.path(file.descriptor());
            if (Files.isWritable(path)) {
                try (FileChannel writer = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    assertThrows(IOException.class, () -> writer.truncate(0));
                    assertThrows(IOException.class, () -> writer.truncate(8191));
                    assertThrows(IOException.class, () -> writer.write(ByteBuffer.allocate(1), 8192));
                }
            }
            assertEquals(8192, Files.size(path));
            // nor can the seals be changed
            int number = Descriptors.number(file.descriptor());
            assertThrows(IOException.class, () -> Memfd.seal(number, true));
            assertEquals(8192, file.buffer().capacity());
            assertEquals(0, file.buffer().get(8191));
        }
    }

    @Test
    void itsPagesAreThereFromTheBeginning() throws Exception {
        try (SharedFile file = SharedFile.create(8 << 20, SharedFile.Peer.READS)) {
            Process stat = new ProcessBuilder(
                            "stat",
                            "-L",
                            "-c",
                            "%b",
                            "/proc/" + ProcessHandle.current().pid() + "/fd/" + Descriptors.number(file.descriptor()))
                    .start();
            String blocks = new String(stat.getInputStream().readAllBytes()).strip();
            assertEquals(0, stat.waitFor());
            assertEquals(8 << 20, 512 * Integer.parseInt(blocks));
        }
    }

    @Test
    void closeUnmapsAtOnce() throws IOException {
        long before = mappings();
        SharedFile file = SharedFile.create(1 << 20, SharedFile.Peer.READS);
        assertEquals(before + 1, mappings());
        file.close();
        file.close();
        assertEquals(before, mappings());
        assertFalse(file.descriptor().valid());
        assertThrows(IllegalStateException.class, file::buffer);
    }

    @Test
    void tooLittleMemoryIsAnErrorBeforeTheKernelKillsForIt() {
        AvailableMemory little = new AvailableMemory(1000, "the memory limit of 5000 bytes in /x/memory.max");
        IOException e = assertThrows(IOException.class, () -> SharedFile.requireMemory(1001, little));
        assertTrue(
                e.getMessage()
                        .matches(
                                "cannot have 1001 bytes of shared memory, where 1000 are left by the memory limit of 5000"
                                        + " bytes in /x/memory.max; .*--memory.*"),
                e.getMessage());
        assertDoesNotThrow(() -> SharedFile.requireMemory(1000, little));
    }

    @Test
    void refusesWhatCannotBe() {
        IOException large = assertThrows(IOException.class, () -> SharedFile.create(1L << 31, SharedFile.Peer.READS));
        assertTrue(large.getMessage().contains("2147483648 bytes"), large.getMessage());
        assertThrows(IllegalArgumentException.class, () -> SharedFile.create(0, SharedFile.Peer.READS));
    }

    private static String modeOf(SharedFile file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(Descriptors.path(file.descriptor())));
    }

    private static long mappings() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines.filter(line -> line.contains("/memfd:" + SharedFile.NAME))
                    .count();
        }
    }
}
