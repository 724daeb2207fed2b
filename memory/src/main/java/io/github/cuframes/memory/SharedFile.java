package io.github.cuframes.memory;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A file without a name on a tmpfs, mapped here for writing and sent to a peer as a descriptor.
 *
 * <pre>
 *   create (O_EXCL, 0600) → open the peer's descriptor → unlink → write zeros → map → chmod
 * </pre>
 *
 * <p>The zeros allocate every block, so that a full file system is an exception here and never a SIGBUS later. The mode is
 * changed when the name is gone: it then only decides whether a process that was sent the descriptor can open the file
 * anew through {@code /proc/self/fd}, and for a reader that means reading. A process with CAP_DAC_OVERRIDE is not bound by
 * modes.
 *
 * <p>A peer that may write can also truncate its file. Access past the new end is then an {@link InternalError} in this
 * process, thrown some instructions late; whoever reads such a page catches it and asks {@link #isIntact()}.
 *
 * <p>Any thread may call any method; {@link #close()} is for when nobody uses the buffer any more.
 */
public final class SharedFile implements AutoCloseable {

    /** What the process that is sent the descriptor may do. */
    public enum Peer {
        /** The descriptor is open for reading only. */
        READS("r--r--r--"),
        /** The descriptor is open for reading and writing. */
        READS_AND_WRITES("rw-rw-rw-");

        private final String mode;

        Peer(String mode) {
            this.mode = mode;
        }
    }

    /** The largest file in bytes: what one {@link ByteBuffer} can address. */
    public static final long MAX_SIZE = Integer.MAX_VALUE;

    /** The system property that names the directory for shared files. */
    public static final String DIRECTORY_PROPERTY = "cuframes.shm.dir";

    /** The environment variable that names it where the property is not set. */
    public static final String DIRECTORY_VARIABLE = "CUFRAMES_SHM_DIR";

    static final String PREFIX = "cuframes-";
    static final Duration ORPHAN_AGE = Duration.ofMinutes(1);

    private static final int CHUNK = 1 << 20;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final FileDescriptor descriptor;
    private final Mapping mapping;
    private final long size;
    private final AtomicBoolean closed = new AtomicBoolean();

    private SharedFile(FileDescriptor descriptor, Mapping mapping, long size) {
        this.descriptor = descriptor;
        this.mapping = mapping;
        this.size = size;
    }

    /** The directory for shared files: property, else environment variable, else {@code /dev/shm}. */
    public static Path defaultDirectory() {
        String named = System.getProperty(DIRECTORY_PROPERTY, System.getenv(DIRECTORY_VARIABLE));
        return Path.of(named == null || named.isBlank() ? "/dev/shm" : named);
    }

    /**
     * Creates a zeroed file.
     *
     * @param directory on a tmpfs, writable; where others may write too it must be sticky, as {@code /dev/shm} is
     * @param size bytes, 1 to {@link #MAX_SIZE}
     * @param peer what the descriptor allows
     * @throws IOException if it cannot be had; nothing is left behind then
     */
    public static SharedFile create(Path directory, long size, Peer peer) throws IOException {
        if (size <= 0) {
            throw new IllegalArgumentException("no valid size of a shared file: " + size);
        }
        if (size > MAX_SIZE) {
            throw new IOException("a shared file of " + size + " bytes is more than one mapping can hold (" + MAX_SIZE
                    + " bytes); use several, or smaller or fewer frames");
        }
        requireSpace(directory, size);
        byte[] name = new byte[16];
        RANDOM.nextBytes(name);
        Path path = directory.resolve(PREFIX + HexFormat.of().formatHex(name));
        try (FileChannel channel = FileChannel.open(
                path,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            return create(directory, path, channel, size, peer);
        } finally {
            Files.deleteIfExists(path);
        }
    }

    /** The name goes before the bytes come: a process that is killed meanwhile leaves nothing behind. */
    private static SharedFile create(Path directory, Path path, FileChannel channel, long size, Peer peer)
            throws IOException {
        FileDescriptor descriptor = peer == Peer.READS
                ? new FileInputStream(path.toFile()).getFD()
                : new RandomAccessFile(path.toFile(), "rw").getFD();
        Mapping mapping = null;
        try {
            Files.delete(path);
            writeZeros(directory, channel, size);
            mapping = Mapping.map(channel, size);
            Files.setPosixFilePermissions(Descriptors.path(descriptor), PosixFilePermissions.fromString(peer.mode));
            return new SharedFile(descriptor, mapping, size);
        } catch (IOException | RuntimeException e) {
            if (mapping != null) {
                mapping.unmap();
            }
            Descriptors.close(descriptor);
            throw e;
        }
    }

    private static void requireSpace(Path directory, long size) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new IOException("no directory for shared memory at " + directory
                    + "; mount a tmpfs there, or name another with " + DIRECTORY_VARIABLE);
        }
        // asked first, so that a ring too large does not take the last byte from others before it fails
        if (Files.getFileStore(directory).getUsableSpace() < size) {
            throw noSpace(directory, size, null);
        }
    }

    private static void writeZeros(Path directory, FileChannel channel, long size) throws IOException {
        ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(size, CHUNK));
        try {
            for (long written = 0; written < size; ) {
                zeros.clear().limit((int) Math.min(size - written, zeros.capacity()));
                written += channel.write(zeros);
            }
        } catch (IOException e) {
            throw noSpace(directory, size, e);
        }
    }

    private static IOException noSpace(Path directory, long size, IOException cause) throws IOException {
        return new IOException(
                "cannot have " + size + " bytes of shared memory in " + directory + ", where "
                        + Files.getFileStore(directory).getUsableSpace()
                        + " are free; enlarge it (docker: --shm-size) or use fewer or smaller frames",
                cause);
    }

    /**
     * Removes files that a process left when it died between creating and unlinking them, which takes microseconds.
     *
     * @param now the time from which the age of a file is counted
     * @return how many were removed: files with our prefix, of this user, older than a minute
     * @throws IOException if the directory cannot be read or an orphan cannot be removed
     */
    public static int sweep(Path directory, Instant now) throws IOException {
        int removed = 0;
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, PREFIX + "*")) {
            for (Path file : files) {
                if (isOrphan(file, now) && Files.deleteIfExists(file)) {
                    removed++;
                }
            }
        }
        return removed;
    }

    private static boolean isOrphan(Path file, Instant now) throws IOException {
        try {
            PosixFileAttributes attributes =
                    Files.readAttributes(file, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.isRegularFile()
                    && attributes.lastModifiedTime().toInstant().isBefore(now.minus(ORPHAN_AGE))
                    && attributes.owner().equals(Files.getOwner(Path.of("/proc/self")));
        } catch (NoSuchFileException e) {
            return false; // its creator was quicker
        }
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    /** What the peer is sent; it stays this object's, and sending it does not close it. */
    public FileDescriptor descriptor() {
        return descriptor;
    }

    /** The whole file, writable; the same object at each call, so that its position and limit are not to be changed. */
    public ByteBuffer buffer() {
        if (closed.get()) {
            throw new IllegalStateException("this shared file is closed");
        }
        return mapping.buffer();
    }

    /** Whether the file still has all its bytes; a peer that may write can have truncated it. */
    public boolean isIntact() throws IOException {
        return Descriptors.size(descriptor) >= size;
    }

    /** Closes the descriptor and unmaps the file; a second call does nothing. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            Descriptors.close(descriptor);
            mapping.unmap();
        }
    }
}
