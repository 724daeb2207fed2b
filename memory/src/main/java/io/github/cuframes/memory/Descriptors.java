package io.github.cuframes.memory;

import io.github.cuframes.memory.linux.Memfd;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.newsclub.net.unix.FileDescriptorCast;

/** What the JDK lacks for file descriptors that came through a socket. Linux only: it looks at {@code /proc/self/fd}. */
public final class Descriptors {

    private static final int TYPE_MASK = 0170000;
    private static final int REGULAR_FILE = 0100000;

    private Descriptors() {}

    /** Closes a descriptor; does nothing if it is closed already. */
    public static void close(FileDescriptor descriptor) {
        if (!descriptor.valid()) {
            return;
        }
        try {
            new FileInputStream(descriptor).close();
        } catch (IOException e) {
            // close(2) fails on a file in memory or a socket only if the number is not ours: a bug that must not pass
            throw new UncheckedIOException(e);
        }
    }

    /** A second descriptor of the same open file, the caller's to close. */
    public static FileDescriptor duplicate(FileDescriptor descriptor) throws IOException {
        return FileDescriptorCast.duplicating(descriptor).getFileDescriptor();
    }

    /** The number of an open descriptor; for native calls, and valid until it is closed. */
    public static int number(FileDescriptor descriptor) throws IOException {
        return FileDescriptorCast.using(descriptor).as(Integer.class);
    }

    /**
     * Makes an object of a descriptor that native code returned.
     *
     * @param number an open descriptor, from now on the object's to close
     */
    public static FileDescriptor adopt(int number) throws IOException {
        return FileDescriptorCast.unsafeUsing(number).getFileDescriptor();
    }

    /** The name under which this process can look at, or open anew, an open file; also one that is unlinked. */
    public static Path path(FileDescriptor descriptor) throws IOException {
        return Path.of("/proc/self/fd", String.valueOf(number(descriptor)));
    }

    /**
     * Checks a descriptor from another process before it is mapped.
     *
     * @param size the bytes that it must have at least
     * @throws IOException if it is not a regular file of that size, or could be cut short: to read on would end this process
     */
    static void requireFile(FileDescriptor descriptor, long size) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path(descriptor), "unix:mode,size");
        int mode = (Integer) attributes.get("mode");
        if ((mode & TYPE_MASK) != REGULAR_FILE) {
            throw new IOException("the descriptor received is no regular file (mode 0" + Integer.toOctalString(mode)
                    + "); the peer does not speak this protocol");
        }
        long present = (Long) attributes.get("size");
        if (present < size) {
            throw new IOException("the file received has " + present + " bytes where " + size
                    + " were announced; the peer does not keep to the protocol");
        }
        if (!Memfd.cannotShrink(number(descriptor))) {
            throw new IOException(
                    "the file received could be cut short while it is read, for it is not sealed against that"
                            + " (F_SEAL_SHRINK); the peer does not keep to the protocol");
        }
    }
}
