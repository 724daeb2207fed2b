package io.github.cuframes.protocol.message;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The only reader and writer of messages: an 8-byte header, then fields of tag, length and value, all little-endian.
 *
 * <pre>
 *   header  0          4       6             8        field  0     2        4
 *           +----------+-------+-------------+               +-----+--------+----------+
 *           |  length  | type  | descriptors |               | tag | length | value …  |
 *           +----------+-------+-------------+               +-----+--------+----------+
 * </pre>
 */
public final class MessageCodec {

    /** Bytes of a header. */
    public static final int HEADER_SIZE = 8;

    /** The most bytes behind a header. */
    public static final int MAX_BODY = 65_528;

    /** The most descriptors that come with a message. */
    public static final int MAX_DESCRIPTORS = 60;

    /** The most GPUs that a message names. */
    public static final int MAX_GPUS = 64;

    static final int LENGTH_OFFSET = 0;
    static final int TYPE_OFFSET = 4;
    static final int DESCRIPTORS_OFFSET = 6;

    private static final int MAX_TEXT = 1024;

    /** More than the longest message that this side makes: a HELLO of three texts and all GPUs has 4,424 bytes. */
    private static final int LONGEST_MADE = 8192;

    private MessageCodec() {}

    /** Length of the body, from a header at {@code at}; unchecked. */
    public static int bodyLength(ByteBuffer header, int at) {
        return header.getInt(at + LENGTH_OFFSET);
    }

    /** Type number, from a header at {@code at}; unchecked. */
    public static int type(ByteBuffer header, int at) {
        return header.getShort(at + TYPE_OFFSET) & 0xFFFF;
    }

    /** Number of descriptors, from a header at {@code at}; unchecked. */
    public static int descriptors(ByteBuffer header, int at) {
        return header.getShort(at + DESCRIPTORS_OFFSET) & 0xFFFF;
    }

    /**
     * Writes a message with its header.
     *
     * @param descriptors how many go with it
     * @return a buffer from 0 to the message's end
     * @throws IllegalArgumentException if a text, the body or a number of descriptors, slabs or GPUs is beyond the
     *     protocol's limits
     */
    public static ByteBuffer encode(Message message, int descriptors) {
        if (descriptors < 0 || descriptors > MAX_DESCRIPTORS) {
            throw new IllegalArgumentException(
                    "a message brings 0 to " + MAX_DESCRIPTORS + " descriptors, not " + descriptors);
        }
        ByteBuffer out = ByteBuffer.allocate(LONGEST_MADE).order(ByteOrder.LITTLE_ENDIAN);
        out.position(HEADER_SIZE);
        if (message instanceof Message.Hello hello) {
            putProtocol(out, hello.version());
            putText(out, Tag.LIBRARY, hello.library());
            putText(out, Tag.KEY, hello.key());
            putText(out, Tag.NAME, hello.name());
            putField(out, Tag.ROLE).putInt(hello.role().code());
            if (hello.role() == Role.SUBSCRIBER) {
                putField(out, Tag.DELIVERY)
                        .putInt(hello.mode().code())
                        .putInt(hello.depth())
                        .putInt(hello.credits());
            }
            putField(out, Tag.MEMORY_KINDS).putInt(hello.memoryKinds());
            if (hello.pid() != 0) {
                putField(out, Tag.PID).putInt(hello.pid());
            }
            if (hello.gpus().size() > MAX_GPUS) {
                throw new IllegalArgumentException("a message names at most " + MAX_GPUS + " GPUs, not "
                        + hello.gpus().size());
            }
            hello.gpus().forEach(gpu -> putGpu(out, gpu));
        } else if (message instanceof Message.Welcome welcome) {
            putProtocol(out, welcome.version());
            putText(out, Tag.LIBRARY, welcome.library());
            putField(out, Tag.EPOCH).putLong(welcome.epoch());
            putField(out, Tag.RING).putLong(welcome.ringSize());
            putField(out, Tag.SUBSCRIBER)
                    .putLong(welcome.subscriberId())
                    .putInt(welcome.subscriberIndex())
                    .putInt(welcome.credits());
            if (welcome.packetPageSize() != 0) {
                putField(out, Tag.PACKET_PAGE).putLong(welcome.packetPageSize());
            }
        } else if (message instanceof Message.Memory memory) {
            // At most one descriptor comes with each slab, and so many always fit into a body.
            if (memory.slabs().size() > MAX_DESCRIPTORS) {
                throw new IllegalArgumentException("a message brings at most " + MAX_DESCRIPTORS + " slabs, not "
                        + memory.slabs().size());
            }
            putField(out, Tag.GENERATION).putInt(memory.generation());
            putStream(out, memory.kind(), memory.config());
            memory.gpu().ifPresent(gpu -> putGpu(out, gpu));
            for (Message.Slab slab : memory.slabs()) {
                putField(out, Tag.SLAB).putInt(slab.id()).putInt(0).putLong(slab.size());
            }
        } else if (message instanceof Message.Ack ack) {
            putField(out, Tag.GENERATION).putInt(ack.generation());
        } else if (message instanceof Message.Failure failure) {
            putProtocol(out, failure.version());
            putField(out, Tag.ERROR).putInt(failure.code().code());
            putText(out, Tag.TEXT, failure.text());
        } else if (message instanceof Message.Bye bye) {
            putField(out, Tag.REASON).putInt(bye.reason().code());
        }
        int end = out.position();
        out.putInt(LENGTH_OFFSET, end - HEADER_SIZE)
                .putShort(TYPE_OFFSET, (short) message.type().code())
                .putShort(DESCRIPTORS_OFFSET, (short) descriptors);
        return out.flip();
    }

    private static ByteBuffer putField(ByteBuffer out, Tag tag) {
        return out.putShort((short) tag.code()).putShort((short) tag.size());
    }

    private static void putProtocol(ByteBuffer out, ProtocolVersion version) {
        putField(out, Tag.PROTOCOL)
                .putInt(ProtocolVersion.MAGIC)
                .putShort((short) version.major())
                .putShort((short) version.minor());
    }

    /** In the order in which a UUID is printed, which is not that of the protocol's integers. */
    private static void putGpu(ByteBuffer out, UUID gpu) {
        putField(out, Tag.GPU)
                .putLong(Long.reverseBytes(gpu.getMostSignificantBits()))
                .putLong(Long.reverseBytes(gpu.getLeastSignificantBits()));
    }

    private static void putText(ByteBuffer out, Tag tag, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > MAX_TEXT) {
            throw new IllegalArgumentException(
                    "a text of " + bytes.length + " bytes is too long for " + tag + ", the limit is " + MAX_TEXT);
        }
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(tag + " contains a NUL character, which no text of the protocol may");
        }
        out.putShort((short) tag.code()).putShort((short) bytes.length).put(bytes);
    }

    private static void putStream(ByteBuffer out, MemoryKind kind, StreamConfig config) {
        FrameLayout layout = config.layout();
        putField(out, Tag.STREAM)
                .putInt(layout.width())
                .putInt(layout.height())
                .putInt(layout.format().code())
                .putInt(kind.code())
                .putInt(config.timeBase().numerator())
                .putInt(config.timeBase().denominator())
                .putInt(config.frameRate().numerator())
                .putInt(config.frameRate().denominator())
                .put((byte) (config.colour().fullRange() ? 1 : 0))
                .put((byte) config.colour().primaries())
                .put((byte) config.colour().transfer())
                .put((byte) config.colour().matrix())
                .putInt(0)
                .putLong(layout.size());
        for (int i = 0; i < PixelFormat.MAX_PLANES; i++) {
            PlaneLayout plane = i < layout.planes().size() ? layout.planes().get(i) : new PlaneLayout(0, 0);
            out.putInt(plane.offset()).putInt(plane.pitch());
        }
    }

    /**
     * Reads a message's body.
     *
     * @param type number from the header
     * @param body little-endian, from its position to its limit; left at its limit
     * @return the message, or null for a type that this version does not know, which is to be skipped
     * @throws ProtocolException if the body is not what the type asks for
     */
    public static Message decode(int type, ByteBuffer body) throws ProtocolException {
        MessageType known = MessageType.ofCode(type).orElse(null);
        if (known == null) {
            body.position(body.limit());
            return null;
        }
        Fields fields = new Fields(known, body);
        return switch (known) {
            case HELLO -> decodeHello(fields);
            case WELCOME -> decodeWelcome(fields);
            case MEMORY -> decodeMemory(fields);
            case ACK -> {
                int generation = fields.required(Tag.GENERATION).getInt();
                if (generation < 0) {
                    throw fields.violation("generation " + Integer.toUnsignedString(generation) + " is out of range");
                }
                yield new Message.Ack(generation);
            }
            case DOORBELL -> new Message.Doorbell();
            case REQUEST -> new Message.Request();
            case ERROR ->
                new Message.Failure(
                        fields.version(),
                        ErrorCode.ofCode(fields.required(Tag.ERROR).getInt()),
                        fields.text(Tag.TEXT));
            case BYE ->
                new Message.Bye(ByeReason.ofCode(fields.required(Tag.REASON).getInt()));
        };
    }

    private static Message.Hello decodeHello(Fields fields) throws ProtocolException {
        ProtocolVersion version = fields.compatibleVersion();
        int roleCode = fields.required(Tag.ROLE).getInt();
        Role role = Role.ofCode(roleCode).orElseThrow(() -> fields.violation("role " + roleCode + " is unknown"));
        if (role != Role.SUBSCRIBER) {
            return new Message.Hello(
                    version,
                    fields.text(Tag.LIBRARY),
                    fields.text(Tag.KEY),
                    fields.text(Tag.NAME),
                    role,
                    DeliveryMode.LATEST,
                    0,
                    0,
                    fields.required(Tag.MEMORY_KINDS).getInt(),
                    fields.pid(),
                    fields.gpus());
        }
        ByteBuffer delivery = fields.required(Tag.DELIVERY);
        int modeCode = delivery.getInt();
        DeliveryMode mode = DeliveryMode.ofCode(modeCode)
                .orElseThrow(() -> fields.violation("delivery mode " + modeCode + " is unknown"));
        int depth = delivery.getInt();
        int credits = delivery.getInt();
        if (depth < 0 || credits < 0) {
            throw fields.violation("a depth of " + depth + " and " + credits + " credits make no sense");
        }
        return new Message.Hello(
                version,
                fields.text(Tag.LIBRARY),
                fields.text(Tag.KEY),
                fields.text(Tag.NAME),
                Role.SUBSCRIBER,
                mode,
                depth,
                credits,
                fields.required(Tag.MEMORY_KINDS).getInt(),
                fields.pid(),
                fields.gpus());
    }

    private static Message.Welcome decodeWelcome(Fields fields) throws ProtocolException {
        ProtocolVersion version = fields.compatibleVersion();
        long ringSize = fields.required(Tag.RING).getLong();
        ByteBuffer subscriber = fields.required(Tag.SUBSCRIBER);
        long id = subscriber.getLong();
        int index = subscriber.getInt();
        int credits = subscriber.getInt();
        if (ringSize <= 0) {
            throw fields.violation("a ring of " + Long.toUnsignedString(ringSize) + " bytes makes no sense");
        }
        if (index < 0 || credits < 0) {
            throw fields.violation("index " + Integer.toUnsignedString(index) + " with "
                    + Integer.toUnsignedString(credits) + " credits is out of range");
        }
        return new Message.Welcome(
                version,
                fields.text(Tag.LIBRARY),
                fields.required(Tag.EPOCH).getLong(),
                ringSize,
                id,
                index,
                credits,
                fields.packetPageSize());
    }

    private static Message.Memory decodeMemory(Fields fields) throws ProtocolException {
        int generation = fields.required(Tag.GENERATION).getInt();
        if (generation <= 0) {
            throw fields.violation("generation " + generation + " is not positive");
        }
        ByteBuffer in = fields.required(Tag.STREAM);
        int width = in.getInt();
        int height = in.getInt();
        int formatCode = in.getInt();
        int kindCode = in.getInt();
        PixelFormat format = PixelFormat.ofCode(formatCode)
                .orElseThrow(() -> fields.violation("pixel format " + formatCode + " is unknown to this version"));
        MemoryKind kind = MemoryKind.ofCode(kindCode)
                .orElseThrow(() -> fields.violation("memory kind " + kindCode + " is unknown to this version"));
        try {
            Rational timeBase = new Rational(in.getInt(), in.getInt());
            Rational frameRate = new Rational(in.getInt(), in.getInt());
            Colour colour = new Colour(in.get() != 0, in.get() & 0xFF, in.get() & 0xFF, in.get() & 0xFF);
            in.getInt();
            long size = in.getLong();
            List<PlaneLayout> planes = new ArrayList<>();
            for (int i = 0; i < format.planeCount(); i++) {
                planes.add(new PlaneLayout(in.getInt(), in.getInt()));
            }
            FrameLayout layout = new FrameLayout(format, width, height, planes, size);
            List<Message.Slab> slabs = new ArrayList<>();
            for (ByteBuffer value : fields.slabs()) {
                int id = value.getInt();
                value.getInt();
                long bytes = value.getLong();
                if (id < 0 || bytes <= 0) {
                    throw fields.violation("slab " + Integer.toUnsignedString(id) + " of "
                            + Long.toUnsignedString(bytes) + " bytes is out of range");
                }
                slabs.add(new Message.Slab(id, bytes));
            }
            return new Message.Memory(
                    generation,
                    kind,
                    fields.gpus().stream().findFirst(),
                    new StreamConfig(layout, timeBase, frameRate, colour),
                    slabs);
        } catch (IllegalArgumentException e) {
            throw fields.violation(e.getMessage());
        }
    }

    /** The fields of one body, cut apart and checked for length. */
    private static final class Fields {

        private final MessageType type;
        private final ByteBuffer[] first = new ByteBuffer[Tag.values().length];
        private final List<ByteBuffer> slabs = new ArrayList<>();
        private final List<UUID> gpus = new ArrayList<>();

        Fields(MessageType type, ByteBuffer body) throws ProtocolException {
            this.type = type;
            while (body.hasRemaining()) {
                if (body.remaining() < 4) {
                    throw violation("its last field is cut off");
                }
                Tag tag = Tag.ofCode(body.getShort() & 0xFFFF);
                int length = body.getShort() & 0xFFFF;
                if (length > body.remaining()) {
                    throw violation("a field of " + length + " bytes reaches beyond its end");
                }
                int at = body.position();
                body.position(at + length);
                if (tag == null) {
                    continue;
                }
                if (tag.size() == 0 ? length > MAX_TEXT : length < tag.size()) {
                    throw violation(tag + " has " + length + " bytes");
                }
                if (tag == Tag.SLAB) {
                    if (slabs.size() == MAX_DESCRIPTORS) {
                        throw violation("it has more than " + MAX_DESCRIPTORS + " slabs");
                    }
                    slabs.add(body.slice(at, length).order(ByteOrder.LITTLE_ENDIAN));
                } else if (tag == Tag.GPU) {
                    if (gpus.size() == MAX_GPUS) {
                        throw violation("it names more than " + MAX_GPUS + " GPUs");
                    }
                    gpus.add(new UUID(
                            Long.reverseBytes(body.getLong(at)), Long.reverseBytes(body.getLong(at + Long.BYTES))));
                } else if (first[tag.ordinal()] == null) {
                    first[tag.ordinal()] = body.slice(at, length).order(ByteOrder.LITTLE_ENDIAN);
                }
            }
        }

        ProtocolException violation(String what) {
            return new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, "a " + type + " message is wrong: " + what);
        }

        ByteBuffer required(Tag tag) throws ProtocolException {
            ByteBuffer value = first[tag.ordinal()];
            if (value == null) {
                throw violation(tag + " is missing");
            }
            return value;
        }

        List<ByteBuffer> slabs() {
            return slabs;
        }

        List<UUID> gpus() {
            return gpus;
        }

        /** The sender's process id as it sees itself, 0 if it does not say. */
        int pid() {
            ByteBuffer value = first[Tag.PID.ordinal()];
            return value == null ? 0 : value.getInt(0);
        }

        /** Bytes of a page of packets, 0 if there is none. */
        long packetPageSize() throws ProtocolException {
            ByteBuffer value = first[Tag.PACKET_PAGE.ordinal()];
            long size = value == null ? 0 : value.getLong(0);
            if (size < 0) {
                throw violation("a page of " + Long.toUnsignedString(size) + " bytes makes no sense");
            }
            return size;
        }

        /** The greeting's version, looked at before the rest, which another major version may have changed. */
        ProtocolVersion compatibleVersion() throws ProtocolException {
            ProtocolVersion version = version();
            if (!ProtocolVersion.CURRENT.isCompatibleWith(version)) {
                throw new ProtocolException(
                        ErrorCode.VERSION_MISMATCH,
                        "this side speaks protocol " + ProtocolVersion.CURRENT + " and the other " + version
                                + ": use the same major version of cuframes on both");
            }
            return version;
        }

        ProtocolVersion version() throws ProtocolException {
            ByteBuffer value = required(Tag.PROTOCOL);
            if (value.getInt(0) != ProtocolVersion.MAGIC) {
                throw violation("it does not begin with CUFR");
            }
            return new ProtocolVersion(value.getShort(4) & 0xFFFF, value.getShort(6) & 0xFFFF);
        }

        String text(Tag tag) throws ProtocolException {
            try {
                String text = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(required(tag).duplicate())
                        .toString();
                if (text.indexOf('\0') >= 0) {
                    throw violation(tag + " contains a NUL character");
                }
                return text;
            } catch (CharacterCodingException e) {
                throw violation(tag + " is not UTF-8");
            }
        }
    }
}
