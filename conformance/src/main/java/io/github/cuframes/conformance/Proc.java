package io.github.cuframes.conformance;

import io.github.cuframes.memory.Descriptors;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What Linux tells of descriptors, locks and mappings. */
public final class Proc {

    private static final int ACCESS_MODE = 3;

    private Proc() {}

    /** How a descriptor is open: 0 for reading, 1 for writing, 2 for both. */
    public static int accessMode(FileDescriptor descriptor) throws IOException {
        Path info = Path.of("/proc/self/fdinfo", Integer.toString(Descriptors.number(descriptor)));
        for (String line : Files.readAllLines(info)) {
            if (line.startsWith("flags:")) {
                return Integer.parseInt(line.substring(6).strip(), 8) & ACCESS_MODE;
            }
        }
        throw new IOException(info + " has no flags");
    }

    /** Where a descriptor's file is, or was. */
    public static String target(FileDescriptor descriptor) throws IOException {
        return Files.readSymbolicLink(Descriptors.path(descriptor)).toString();
    }

    /** A file's number in its file system. */
    public static long inode(Path file) throws IOException {
        return ((Number) Files.getAttribute(file, "unix:ino")).longValue();
    }

    /** Whether some process holds a record lock for writing on a file. */
    public static boolean isLocked(Path file) throws IOException {
        String inode = ":" + inode(file);
        return Files.readAllLines(Path.of("/proc/locks")).stream()
                .map(line -> line.strip().split("\\s+"))
                .anyMatch(words -> List.of(words).contains("POSIX")
                        && List.of(words).contains("WRITE")
                        && List.of(words).stream().anyMatch(word -> word.endsWith(inode)));
    }

    /** The access rights with which a process has mapped a file, such as {@code r--s}; empty if it has not. */
    public static List<String> mappings(long pid, long inode) throws IOException {
        return Files.readAllLines(Path.of("/proc", Long.toString(pid), "maps")).stream()
                .map(line -> line.strip().split("\\s+"))
                .filter(words -> words.length > 4 && words[4].equals(Long.toString(inode)))
                .map(words -> words[1])
                .toList();
    }
}
