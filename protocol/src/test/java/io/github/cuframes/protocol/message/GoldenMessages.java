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
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/** The messages whose bytes stand in section 9 of {@code docs/protocol.md}, beside their values. */
enum GoldenMessages {
    HELLO(
            0,
            new Message.Hello(
                    new ProtocolVersion(1, 0),
                    "cuframes-test 0.1",
                    "front-door",
                    "Türöffner",
                    Role.SUBSCRIBER,
                    DeliveryMode.FIFO,
                    3,
                    5,
                    MemoryKind.HOST.bit(),
                    0,
                    List.of())),
    HELLO_GPUS(
            0,
            new Message.Hello(
                    new ProtocolVersion(1, 1),
                    "cuframes-test 0.1",
                    "front-door",
                    "Türöffner",
                    Role.SUBSCRIBER,
                    DeliveryMode.FIFO,
                    3,
                    5,
                    MemoryKind.HOST.bit() | MemoryKind.CUDA.bit() | MemoryKind.CUDA_IPC.bit(),
                    4343,
                    List.of(gpu(), UUID.fromString("f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f")))),
    HELLO_OBSERVER(
            0,
            new Message.Hello(
                    new ProtocolVersion(1, 0),
                    "cuframes-test 0.1",
                    "front-door",
                    "top",
                    Role.OBSERVER,
                    DeliveryMode.LATEST,
                    0,
                    0,
                    0,
                    0,
                    List.of())),
    HELLO_PACKETS(
            0,
            new Message.Hello(
                    new ProtocolVersion(1, 2),
                    "cuframes-test 0.1",
                    "front-door",
                    "recorder",
                    Role.PACKETS,
                    DeliveryMode.LATEST,
                    0,
                    0,
                    MemoryKind.HOST.bit(),
                    0,
                    List.of())),
    WELCOME(
            2,
            new Message.Welcome(new ProtocolVersion(1, 0), "cuframes-test 0.1", 0x1122334455667788L, 3072, 17, 1, 5)),
    WELCOME_OBSERVER(
            1, new Message.Welcome(new ProtocolVersion(1, 0), "cuframes-test 0.1", 0x1122334455667788L, 3072, 0, 0, 0)),
    WELCOME_PACKETS(
            2,
            new Message.Welcome(
                    new ProtocolVersion(1, 2), "cuframes-test 0.1", 0x1122334455667788L, 3072, 17, 1, 0, 69_632)),
    MEMORY(
            2,
            new Message.Memory(
                    3,
                    MemoryKind.HOST,
                    Optional.empty(),
                    stream(),
                    List.of(new Message.Slab(4, 33_554_432), new Message.Slab(5, 8_388_608)))),
    MEMORY_CUDA(2, memory(MemoryKind.CUDA)),
    MEMORY_CUDA_IPC(0, memory(MemoryKind.CUDA_IPC)),
    ACK(0, new Message.Ack(3)),
    DOORBELL(0, new Message.Doorbell()),
    REQUEST(0, new Message.Request()),
    ERROR(
            0,
            new Message.Failure(
                    new ProtocolVersion(1, 0),
                    ErrorCode.WRONG_KEY,
                    "this is front-door, not back-door: connect to back-door.sock")),
    BYE(0, new Message.Bye(ByeReason.END_OF_STREAM));

    private final int descriptors;
    private final Message message;

    GoldenMessages(int descriptors, Message message) {
        this.descriptors = descriptors;
        this.message = message;
    }

    int descriptors() {
        return descriptors;
    }

    Message message() {
        return message;
    }

    /** Whether it has the fields that may be left out, as a peer of protocol 1.0 does. */
    boolean hasOptionalFields() {
        return this == HELLO_GPUS || this == WELCOME_PACKETS || this == MEMORY_CUDA || this == MEMORY_CUDA_IPC;
    }

    private static UUID gpu() {
        return UUID.fromString("00112233-4455-6677-8899-aabbccddeeff");
    }

    private static Message.Memory memory(MemoryKind kind) {
        return new Message.Memory(
                3,
                kind,
                Optional.of(gpu()),
                stream(),
                List.of(new Message.Slab(4, 33_554_432), new Message.Slab(5, 8_388_608)));
    }

    /** 1918 x 1078 in planes of 1088, 544 and 544 rows; numbers of the same size differ, so that none can be swapped. */
    static StreamConfig stream() {
        FrameLayout layout = new FrameLayout(
                PixelFormat.YUV420P,
                1918,
                1078,
                List.of(new PlaneLayout(0, 2048), new PlaneLayout(2_228_224, 1024), new PlaneLayout(2_785_280, 1025)),
                3_342_848);
        return new StreamConfig(
                layout, new Rational(7, 90_000), new Rational(30_000, 1001), new Colour(true, 9, 13, 6));
    }

    static Stream<Message> all() {
        return Stream.of(values()).map(GoldenMessages::message);
    }
}
