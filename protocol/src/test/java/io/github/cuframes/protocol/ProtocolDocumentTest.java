package io.github.cuframes.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.layout.FrameMetadata;
import io.github.cuframes.protocol.layout.PacketPage;
import io.github.cuframes.protocol.layout.PacketRecord;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotState;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.protocol.layout.SubscriberPage;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.MessageType;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.protocol.message.SubscriberState;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.ToIntFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every number of {@code docs/protocol.md} is the code's, and the other way round. */
class ProtocolDocumentTest {

    private static final ProtocolDocument DOCUMENT = ProtocolDocument.INSTANCE;
    private static final String LAYOUT = "io.github.cuframes.protocol.layout.";

    @Test
    void everyMarkedTableIsChecked() {
        // 12 structures and 8 lists; a table more needs a test more.
        assertEquals(20, DOCUMENT.markedTables());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "RingHeader",
                "SlotDescriptor",
                "FrameMetadata",
                "SubscriberSlot",
                "SubscriberPage",
                "QueueEntry",
                "PacketPage",
                "PacketRecord",
                "PacketStream"
            })
    void structureIsThatOfTheCode(String name) throws ReflectiveOperationException {
        ProtocolDocument.Structure structure = DOCUMENT.structure(name);
        Map<String, Integer> constants = constants(Class.forName(LAYOUT + name));

        assertEquals(structure.size(), constants.get("SIZE"), "size of " + name);
        Map<String, Integer> documented = new TreeMap<>();
        Map<String, Integer> coded = new TreeMap<>();
        for (ProtocolDocument.Field field : structure.fields()) {
            String constant = field.constant() + "_OFFSET";
            if (constants.containsKey(constant) || !field.isReserved()) {
                documented.put(constant, field.offset());
            }
            Integer size = constants.get(field.constant() + "_SIZE");
            if (field.type().startsWith("text")) {
                assertEquals(field.size(), size, name + "." + field.name() + " is a text of that size");
            }
        }
        constants.forEach((constant, value) -> {
            if (constant.endsWith("_OFFSET")) {
                coded.put(constant, value);
            }
        });
        assertEquals(documented, coded, "offsets of " + name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "RingHeader",
                "SlotDescriptor",
                "LegacyHandleAreas",
                "FrameMetadata",
                "SubscriberSlot",
                "SubscriberPage",
                "QueueEntry",
                "PacketPage",
                "PacketRecord",
                "PacketStream",
                "MessageHeader",
                "Stream"
            })
    void fieldsFollowEachOtherAndAreAligned(String name) {
        ProtocolDocument.Structure structure = DOCUMENT.structure(name);
        int end = 0;
        for (ProtocolDocument.Field field : structure.fields()) {
            String what = name + "." + field.name();
            assertTrue(field.offset() >= end, what + " overlaps the field before it");
            assertEquals(sizeOf(field.type(), field.size()), field.size(), what + " has the size of its type");
            assertEquals(0, field.offset() % alignment(field.type()), what + " is aligned");
            end = field.offset() + field.size();
        }
        assertEquals(structure.size(), end, "end of " + name);
    }

    @Test
    void legacyHandleAreasAreThoseOfTheCode() throws ReflectiveOperationException {
        ProtocolDocument.Structure areas = DOCUMENT.structure("LegacyHandleAreas");
        Map<String, Integer> constants = constants(Class.forName(LAYOUT + "SlotDescriptor"));
        int second = constants.get("SECOND_AREA_OFFSET");
        assertEquals(0, areas.field("handle").offset());
        assertEquals(constants.get("HANDLE_SIZE"), areas.field("handle").size());
        assertEquals(second + constants.get("SLAB_OFFSET"), areas.field("slab").offset());
        assertEquals(
                second + constants.get("HANDLE_RESERVED_OFFSET"),
                areas.field("handleReserved").offset());
        assertEquals(
                second + constants.get("OFFSET_IN_SLAB_OFFSET"),
                areas.field("offsetInSlab").offset());
        assertEquals(constants.get("WIDTH_OFFSET"), areas.size());
    }

    private static int sizeOf(String type, int otherwise) {
        Matcher array = Pattern.compile("(\\d+) x (.*)").matcher(type);
        if (array.matches()) {
            return Integer.parseInt(array.group(1)) * sizeOf(array.group(2), otherwise);
        }
        Matcher text = Pattern.compile("text\\[(\\d+)]").matcher(type);
        if (text.matches()) {
            return Integer.parseInt(text.group(1));
        }
        return switch (type) {
            case "u8" -> Byte.BYTES;
            case "u16" -> Short.BYTES;
            case "u32" -> Integer.BYTES;
            case "u64", "i64", "(u32, u32)" -> Long.BYTES;
            case "QueueEntry" -> DOCUMENT.structure("QueueEntry").size();
            case "" -> otherwise;
            default -> throw new AssertionError("unknown type " + type);
        };
    }

    private static int alignment(String type) {
        return switch (type) {
            case "u16" -> Short.BYTES;
            case "u32", "4 x (u32, u32)" -> Integer.BYTES;
            case "u64", "i64", "64 x u64", "64 x QueueEntry" -> Long.BYTES;
            default -> Byte.BYTES;
        };
    }

    private static Map<String, Integer> constants(Class<?> type) throws IllegalAccessException {
        Map<String, Integer> found = new TreeMap<>();
        for (Field field : type.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
                field.setAccessible(true);
                found.put(field.getName(), field.getInt(null));
            }
        }
        return found;
    }

    @Test
    void messageHeaderIsThatOfTheCode() throws IllegalAccessException {
        ProtocolDocument.Structure header = DOCUMENT.structure("MessageHeader");
        Map<String, Integer> constants = constants(MessageCodec.class);
        assertEquals(header.size(), MessageCodec.HEADER_SIZE);
        assertEquals(
                header.fields().stream()
                        .collect(Collectors.toMap(
                                field -> field.constant() + "_OFFSET", ProtocolDocument.Field::offset)),
                constants.entrySet().stream()
                        .filter(entry -> entry.getKey().endsWith("_OFFSET"))
                        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
        assertMeaning(header, "length", "0 to " + MessageCodec.MAX_BODY);
        assertMeaning(header, "descriptors", "0 to " + MessageCodec.MAX_DESCRIPTORS);
        assertTrue(DOCUMENT.text().contains("body of at most " + grouped(MessageCodec.MAX_BODY) + " bytes"));
        assertTrue(DOCUMENT.text()
                .contains("Text is UTF-8 without NUL, at most " + grouped(constants.get("MAX_TEXT")) + " bytes"));
    }

    @Test
    void limitsAreThoseOfTheCode() {
        ProtocolDocument.Structure ring = DOCUMENT.structure("RingHeader");
        assertTrue(DOCUMENT.text().startsWith("# The cuframes protocol, version " + ProtocolVersion.CURRENT + "\n"));
        assertMeaning(ring, "magic", String.format("0x%X", ProtocolVersion.MAGIC));
        assertMeaning(ring, "slotCapacity", "1 to " + Ring.MAX_SLOTS);
        assertMeaning(ring, "subscriberCapacity", "1 to " + Ring.MAX_SUBSCRIBERS);

        ProtocolDocument.Structure page = DOCUMENT.structure("SubscriberPage");
        assertMeaning(page, "magic", String.format("0x%X", SubscriberPage.MAGIC));
        assertEquals(
                Integer.toString(SubscriberPage.CAPACITY),
                page.field("queueCapacity").meaning());
        assertEquals(
                Integer.toString(SubscriberPage.CAPACITY),
                page.field("leaseCapacity").meaning());
        assertEquals(SubscriberPage.CAPACITY + " x u64", page.field("released").type());
        assertEquals(
                SubscriberPage.CAPACITY + " x QueueEntry", page.field("queue").type());
        assertMeaning(DOCUMENT.structure("QueueEntry"), "lease", "0 to " + (SubscriberPage.CAPACITY - 1));

        ProtocolDocument.Structure packets = DOCUMENT.structure("PacketPage");
        assertMeaning(packets, "magic", String.format("0x%X", PacketPage.MAGIC));
        assertMeaning(packets, "capacity", PacketPage.MIN_CAPACITY + " to 2^30");
        assertEquals(1 << 30, PacketPage.MAX_CAPACITY);
        assertMeaning(DOCUMENT.structure("PacketStream"), "width", "at most " + FrameLayout.MAX_DIMENSION);
        assertTrue(DOCUMENT.text().contains("Extradata has at most " + grouped(PacketConfig.MAX_EXTRADATA) + " bytes"));

        ProtocolDocument.Structure stream = DOCUMENT.structure("Stream");
        assertMeaning(stream, "width", "1 to " + FrameLayout.MAX_DIMENSION);
        assertMeaning(stream, "height", "1 to " + FrameLayout.MAX_DIMENSION);
        assertEquals(1L << 31, FrameLayout.MAX_SIZE);
        assertMeaning(stream, "slotSize", "at most 2^31");
        assertEquals(
                PixelFormat.MAX_PLANES + " x (u32, u32)", stream.field("planes").type());
        assertEquals(Long.MIN_VALUE, FrameMetadata.NO_TIME);
        for (String time : List.of("pts", "ptsNanos", "captureNanos")) {
            assertMeaning(DOCUMENT.structure("FrameMetadata"), time, "-2^63 is unknown");
        }
        assertTrue(tagValue("GPU").endsWith("at most " + MessageCodec.MAX_GPUS + " times"));
        assertTrue(DOCUMENT.text()
                .contains("shortened to "
                        + DOCUMENT.structure("SubscriberSlot").field("name").size() + " bytes"));
    }

    private static void assertMeaning(ProtocolDocument.Structure structure, String field, String part) {
        String meaning = structure.field(field).meaning();
        assertTrue(
                Pattern.compile(Pattern.quote(part) + "(?![\\w^])")
                        .matcher(meaning)
                        .find(),
                structure.name() + "." + field + " should say \"" + part + "\": " + meaning);
    }

    private static String grouped(int number) {
        return String.format(Locale.ROOT, "%,d", number);
    }

    @Test
    void tagsAreThoseOfTheCode() throws ReflectiveOperationException {
        Class<?> tag = Class.forName("io.github.cuframes.protocol.message.Tag");
        Method code = tag.getDeclaredMethod("code");
        Method size = tag.getDeclaredMethod("size");
        code.setAccessible(true);
        size.setAccessible(true);
        List<List<String>> coded = new ArrayList<>();
        for (Object constant : tag.getEnumConstants()) {
            int bytes = (int) size.invoke(constant);
            coded.add(List.of(code.invoke(constant).toString(), constant.toString(), bytes == 0 ? "text" : "" + bytes));
        }
        assertEquals(
                DOCUMENT.table("Tag").stream().map(row -> row.subList(0, 3)).toList(), coded);
    }

    @Test
    void messageTypesAreThoseOfTheCode() {
        assertEquals(numbers("MessageType"), numbers(MessageType.values(), MessageType::code));
    }

    @Test
    void errorCodesAreThoseOfTheCode() {
        Map<Integer, String> known = numbers(ErrorCode.values(), ErrorCode::code);
        assertEquals(ErrorCode.UNKNOWN.name(), known.remove(0));
        assertEquals(numbers("ErrorCode"), known);
        known.forEach(
                (number, name) -> assertEquals(name, ErrorCode.ofCode(number).name()));
    }

    @Test
    void codecsAreThoseOfTheCode() {
        Map<Integer, String> known = numbers(Codec.values(), Codec::code);
        assertEquals(Codec.UNKNOWN.name(), known.remove(0));
        assertEquals(numbers("Codec"), known);
        known.forEach((number, name) -> assertEquals(name, Codec.ofCode(number).name()));
        assertEquals(
                prose(DOCUMENT.structure("PacketRecord").field("kind").meaning()),
                Map.of(
                        PacketRecord.PADDING, "PADDING",
                        PacketRecord.STREAM, "STREAM",
                        PacketRecord.PACKET, "PACKET"));
    }

    @Test
    void memoryKindsAreThoseOfTheCode() {
        assertEquals(numbers("MemoryKind"), numbers(MemoryKind.values(), MemoryKind::code));
        assertTrue(DOCUMENT.text()
                .contains("a kind is the bit with its number: HOST is 0x" + Integer.toHexString(MemoryKind.HOST.bit())
                        + "."));
        for (MemoryKind kind : MemoryKind.values()) {
            assertEquals(1 << kind.code(), kind.bit());
        }
    }

    @Test
    void pixelFormatsAreThoseOfTheCode() {
        assertEquals(
                DOCUMENT.table("PixelFormat").stream()
                        .map(row -> row.subList(0, 4))
                        .toList(),
                Arrays.stream(PixelFormat.values())
                        .map(format -> List.of(
                                "" + format.code(),
                                format.name(),
                                "" + format.planeCount(),
                                format.chromaShiftX() + ", " + format.chromaShiftY()))
                        .toList());
    }

    @Test
    void flagsAreThoseOfTheCode() {
        Map<Integer, String> documented = new TreeMap<>();
        Matcher flag = Pattern.compile("bit (\\d+) ([A-Z_]+)").matcher(DOCUMENT.text());
        while (flag.find()) {
            documented.put(1 << Integer.parseInt(flag.group(1)), flag.group(2));
        }
        assertEquals(documented, numbers(FrameFlag.values(), FrameFlag::bit));
    }

    @Test
    void numbersInSentencesAreThoseOfTheCode() {
        ProtocolDocument.Structure ring = DOCUMENT.structure("RingHeader");
        Map<Integer, String> source = prose(ring.field("sourceState").meaning());
        assertEquals("UNSAID", source.remove(0));
        assertEquals(source, numbers(SourceState.values(), SourceState::code));
        assertEquals(
                prose(DOCUMENT.structure("SlotDescriptor").field("state").meaning()),
                numbers(SlotState.values(), SlotState::code));
        Map<Integer, String> modes = numbers(DeliveryMode.values(), DeliveryMode::code);
        assertEquals(prose(DOCUMENT.structure("SubscriberSlot").field("mode").meaning()), modes);
        String delivery = tagValue("DELIVERY");
        assertEquals(prose(delivery.substring(delivery.indexOf('(') + 1, delivery.indexOf(')'))), modes);
        assertEquals(prose(tagValue("ROLE").substring("u32: ".length())), numbers(Role.values(), Role::code));
        Map<Integer, String> reasons = numbers(ByeReason.values(), ByeReason::code);
        assertEquals(ByeReason.UNKNOWN.name(), reasons.remove(0));
        assertEquals(prose(tagValue("REASON").substring("u32: ".length())), reasons);
        assertTrue(tagValue("PROTOCOL").contains(String.format("0x%X", ProtocolVersion.MAGIC)));
    }

    private static String tagValue(String name) {
        return DOCUMENT.table("Tag").stream()
                .filter(row -> row.get(1).equals(name))
                .findFirst()
                .orElseThrow()
                .get(3);
    }

    /** "1 connecting, 2 end of stream; and more" as numbers and names. */
    private static Map<Integer, String> prose(String sentence) {
        Map<Integer, String> found = new TreeMap<>();
        for (String part : sentence.split(";")[0].split(", ")) {
            int space = part.indexOf(' ');
            found.put(
                    Integer.parseInt(part.substring(0, space)),
                    part.substring(space + 1).replace(' ', '_').toUpperCase(Locale.ROOT));
        }
        return found;
    }

    @Test
    void peersBecomeWhatTheTableSays() {
        assertEdges("PeerState", PeerState.values(), PeerState::code, PeerState::canBecome);
    }

    @Test
    void subscribersBecomeWhatTheTableSays() {
        assertEdges("SubscriberState", SubscriberState.values(), SubscriberState::code, SubscriberState::canBecome);
    }

    private static <E extends Enum<E>> void assertEdges(
            String table, E[] states, ToIntFunction<E> code, BiPredicate<E, E> canBecome) {
        assertEquals(numbers(table), numbers(states, code));
        Map<String, TreeSet<String>> documented = new LinkedHashMap<>();
        for (List<String> row : DOCUMENT.table(table)) {
            documented.put(
                    row.get(1),
                    Arrays.stream(row.get(2).split(", "))
                            .filter(next -> !next.isEmpty())
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
        Map<String, TreeSet<String>> coded = new LinkedHashMap<>();
        for (E from : states) {
            coded.put(
                    from.name(),
                    Arrays.stream(states)
                            .filter(to -> canBecome.test(from, to))
                            .map(Enum::name)
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
        assertEquals(documented, coded);
    }

    private static Map<Integer, String> numbers(String table) {
        Map<Integer, String> found = new TreeMap<>();
        for (List<String> row : DOCUMENT.table(table)) {
            String before = found.put(Integer.parseInt(row.get(0)), row.get(1));
            assertEquals(null, before, table + " has the number " + row.get(0) + " twice");
        }
        return found;
    }

    private static <E extends Enum<E>> Map<Integer, String> numbers(E[] values, ToIntFunction<E> code) {
        Map<Integer, String> found = new TreeMap<>();
        for (E value : values) {
            found.put(code.applyAsInt(value), value.name());
        }
        return found;
    }
}
