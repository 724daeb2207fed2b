package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.FramingException;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.MessageType;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** What subscribers and observers say and do alike to a publisher, and with what it sends. */
final class Incoming {

    private static final long SEND_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int MAX_RING_SIZE = Ring.size(Ring.MAX_SLOTS, Ring.MAX_SUBSCRIBERS);

    /** What HELLO says of this software. */
    static final String LIBRARY = library();

    private Incoming() {}

    private static String library() {
        String version = Incoming.class.getPackage().getImplementationVersion();
        return "cuframes-java " + (version == null ? "dev" : version);
    }

    /**
     * Decodes the message that a connection received last.
     *
     * @return null for a type that this version does not know
     * @throws ProtocolException if it is malformed or comes with descriptors that it should not have
     */
    static Message decode(ControlConnection connection) throws ProtocolException {
        Message message = MessageCodec.decode(connection.type(), connection.body());
        if (message == null || message instanceof Message.Welcome || message instanceof Message.Memory) {
            return message; // of an unknown type: the connection closes what came with it
        }
        requireDescriptors(message, take(connection), 0);
        return message;
    }

    /** Takes the descriptors of the message received last; the caller closes them. */
    static List<FileDescriptor> take(ControlConnection connection) {
        return connection.takeDescriptors();
    }

    /** Closes all of them and complains if there are more or fewer than a message should have. */
    static void requireDescriptors(Message message, List<FileDescriptor> descriptors, int wanted)
            throws ProtocolException {
        if (descriptors.size() != wanted) {
            descriptors.forEach(Descriptors::close);
            throw violation("a " + message.type() + " message came with " + descriptors.size()
                    + " descriptors instead of " + wanted);
        }
    }

    /**
     * Maps and checks a ring.
     *
     * @param descriptor closed by this call
     */
    static Ring ring(FileDescriptor descriptor, Message.Welcome welcome, String key) throws ProtocolException {
        if (welcome.ringSize() <= 0 || welcome.ringSize() > MAX_RING_SIZE) {
            Descriptors.close(descriptor);
            throw violation("a ring of " + welcome.ringSize() + " bytes was announced; 1 to " + MAX_RING_SIZE
                    + " are possible");
        }
        ImportedFile file = map(() -> ImportedFile.readOnly(descriptor, welcome.ringSize()));
        Ring ring = checked(() -> Ring.open(file.buffer(), welcome.epoch()));
        if (!ring.key().equals(key)) {
            throw violation("the ring is of the stream \"" + ring.key() + "\", not \"" + key + "\"");
        }
        return ring;
    }

    /** Reads what the publisher wrote, and takes what cannot be read as it should for its fault. */
    static <T> T checked(Supplier<T> reader) throws ProtocolException {
        try {
            return reader.get();
        } catch (IllegalArgumentException e) {
            throw violation(e.getMessage());
        }
    }

    /** Something that maps. */
    interface Mapper<T> {
        T map() throws IOException;
    }

    /** Maps, and takes a file that cannot be mapped as announced for the publisher's fault. */
    static <T> T map(Mapper<T> mapper) throws ProtocolException {
        try {
            return mapper.map();
        } catch (IOException e) {
            ProtocolException violation = new ProtocolException(
                    ErrorCode.MEMORY_UNREACHABLE, "its memory cannot be mapped: " + e.getMessage());
            violation.initCause(e);
            throw violation;
        }
    }

    static ProtocolException violation(String what) {
        return new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, what);
    }

    /** A sequence of bytes that is no message is a breach, other failures of the socket are its end. */
    static boolean isBreach(IOException e) {
        return e instanceof FramingException || e instanceof ProtocolException;
    }

    /** Whether the publisher may give another answer later. */
    static boolean isWorthTryingAgain(ErrorCode code) {
        return switch (code) {
            case TOO_MANY_SUBSCRIBERS, MEMORY_LIMIT, HANDSHAKE_TIMEOUT, TOO_SLOW, INTERNAL, UNKNOWN -> true;
            default -> false;
        };
    }

    /** The HELLO of one that takes no frames. */
    static Message.Hello hello(String key, String name, Role role) {
        return new Message.Hello(
                ProtocolVersion.CURRENT,
                LIBRARY,
                key,
                name,
                role,
                DeliveryMode.LATEST,
                0,
                0,
                MemoryKind.HOST.bit(),
                (int) ProcessHandle.current().pid(),
                List.of());
    }

    /** Sends a message of this side. */
    static void send(ControlConnection connection, Message message) throws IOException {
        connection.send(Leases.direct(message), SEND_NANOS);
    }

    /** What tells a publisher that it broke the protocol. */
    static Message.Failure failure(ProtocolException e) {
        String text = e.getMessage();
        // 1,024 bytes at most, and a character may take three
        return new Message.Failure(
                ProtocolVersion.CURRENT, e.code(), text.length() <= 300 ? text : text.substring(0, 300));
    }

    static boolean isDoorbell(ControlConnection connection) {
        return connection.type() == MessageType.DOORBELL.code();
    }
}
