package io.github.cuframes.fuzz;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.ProtocolException;
import io.github.cuframes.protocol.message.Role;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The message codec. The first byte chooses: below 128 the rest is a body of that type, which decodes to a message that
 * encodes and decodes to itself, to nothing, or ends in a {@link ProtocolException}; from 128 on the rest are the
 * values of a message that is encoded and decoded.
 */
public final class CodecTarget {

    private static final int MADE = 128;

    private CodecTarget() {}

    /** One input. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int first = input.u8();
        if (first < MADE) {
            decode(first, input.rest());
        } else {
            encode(first, input);
        }
    }

    private static void decode(int type, byte[] bytes) {
        ByteBuffer body = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Message message;
        try {
            message = MessageCodec.decode(type, body);
        } catch (ProtocolException e) {
            require(e.getMessage() != null && !e.getMessage().isBlank(), "a breach without a sentence");
            return;
        }
        require(!body.hasRemaining(), "the body of type " + type + " was not read to its end");
        if (message != null) {
            require(message.type().code() == type, message + " is of another type than " + type);
            roundTrip(message);
        }
    }

    private static void encode(int choice, Input input) {
        Message message;
        try {
            message = message(choice % 8, input);
        } catch (IllegalArgumentException e) {
            return; // no such geometry or ratio
        }
        try {
            MessageCodec.encode(message, 0);
        } catch (IllegalArgumentException e) {
            return; // a text with NUL or too long, which is documented
        }
        roundTrip(message);
    }

    private static void roundTrip(Message message) {
        ByteBuffer encoded = MessageCodec.encode(message, 3);
        require(MessageCodec.bodyLength(encoded, 0) == encoded.remaining() - MessageCodec.HEADER_SIZE, "the length");
        require(MessageCodec.type(encoded, 0) == message.type().code(), "the type");
        require(MessageCodec.descriptors(encoded, 0) == 3, "the descriptors");
        ByteBuffer body = encoded.position(MessageCodec.HEADER_SIZE).slice().order(ByteOrder.LITTLE_ENDIAN);
        try {
            Message again = MessageCodec.decode(message.type().code(), body);
            require(message.equals(again), message + " came back as " + again);
        } catch (ProtocolException e) {
            throw new AssertionError(message + " cannot be decoded", e);
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    private static Message message(int choice, Input input) {
        return switch (choice) {
            case 0 -> hello(input);
            case 1 ->
                new Message.Welcome(
                        ProtocolVersion.CURRENT,
                        text(input),
                        input.i64(),
                        input.i64() >>> 1 | 1,
                        input.i64(),
                        input.i32() >>> 1,
                        input.i32() >>> 1);
            case 2 -> memory(input);
            case 3 -> new Message.Ack(input.i32() >>> 1);
            case 4 -> new Message.Doorbell();
            case 5 -> new Message.Request();
            case 6 ->
                new Message.Failure(
                        new ProtocolVersion(input.u16(), input.u16()),
                        ErrorCode.values()[input.below(ErrorCode.values().length)],
                        text(input));
            default -> new Message.Bye(ByeReason.values()[input.below(ByeReason.values().length)]);
        };
    }

    private static Message hello(Input input) {
        Role role = Role.values()[input.below(Role.values().length)];
        boolean subscriber = role == Role.SUBSCRIBER;
        DeliveryMode[] modes = DeliveryMode.values();
        List<UUID> gpus = new ArrayList<>();
        for (int left = input.below(MessageCodec.MAX_GPUS + 1); left > 0; left--) {
            gpus.add(new UUID(input.i64(), input.i64()));
        }
        return new Message.Hello(
                new ProtocolVersion(ProtocolVersion.CURRENT.major(), input.u16()),
                text(input),
                text(input),
                text(input),
                role,
                subscriber ? modes[input.below(modes.length)] : DeliveryMode.LATEST,
                subscriber ? input.i32() >>> 1 : 0,
                subscriber ? input.i32() >>> 1 : 0,
                input.i32(),
                input.i32(),
                gpus);
    }

    private static Message memory(Input input) {
        PixelFormat format = PixelFormat.values()[input.below(PixelFormat.values().length)];
        List<PlaneLayout> planes = new ArrayList<>();
        for (int i = 0; i < format.planeCount(); i++) {
            planes.add(new PlaneLayout(input.edge(), input.edge()));
        }
        FrameLayout layout = new FrameLayout(format, input.edge(), input.edge(), planes, input.edge());
        List<Message.Slab> slabs = new ArrayList<>();
        for (int left = input.below(MessageCodec.MAX_DESCRIPTORS + 1); left > 0; left--) {
            slabs.add(new Message.Slab(input.i32() >>> 1, input.i64() >>> 1 | 1));
        }
        return new Message.Memory(
                Math.max(1, input.i32() >>> 1),
                MemoryKind.values()[input.below(MemoryKind.values().length)],
                input.below(2) == 0 ? Optional.empty() : Optional.of(new UUID(input.i64(), input.i64())),
                new StreamConfig(
                        layout,
                        new Rational(input.edge(), input.edge()),
                        new Rational(input.edge(), input.edge()),
                        new Colour(input.below(2) == 1, input.u8(), input.u8(), input.u8())),
                slabs);
    }

    private static String text(Input input) {
        return new String(input.take(input.u8()), StandardCharsets.UTF_8);
    }
}
