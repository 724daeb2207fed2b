package io.github.cuframes.protocol.message;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.ProtocolDocument;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The golden bytes of {@code docs/protocol.md} are what this implementation writes and reads. */
class GoldenBytesTest {

    private static final ProtocolDocument DOCUMENT = ProtocolDocument.INSTANCE;

    @Test
    void everyMessageTypeHasGoldenBytes() {
        Set<MessageType> types = EnumSet.noneOf(MessageType.class);
        GoldenMessages.all().forEach(message -> types.add(message.type()));
        assertEquals(EnumSet.allOf(MessageType.class), types);
    }

    @ParameterizedTest
    @EnumSource
    void encodesToGoldenBytes(GoldenMessages golden) {
        assertEquals(
                hex(DOCUMENT.golden(golden.name())), hex(MessageCodec.encode(golden.message(), golden.descriptors())));
    }

    @ParameterizedTest
    @EnumSource
    void goldenBytesDecode(GoldenMessages golden) throws ProtocolException {
        ByteBuffer bytes = DOCUMENT.golden(golden.name());
        int length = MessageCodec.bodyLength(bytes, 0);
        assertEquals(bytes.remaining() - MessageCodec.HEADER_SIZE, length);
        assertEquals(golden.message().type().code(), MessageCodec.type(bytes, 0));
        assertEquals(golden.descriptors(), MessageCodec.descriptors(bytes, 0));
        bytes.position(MessageCodec.HEADER_SIZE);
        assertEquals(golden.message(), MessageCodec.decode(MessageCodec.type(bytes, 0), bytes));
        assertEquals(0, bytes.remaining());
    }

    @Test
    void streamFieldIsThatOfItsTable() {
        ProtocolDocument.Structure table = DOCUMENT.structure("Stream");
        assertEquals(table.size(), Tag.STREAM.size());
        ByteBuffer bytes = MessageCodec.encode(GoldenMessages.MEMORY.message(), 2);
        // The field GENERATION, 8 bytes, and the head of STREAM, 4 bytes, come before it.
        int start = MessageCodec.HEADER_SIZE + 8 + 4;
        assertEquals(Tag.STREAM.code(), bytes.getShort(start - 4));

        StreamConfig stream = GoldenMessages.stream();
        Map<String, Long> expected = new LinkedHashMap<>();
        expected.put("width", (long) stream.layout().width());
        expected.put("height", (long) stream.layout().height());
        expected.put("format", (long) stream.layout().format().code());
        expected.put("memoryKind", 1L);
        expected.put("timeBaseNumerator", (long) stream.timeBase().numerator());
        expected.put("timeBaseDenominator", (long) stream.timeBase().denominator());
        expected.put("frameRateNumerator", (long) stream.frameRate().numerator());
        expected.put("frameRateDenominator", (long) stream.frameRate().denominator());
        expected.put("fullRange", 1L);
        expected.put("primaries", (long) stream.colour().primaries());
        expected.put("transfer", (long) stream.colour().transfer());
        expected.put("matrix", (long) stream.colour().matrix());
        expected.put("reserved", 0L);
        expected.put("slotSize", stream.layout().size());
        expected.put("planes", null);
        assertEquals(
                List.copyOf(expected.keySet()),
                table.fields().stream().map(ProtocolDocument.Field::name).toList());
        for (ProtocolDocument.Field field : table.fields()) {
            int at = start + field.offset();
            Long value = expected.get(field.name());
            if (value != null) {
                long found =
                        switch (field.size()) {
                            case Byte.BYTES -> bytes.get(at) & 0xFF;
                            case Integer.BYTES -> bytes.getInt(at);
                            case Long.BYTES -> bytes.getLong(at);
                            default -> throw new AssertionError(field);
                        };
                assertEquals(value, found, field.name());
            }
        }
        int planes = start + table.field("planes").offset();
        int[] found = new int[8];
        Arrays.setAll(found, i -> bytes.getInt(planes + i * Integer.BYTES));
        assertEquals("[0, 2048, 2228224, 1024, 2785280, 1025, 0, 0]", Arrays.toString(found));
    }

    @ParameterizedTest
    @EnumSource
    void fieldsAndDescriptorsAreThoseOfTheTable(GoldenMessages golden) {
        List<String> row = DOCUMENT.table("MessageType").stream()
                .filter(cells -> cells.get(1).equals(golden.message().type().name()))
                .findFirst()
                .orElseThrow();
        Set<String> documented = new LinkedHashSet<>();
        boolean packets = golden.name().endsWith("_PACKETS");
        boolean framesOnly = packets || golden.name().endsWith("_OBSERVER");
        for (String field : row.get(4).split(", ")) {
            boolean left = framesOnly && field.endsWith("(subscribers)")
                    || !packets && field.endsWith("(packets)")
                    || !golden.hasOptionalFields() && field.endsWith("(optional)");
            if (!field.isEmpty() && !left) {
                documented.add(field.split(" ")[0]);
            }
        }
        Set<String> encoded = new LinkedHashSet<>();
        ByteBuffer bytes = DOCUMENT.golden(golden.name()).position(MessageCodec.HEADER_SIZE);
        while (bytes.hasRemaining()) {
            encoded.add(Tag.ofCode(bytes.getShort()).name());
            int length = bytes.getShort();
            bytes.position(bytes.position() + length);
        }
        assertEquals(documented, encoded);

        String descriptors = row.get(3);
        assertTrue(
                switch (golden) {
                    case WELCOME, WELCOME_PACKETS -> descriptors.startsWith(golden.descriptors() + " ");
                    case WELCOME_OBSERVER -> descriptors.endsWith("(observers: " + golden.descriptors() + ")");
                    case MEMORY, MEMORY_CUDA -> descriptors.startsWith("one for each SLAB (");
                    case MEMORY_CUDA_IPC -> descriptors.endsWith("(CUDA_IPC: " + golden.descriptors() + ")");
                    default -> descriptors.equals(Integer.toString(golden.descriptors()));
                },
                descriptors);
    }

    private static String hex(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HexFormat.ofDelimiter(" ").formatHex(bytes);
    }
}
