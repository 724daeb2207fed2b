package io.github.cuframes.memory.transport;

import io.github.cuframes.memory.Descriptors;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes messages of a stream of bytes, and gives each the descriptors that it declares.
 *
 * <p>Descriptors are matched by order: the kernel ends a read behind the piece that carried some, so that what arrives in
 * a read belongs to the last message that the read touches. Not thread-safe.
 */
final class MessageReader implements AutoCloseable {

    private static final ByteBuffer EMPTY = ByteBuffer.allocateDirect(0).order(ByteOrder.LITTLE_ENDIAN);
    private static final int FIRST_CAPACITY = 512;
    private static final int GROWTH = 4;

    private final ArrayDeque<FileDescriptor> pending = new ArrayDeque<>();
    private List<FileDescriptor> taken = List.of();

    /** Bytes from {@code start} to position are read and not yet handed out. */
    private ByteBuffer buffer = allocate(FIRST_CAPACITY);

    private int start;
    private int type;
    private ByteBuffer body = EMPTY;

    private static ByteBuffer allocate(int capacity) {
        return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * Goes to the next message, if it is here.
     *
     * @throws FramingException if the bytes or descriptors are no message
     */
    boolean next() throws FramingException {
        closeTaken();
        int available = buffer.position() - start;
        if (available == 0 && !pending.isEmpty()) {
            throw new FramingException(pending.size()
                    + " file descriptors came that no message declares; the peer is no cuframes process");
        }
        if (available < ControlConnection.HEADER_SIZE) {
            return false;
        }
        int length = checkedLength();
        int declared = checkedDescriptors();
        if (available < ControlConnection.HEADER_SIZE + length) {
            return false;
        }
        if (pending.size() < declared) {
            throw new FramingException("a message declares " + declared + " file descriptors and " + pending.size()
                    + " came with it; the peer is no cuframes process, or this side takes no descriptors");
        }
        type = Short.toUnsignedInt(buffer.getShort(start + 4));
        body = length == 0
                ? EMPTY
                : buffer.slice(start + ControlConnection.HEADER_SIZE, length).order(ByteOrder.LITTLE_ENDIAN);
        taken = take(declared);
        start += ControlConnection.HEADER_SIZE + length;
        return true;
    }

    private int checkedLength() throws FramingException {
        long length = Integer.toUnsignedLong(buffer.getInt(start));
        if (length > ControlConnection.MAX_BODY) {
            throw new FramingException("a message of " + length + " bytes is announced where at most "
                    + ControlConnection.MAX_BODY + " are allowed; the peer is no cuframes process");
        }
        return (int) length;
    }

    private int checkedDescriptors() throws FramingException {
        int declared = Short.toUnsignedInt(buffer.getShort(start + 6));
        if (declared > ControlConnection.MAX_DESCRIPTORS) {
            throw new FramingException("a message with " + declared + " file descriptors is announced where at most "
                    + ControlConnection.MAX_DESCRIPTORS + " are allowed; the peer is no cuframes process");
        }
        return declared;
    }

    private List<FileDescriptor> take(int count) {
        if (count == 0) {
            return List.of();
        }
        List<FileDescriptor> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(pending.remove());
        }
        return list;
    }

    /**
     * Where to put the next bytes. The buffer grows as bytes come and not as they are announced, so that a peer cannot have
     * memory for eight bytes.
     */
    ByteBuffer space() {
        int available = buffer.position() - start;
        if (available == 0) {
            start = 0;
            buffer.clear();
            return buffer;
        }
        int wanted = available < ControlConnection.HEADER_SIZE
                ? ControlConnection.HEADER_SIZE
                : ControlConnection.HEADER_SIZE + buffer.getInt(start);
        if (wanted > buffer.capacity() - start) {
            ByteBuffer rest = buffer.duplicate().flip().position(start);
            if (wanted > buffer.capacity() && available > buffer.capacity() / 2) {
                buffer = allocate(Math.min(ControlConnection.MAX_MESSAGE, GROWTH * buffer.capacity()));
                buffer.put(rest);
                start = 0;
            } else if (start > 0) {
                buffer.clear();
                buffer.put(rest);
                start = 0;
            }
        }
        return buffer;
    }

    /** Takes over descriptors that came with the last bytes. */
    void add(FileDescriptor[] descriptors) throws IOException {
        try {
            for (FileDescriptor descriptor : descriptors) {
                // the socket closes those that it made when it is closed itself: the receiver needs its own
                pending.add(Descriptors.duplicate(descriptor));
            }
        } finally {
            for (FileDescriptor descriptor : descriptors) {
                Descriptors.close(descriptor);
            }
        }
        if (pending.size() > 2 * ControlConnection.MAX_DESCRIPTORS) {
            throw new FramingException(pending.size()
                    + " file descriptors came that no message declares; the peer is no cuframes process");
        }
    }

    /** Whether a message has begun and not ended. */
    boolean isWithinMessage() {
        return buffer.position() > start;
    }

    int type() {
        return type;
    }

    ByteBuffer body() {
        return body;
    }

    List<FileDescriptor> takeDescriptors() {
        List<FileDescriptor> list = taken;
        taken = List.of();
        return list;
    }

    private void closeTaken() {
        if (!taken.isEmpty()) {
            takeDescriptors().forEach(Descriptors::close);
        }
    }

    @Override
    public void close() {
        closeTaken();
        pending.forEach(Descriptors::close);
        pending.clear();
    }
}
