package io.github.cuframes.protocol.message;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.cuframes.protocol.ProtocolDocument;
import io.github.cuframes.protocol.ProtocolVersion;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a peer sends, decoding gives a message, nothing, or a {@link ProtocolException}. */
class CodecRobustnessTest {

    private static final Set<Tag> OPTIONAL = EnumSet.of(Tag.SLAB, Tag.PID, Tag.GPU, Tag.PACKET_PAGE);

    /** A tag that no version knows yet. */
    private static final int UNKNOWN_TAG = 0x7ABC;

    private static final byte[] NOTHING = {};

    /** One field of a body. */
    private record Tlv(int tag, byte[] value) {

        Tlv(Tag tag, byte[] value) {
            this(tag.code(), value);
        }
    }

    private static byte[] body(GoldenMessages golden) {
        ByteBuffer bytes = ProtocolDocument.INSTANCE.golden(golden.name()).position(MessageCodec.HEADER_SIZE);
        byte[] body = new byte[bytes.remaining()];
        bytes.get(body);
        return body;
    }

    private static List<Tlv> fields(GoldenMessages golden) {
        ByteBuffer bytes = little(body(golden));
        List<Tlv> fields = new ArrayList<>();
        while (bytes.hasRemaining()) {
            int tag = bytes.getShort() & 0xFFFF;
            byte[] value = new byte[bytes.getShort() & 0xFFFF];
            bytes.get(value);
            fields.add(new Tlv(tag, value));
        }
        return fields;
    }

    private static byte[] body(List<Tlv> fields) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (Tlv field : fields) {
            out.write(field.tag());
            out.write(field.tag() >> 8);
            out.write(field.value().length);
            out.write(field.value().length >> 8);
            out.writeBytes(field.value());
        }
        return out.toByteArray();
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static Message decode(MessageType type, byte[] body) throws ProtocolException {
        return MessageCodec.decode(type.code(), little(body));
    }

    private static Message decode(GoldenMessages golden, List<Tlv> fields) throws ProtocolException {
        return decode(golden.message().type(), body(fields));
    }

    /** Decodes; anything but a message, nothing or a ProtocolException fails the test. */
    private static Message survives(int type, byte[] body) {
        try {
            return MessageCodec.decode(type, little(body));
        } catch (ProtocolException e) {
            assertTrue(
                    e.code() == ErrorCode.PROTOCOL_VIOLATION || e.code() == ErrorCode.VERSION_MISMATCH,
                    () -> "code of " + e.getMessage());
            return null;
        }
    }

    private static ProtocolException violation(GoldenMessages golden, List<Tlv> fields) {
        ProtocolException e = assertThrows(ProtocolException.class, () -> decode(golden, fields));
        assertEquals(ErrorCode.PROTOCOL_VIOLATION, e.code());
        assertTrue(e.getMessage().contains(golden.message().type().name()), e.getMessage());
        return e;
    }

    private static List<Tlv> with(GoldenMessages golden, Tag tag, UnaryOperator<byte[]> change) {
        List<Tlv> fields = fields(golden);
        fields.replaceAll(field -> field.tag() == tag.code()
                ? new Tlv(tag, change.apply(field.value().clone()))
                : field);
        return fields;
    }

    private static List<Tlv> withInt(GoldenMessages golden, Tag tag, int offset, int value) {
        return with(golden, tag, bytes -> little(bytes).putInt(offset, value).array());
    }

    private static List<Tlv> withLong(GoldenMessages golden, Tag tag, int offset, long value) {
        return with(golden, tag, bytes -> little(bytes).putLong(offset, value).array());
    }

    @ParameterizedTest
    @EnumSource
    void truncationsAreRefused(GoldenMessages golden) throws ProtocolException {
        byte[] whole = body(golden);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            Message message = survives(golden.message().type().code(), part);
            // MEMORY is complete without its slabs and its GPU, HELLO without pid and GPUs; all else needs all its
            // fields.
            if (message != null) {
                assertTrue(
                        golden.hasOptionalFields() || golden == GoldenMessages.MEMORY, golden + " cut after " + length);
                assertNotEquals(golden.message(), message);
            }
        }
        assertEquals(golden.message(), decode(golden.message().type(), whole));
    }

    @ParameterizedTest
    @EnumSource
    void everyChangeOfOneByteIsSurvived(GoldenMessages golden) {
        byte[] body = body(golden);
        for (int at = 0; at < body.length; at++) {
            byte right = body[at];
            for (int wrong = 0; wrong < 256; wrong++) {
                body[at] = (byte) wrong;
                survives(golden.message().type().code(), body);
            }
            body[at] = right;
        }
    }

    @Test
    void noiseIsSurvived() {
        Random random = new Random(1);
        for (int i = 0; i < 20_000; i++) {
            byte[] body = new byte[random.nextInt(300)];
            random.nextBytes(body);
            survives(1 + random.nextInt(MessageType.values().length), body);
        }
    }

    @Test
    void randomFieldsAreSurvived() {
        Random random = new Random(2);
        int[] extremes = {0, 1, 2, 0x52465543, Integer.MAX_VALUE, Integer.MIN_VALUE, -1, 1 << 16, 3};
        int understood = 0;
        for (int i = 0; i < 50_000; i++) {
            GoldenMessages golden = GoldenMessages.values()[random.nextInt(GoldenMessages.values().length)];
            List<Tlv> fields = fields(golden);
            for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
                Tag tag = Tag.values()[random.nextInt(Tag.values().length)];
                byte[] value = new byte[Math.max(0, tag.size() + random.nextInt(5) - 1)];
                ByteBuffer words = little(value);
                while (words.remaining() >= Integer.BYTES) {
                    words.putInt(extremes[random.nextInt(extremes.length)]);
                }
                fields.add(random.nextInt(fields.size() + 1), new Tlv(tag, value));
            }
            if (survives(golden.message().type().code(), body(fields)) != null) {
                understood++;
            }
        }
        assertTrue(understood > 1000, "too few of the messages were whole enough to be read: " + understood);
    }

    @ParameterizedTest
    @EnumSource
    void unknownTagsAreSkipped(GoldenMessages golden) throws ProtocolException {
        List<Tlv> fields = fields(golden);
        for (int at = fields.size(); at >= 0; at--) {
            fields.add(at, new Tlv(UNKNOWN_TAG, new byte[at * 7]));
        }
        fields.add(new Tlv(0, NOTHING));
        fields.add(new Tlv(Tag.values().length + 1, new byte[3000]));
        fields.add(new Tlv(0xFFFF, NOTHING));
        assertEquals(golden.message(), decode(golden, fields));
    }

    @ParameterizedTest
    @EnumSource
    void fieldsMayComeInAnyOrder(GoldenMessages golden) throws ProtocolException {
        List<Tlv> fields = fields(golden);
        // Slabs keep their order, because descriptors come in it.
        fields.sort((a, b) -> b.tag() - a.tag());
        assertEquals(golden.message(), decode(golden, fields));
    }

    @ParameterizedTest
    @EnumSource
    void fieldsMayBeLongerThanThisVersionKnows(GoldenMessages golden) throws ProtocolException {
        List<Tlv> fields = fields(golden);
        fields.replaceAll(field -> {
            boolean text = Tag.ofCode(field.tag()).size() == 0;
            return text ? field : new Tlv(field.tag(), Arrays.copyOf(field.value(), field.value().length + 9));
        });
        assertEquals(golden.message(), decode(golden, fields));
    }

    @ParameterizedTest
    @EnumSource
    void fieldsMustNotBeShorterNorMissing(GoldenMessages golden) {
        List<Tlv> whole = fields(golden);
        for (int at = 0; at < whole.size(); at++) {
            Tlv field = whole.get(at);
            Tag tag = Tag.ofCode(field.tag());
            List<Tlv> fields = new ArrayList<>(whole);
            if (tag.size() > 0) {
                fields.set(at, new Tlv(tag, Arrays.copyOf(field.value(), tag.size() - 1)));
                assertTrue(violation(golden, fields).getMessage().contains(tag.name()));
            }
            if (!OPTIONAL.contains(tag)) {
                fields.remove(at);
                assertTrue(violation(golden, fields).getMessage().contains(tag + " is missing"));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theFirstOfTwoFieldsCounts(GoldenMessages golden) throws ProtocolException {
        List<Tlv> fields = fields(golden);
        for (Tlv field : fields(golden)) {
            Tag tag = Tag.ofCode(field.tag());
            if (tag != Tag.SLAB && tag != Tag.GPU) {
                byte[] other = field.value().clone();
                other[other.length - 1] ^= 1;
                fields.add(new Tlv(tag, other));
            }
        }
        assertEquals(golden.message(), decode(golden, fields));
    }

    @Test
    void unknownTypesAreSkipped() throws ProtocolException {
        for (int type : new int[] {0, MessageType.values().length + 1, 0x8000, 0xFFFF, -1}) {
            ByteBuffer body = little(new byte[] {1, 2, 3});
            assertNull(MessageCodec.decode(type, body));
            assertEquals(0, body.remaining());
        }
    }

    @Test
    void fieldThatReachesBeyondTheBodyIsRefused() {
        ProtocolException e = assertThrows(
                ProtocolException.class, () -> decode(MessageType.ACK, new byte[] {11, 0, -1, -1, 1, 0, 0, 0}));
        assertTrue(e.getMessage().contains("65535 bytes reaches beyond"), e.getMessage());
    }

    @Test
    void headerIsReadAsItStands() {
        // What a length means is the reader's to check: a hostile one may come out negative.
        ByteBuffer header = little(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1});
        assertEquals(-1, MessageCodec.bodyLength(header, 0));
        assertEquals(0xFFFF, MessageCodec.type(header, 0));
        assertEquals(0xFFFF, MessageCodec.descriptors(header, 0));
    }

    @ParameterizedTest
    @EnumSource(
            value = Tag.class,
            names = {"LIBRARY", "KEY", "NAME"})
    void textsAreChecked(Tag tag) throws ProtocolException {
        byte[] longest = "x".repeat(1024).getBytes(StandardCharsets.UTF_8);
        decode(GoldenMessages.HELLO, with(GoldenMessages.HELLO, tag, old -> longest));
        decode(GoldenMessages.HELLO, with(GoldenMessages.HELLO, tag, old -> NOTHING));
        byte[][] wrong = {
            new byte[1025],
            {'a', 0, 'b'},
            {(byte) 0xFF},
            {'a', (byte) 0xC3},
            {(byte) 0xC0, (byte) 0x80},
            {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
            {(byte) 0xF5, (byte) 0x80, (byte) 0x80, (byte) 0x80}
        };
        for (byte[] text : wrong) {
            ProtocolException e = violation(GoldenMessages.HELLO, with(GoldenMessages.HELLO, tag, old -> text));
            assertTrue(e.getMessage().contains(tag.name()), e.getMessage());
        }
    }

    @ParameterizedTest
    @CsvSource({"ROLE, 0, 0", "ROLE, 0, 4", "DELIVERY, 0, 0", "DELIVERY, 0, 4", "DELIVERY, 4, -1", "DELIVERY, 8, -1"})
    void greetingsOutOfRangeAreRefused(Tag tag, int offset, int value) {
        violation(GoldenMessages.HELLO, withInt(GoldenMessages.HELLO, tag, offset, value));
    }

    @Test
    void greetingOfAnotherMajorVersionIsToldSo() throws ProtocolException {
        List<Tlv> next = with(GoldenMessages.HELLO, Tag.PROTOCOL, bytes -> little(bytes)
                .putShort(4, (short) 2)
                .array());
        ProtocolException e = assertThrows(ProtocolException.class, () -> decode(GoldenMessages.HELLO, next));
        assertEquals(ErrorCode.VERSION_MISMATCH, e.code());
        assertTrue(e.getMessage().contains("1.2") && e.getMessage().contains("2.0"), e.getMessage());

        List<Tlv> minor = with(GoldenMessages.HELLO, Tag.PROTOCOL, bytes -> little(bytes)
                .putShort(6, (short) 0xFFFF)
                .array());
        assertEquals(new ProtocolVersion(1, 65_535), ((Message.Hello) decode(GoldenMessages.HELLO, minor)).version());
    }

    @ParameterizedTest
    @EnumSource(names = {"HELLO", "WELCOME", "ERROR"})
    void magicIsChecked(GoldenMessages golden) {
        violation(golden, withInt(golden, Tag.PROTOCOL, 0, 0x50465543));
    }

    @Test
    void welcomesOutOfRangeAreRefused() {
        GoldenMessages golden = GoldenMessages.WELCOME;
        violation(golden, withLong(golden, Tag.RING, 0, 0));
        violation(golden, withLong(golden, Tag.RING, 0, -1));
        violation(golden, withInt(golden, Tag.SUBSCRIBER, 8, -1));
        violation(golden, withInt(golden, Tag.SUBSCRIBER, 12, Integer.MIN_VALUE));
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "0, -1",
        "0, 32769",
        "4, 0",
        "4, 32769",
        "8, 0",
        "8, 14",
        "8, -1",
        "12, 0",
        "12, 9",
        "16, 0",
        "16, -1",
        "20, 0",
        "20, -1",
        "24, -1",
        "28, 0",
        "28, -1",
        "44, 1",
        "48, -1",
        "52, 0",
        "52, -1",
        "52, 1917",
        "52, 2147483647",
        "56, 2147483647",
        "60, 958",
        "64, -2147483648",
        "68, 2147483647"
    })
    void geometryOutOfRangeIsRefused(int offset, int value) {
        violation(GoldenMessages.MEMORY, withInt(GoldenMessages.MEMORY, Tag.STREAM, offset, value));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE, Long.MAX_VALUE, (1L << 31) + 1, 3_330_000})
    void slotSizeOutOfRangeIsRefused(long size) {
        violation(GoldenMessages.MEMORY, withLong(GoldenMessages.MEMORY, Tag.STREAM, 40, size));
    }

    @Test
    void generationsAndSlabsOutOfRangeAreRefused() {
        GoldenMessages golden = GoldenMessages.MEMORY;
        violation(golden, withInt(golden, Tag.GENERATION, 0, 0));
        violation(golden, withInt(golden, Tag.GENERATION, 0, -1));
        violation(golden, withInt(golden, Tag.SLAB, 0, -1));
        violation(golden, withLong(golden, Tag.SLAB, 8, 0));
        violation(golden, withLong(golden, Tag.SLAB, 8, -1));
        List<Tlv> slabs = fields(golden);
        slabs.addAll(Collections.nCopies(MessageCodec.MAX_DESCRIPTORS - 1, slabs.get(3)));
        assertTrue(
                violation(golden, slabs).getMessage().contains("more than " + MessageCodec.MAX_DESCRIPTORS + " slabs"));
        violation(GoldenMessages.ACK, withInt(GoldenMessages.ACK, Tag.GENERATION, 0, -1));
    }

    @Test
    void pidAndGpusMayBeLeftOut() throws ProtocolException {
        Message.Hello full = (Message.Hello) GoldenMessages.HELLO_GPUS.message();
        for (Tag tag : List.of(Tag.PID, Tag.GPU)) {
            List<Tlv> fields = fields(GoldenMessages.HELLO_GPUS);
            fields.removeIf(field -> field.tag() == tag.code());
            Message.Hello hello = (Message.Hello) decode(GoldenMessages.HELLO_GPUS, fields);
            assertEquals(tag == Tag.PID ? 0 : 4343, hello.pid());
            assertEquals(tag == Tag.GPU ? List.of() : full.gpus(), hello.gpus());
        }
        List<Tlv> memory = fields(GoldenMessages.MEMORY_CUDA);
        memory.removeIf(field -> field.tag() == Tag.GPU.code());
        assertEquals(Optional.empty(), ((Message.Memory) decode(GoldenMessages.MEMORY_CUDA, memory)).gpu());
    }

    @Test
    void moreGpusThanTheLimitAreRefused() throws ProtocolException {
        List<Tlv> fields = fields(GoldenMessages.HELLO_GPUS);
        Tlv gpu = fields.get(fields.size() - 1);
        assertEquals(Tag.GPU.code(), gpu.tag());
        fields.addAll(Collections.nCopies(MessageCodec.MAX_GPUS - 2, gpu));
        Message.Hello most = (Message.Hello) decode(GoldenMessages.HELLO_GPUS, fields);
        assertEquals(MessageCodec.MAX_GPUS, most.gpus().size());
        assertEquals(most, roundTrip(most));
        fields.add(gpu);
        assertTrue(violation(GoldenMessages.HELLO_GPUS, fields).getMessage().contains("more than 64 GPUs"));
    }

    private static Message roundTrip(Message message) throws ProtocolException {
        ByteBuffer bytes = MessageCodec.encode(message, 0);
        return MessageCodec.decode(message.type().code(), bytes.position(MessageCodec.HEADER_SIZE));
    }

    @Test
    void unknownCodesAreKeptApart() throws ProtocolException {
        for (int code : new int[] {0, 14, -1, Integer.MIN_VALUE}) {
            Message.Failure failure =
                    (Message.Failure) decode(GoldenMessages.ERROR, withInt(GoldenMessages.ERROR, Tag.ERROR, 0, code));
            assertEquals(ErrorCode.UNKNOWN, failure.code());
            assertTrue(failure.text().startsWith("this is front-door"));
            Message.Bye bye =
                    (Message.Bye) decode(GoldenMessages.BYE, withInt(GoldenMessages.BYE, Tag.REASON, 0, code));
            assertEquals(ByeReason.UNKNOWN, bye.reason());
        }
    }

    @Test
    void whatCannotBeSentIsNotEncoded() {
        Message.Failure tooLong = new Message.Failure(ProtocolVersion.CURRENT, ErrorCode.INTERNAL, "ä".repeat(513));
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(tooLong, 0));
        Message.Failure nul = new Message.Failure(ProtocolVersion.CURRENT, ErrorCode.INTERNAL, "a\0b");
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(nul, 0));
        Message bye = GoldenMessages.BYE.message();
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(bye, -1));
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(bye, MessageCodec.MAX_DESCRIPTORS + 1));
        Message.Hello hello = (Message.Hello) GoldenMessages.HELLO_GPUS.message();
        Message.Hello gpus = new Message.Hello(
                hello.version(),
                hello.library(),
                hello.key(),
                hello.name(),
                hello.role(),
                hello.mode(),
                hello.depth(),
                hello.credits(),
                hello.memoryKinds(),
                hello.pid(),
                Collections.nCopies(65, hello.gpus().get(0)));
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(gpus, 0));
        Message.Memory golden = (Message.Memory) GoldenMessages.MEMORY.message();
        List<Message.Slab> slabs = Collections.nCopies(65, golden.slabs().get(0));
        Message.Memory slabbed = new Message.Memory(1, golden.kind(), golden.gpu(), golden.config(), slabs);
        assertThrows(IllegalArgumentException.class, () -> MessageCodec.encode(slabbed, 64));
    }

    @Test
    void decodingAllocatesInProportionToTheBody() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        List<Tlv> empty = new ArrayList<>();
        List<Tlv> slabs = fields(GoldenMessages.MEMORY);
        for (int i = 0; i < MessageCodec.MAX_BODY / 4; i++) {
            empty.add(new Tlv(Tag.TEXT, NOTHING));
        }
        for (int i = 0; i < 3000; i++) {
            slabs.add(slabs.get(2));
        }
        byte[][] bodies = {body(empty), body(slabs), new byte[MessageCodec.MAX_BODY], body(GoldenMessages.HELLO)};
        for (byte[] body : bodies) {
            for (MessageType type : MessageType.values()) {
                survives(type.code(), body);
                long before = threads.getCurrentThreadAllocatedBytes();
                survives(type.code(), body);
                long allocated = threads.getCurrentThreadAllocatedBytes() - before;
                // Texts become strings, 64 slabs a slice each, an exception has a stack trace.
                assertTrue(
                        allocated <= 4L * body.length + 65_536,
                        type + ": " + allocated + " bytes for a body of " + body.length);
            }
        }
    }
}
