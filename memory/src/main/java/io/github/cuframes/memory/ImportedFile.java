package io.github.cuframes.memory;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Another process's {@link SharedFile}, mapped here. The descriptor is closed as soon as the file is mapped.
 *
 * <p>The mapping is left to the garbage collector, since an application may hold a buffer longer than it should and
 * unmapping under it would end the JVM. An application that makes no garbage is asked to collect when more than
 * {@link #RETIRED_LIMIT} bytes are closed and still mapped, as the JDK does for direct buffers.
 *
 * <p>Any thread may call any method.
 */
public final class ImportedFile implements AutoCloseable {

    /** Bytes that may be closed and still mapped before a collection is asked for. */
    static final long RETIRED_LIMIT = 256L << 20;

    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicLong RETIRED = new AtomicLong();

    private final AtomicBoolean closed = new AtomicBoolean();
    private final long size;
    private volatile ByteBuffer buffer;

    private ImportedFile(MappedByteBuffer mapped) {
        this.size = mapped.capacity();
        this.buffer = mapped;
        long bytes = size;
        AtomicBoolean retired = closed;
        CLEANER.register(mapped, () -> {
            if (retired.get()) {
                RETIRED.addAndGet(-bytes);
            }
        });
    }

    /**
     * Maps a file for reading.
     *
     * @param descriptor closed by this call, whether it succeeds or not
     * @param size the bytes to map; the file must have them
     * @throws IOException if the descriptor is not that of a regular file of this size for ever, or cannot be mapped
     */
    public static ImportedFile readOnly(FileDescriptor descriptor, long size) throws IOException {
        try {
            check(descriptor, size);
            try (FileInputStream stream = new FileInputStream(descriptor)) {
                MappedByteBuffer mapped = stream.getChannel().map(MapMode.READ_ONLY, 0, size);
                return new ImportedFile(mapped);
            }
        } finally {
            Descriptors.close(descriptor);
        }
    }

    /**
     * Maps a file that its owner shares for writing, see {@link SharedFile.Peer#READS_AND_WRITES}.
     *
     * @param descriptor closed by this call, whether it succeeds or not
     * @param size the bytes to map; the file must have them
     * @throws IOException if the descriptor is not that of a regular file of this size for ever, or cannot be mapped
     */
    public static ImportedFile readWrite(FileDescriptor descriptor, long size) throws IOException {
        try {
            check(descriptor, size);
            // the JDK makes no readable and writable channel of a descriptor, so the file is opened anew
            try (FileChannel channel =
                    FileChannel.open(Descriptors.path(descriptor), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                MappedByteBuffer mapped = channel.map(MapMode.READ_WRITE, 0, size);
                return new ImportedFile(mapped);
            }
        } finally {
            Descriptors.close(descriptor);
        }
    }

    private static void check(FileDescriptor descriptor, long size) throws IOException {
        if (size <= 0 || size > SharedFile.MAX_SIZE) {
            throw new IOException("a shared file of " + size + " bytes was announced; 1 to " + SharedFile.MAX_SIZE
                    + " can be mapped");
        }
        Descriptors.requireFile(descriptor, size);
    }

    /** Bytes. */
    public long size() {
        return size;
    }

    /** The whole file; the same object at each call, so that its position and limit are not to be changed. */
    public ByteBuffer buffer() {
        ByteBuffer present = buffer;
        if (present == null) {
            throw new IllegalStateException("this imported memory is closed");
        }
        return present;
    }

    /** Lets go of the mapping, which ends when no buffer refers to it any more; a second call does nothing. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        // counted while the mapping is certainly reachable, so that its end cannot be counted first
        long retired = RETIRED.addAndGet(size);
        buffer = null;
        if (retired > RETIRED_LIMIT) {
            System.gc();
        }
    }

    /** Bytes that are closed and still mapped. */
    static long retired() {
        return RETIRED.get();
    }
}
