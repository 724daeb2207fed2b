package io.github.cuframes.memory;

import io.github.cuframes.memory.linux.Memfd;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A sealed file in memory that never had a name, mapped here for writing and sent to a peer as a descriptor.
 *
 * <pre>
 *   is there memory? → memfd_create → fallocate → map → open for the peer → mode → seal
 * </pre>
 *
 * <p>All its pages are there from the beginning, so that too little memory is an exception here and never a SIGBUS later.
 * The seals settle its length for everybody, this process and root included. A file for readers is sealed against writing
 * when the mapping here exists, which stays the only one that writes. Before Linux 5.1 there is no such seal: then the
 * descriptor, open for reading, and the mode keep readers from writing, and a process with CAP_DAC_OVERRIDE is bound by neither.
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

        /** Decides whether who holds the descriptor may open the file anew, through {@code /proc/self/fd}. */
        private final String mode;

        Peer(String mode) {
            this.mode = mode;
        }
    }

    /** The largest file in bytes: what one {@link ByteBuffer} can address. */
    public static final long MAX_SIZE = Integer.MAX_VALUE;

    /** What {@code /proc/PID/maps} shows, behind {@code /memfd:}. */
    static final String NAME = "cuframes";

    private final FileDescriptor descriptor;
    private final Mapping mapping;
    private final long size;
    private final AtomicBoolean closed = new AtomicBoolean();

    private SharedFile(FileDescriptor descriptor, Mapping mapping, long size) {
        this.descriptor = descriptor;
        this.mapping = mapping;
        this.size = size;
    }

    /**
     * Creates a zeroed file.
     *
     * @param size bytes, 1 to {@link #MAX_SIZE}
     * @param peer what the descriptor allows
     * @throws IOException if it cannot be had; says why and what to do, and nothing is left behind
     */
    public static SharedFile create(long size, Peer peer) throws IOException {
        if (size <= 0) {
            throw new IllegalArgumentException("no valid size of a shared file: " + size);
        }
        if (size > MAX_SIZE) {
            throw new IOException("a shared file of " + size + " bytes is more than one mapping can hold (" + MAX_SIZE
                    + " bytes); use several, or smaller or fewer frames");
        }
        requireMemory(size, AvailableMemory.now());
        FileDescriptor whole = Descriptors.adopt(Memfd.create(NAME, size));
        FileDescriptor descriptor = null;
        Mapping mapping = null;
        try {
            Path path = Descriptors.path(whole);
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                mapping = Mapping.map(channel, size);
            }
            descriptor = peer == Peer.READS ? new FileInputStream(path.toFile()).getFD() : Descriptors.duplicate(whole);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(peer.mode));
            Memfd.seal(Descriptors.number(whole), peer == Peer.READS);
            return new SharedFile(descriptor, mapping, size);
        } catch (IOException | RuntimeException e) {
            if (mapping != null) {
                mapping.unmap();
            }
            if (descriptor != null) {
                Descriptors.close(descriptor);
            }
            throw e;
        } finally {
            Descriptors.close(whole);
        }
    }

    static void requireMemory(long size, AvailableMemory available) throws IOException {
        if (size > available.bytes()) {
            throw new IOException("cannot have " + size + " bytes of shared memory, where " + available.bytes()
                    + " are left by " + available.limitedBy()
                    + "; raise the limit (docker: --memory), end other programs, or use fewer or smaller frames");
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

    /** Whether the kernel keeps everybody else from writing, whatever rights they have: for readers, since Linux 5.1. */
    public boolean isSealedAgainstWriting() throws IOException {
        return Memfd.cannotBeWritten(Descriptors.number(descriptor));
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
