package io.github.cuframes.conformance;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** The fields of a message, right or wrong, in the order in which they stand. One thread at a time. */
public final class Body {

    /** The bytes "CUFR". */
    public static final int MAGIC = 0x52465543;

    private static final int FIELD_HEADER = 4;

    private final List<Field> fields = new ArrayList<>();

    private record Field(int tag, byte[] value) {}

    /**
     * Takes a message's body apart.
     *
     * @throws Failed if its fields are not cut as they should be
     */
    public static Body parse(byte[] bytes) throws Failed {
        ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        Body body = new Body();
        while (in.hasRemaining()) {
            if (in.remaining() < FIELD_HEADER) {
                throw new Failed("fields of tag, length and value", "a body that ends within a field's header");
            }
            int tag = Short.toUnsignedInt(in.getShort());
            int length = Short.toUnsignedInt(in.getShort());
            if (length > in.remaining()) {
                throw new Failed(
                        "fields inside the body",
                        "a field of " + length + " bytes where " + in.remaining() + " are left");
            }
            byte[] value = new byte[length];
            in.get(value);
            body.fields.add(new Field(tag, value));
        }
        return body;
    }

    /** Adds a field of any bytes. */
    public Body raw(int tag, byte[] value) {
        fields.add(new Field(tag, value));
        return this;
    }

    /** Adds a field of any bytes. */
    public Body raw(String tag, byte[] value) {
        return raw(Document.tag(tag), value);
    }

    /** Adds a text. */
    public Body text(String tag, String text) {
        return raw(tag, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Adds a field of 4-byte numbers. */
    public Body ints(String tag, int... numbers) {
        return raw(tag, intBytes(numbers));
    }

    /** Adds a field of 8-byte numbers. */
    public Body longs(String tag, long... numbers) {
        return raw(tag, longBytes(numbers));
    }

    /** Adds PROTOCOL. */
    public Body protocol(int major, int minor) {
        return ints("PROTOCOL", MAGIC, major | minor << Short.SIZE);
    }

    /** 4-byte numbers, little-endian. */
    public static byte[] intBytes(int... numbers) {
        ByteBuffer out = ByteBuffer.allocate(numbers.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int number : numbers) {
            out.putInt(number);
        }
        return out.array();
    }

    /** 8-byte numbers, little-endian. */
    public static byte[] longBytes(long... numbers) {
        ByteBuffer out = ByteBuffer.allocate(numbers.length * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (long number : numbers) {
            out.putLong(number);
        }
        return out.array();
    }

    /** A copy that can be changed without changing this. */
    public Body copy() {
        Body copy = new Body();
        copy.fields.addAll(fields);
        return copy;
    }

    /** A copy without a tag. */
    public Body without(String tag) {
        Body copy = copy();
        copy.fields.removeIf(field -> field.tag() == Document.tag(tag));
        return copy;
    }

    /** A copy in which the first field of a tag has another value. */
    public Body with(String tag, byte[] value) {
        Body copy = copy();
        for (int i = 0; i < fields.size(); i++) {
            if (fields.get(i).tag() == Document.tag(tag)) {
                copy.fields.set(i, new Field(Document.tag(tag), value));
                return copy;
            }
        }
        return copy.raw(tag, value);
    }

    /** A copy with the fields in the opposite order; those of one tag keep theirs. */
    public Body reversed() {
        Body copy = copy();
        Collections.reverse(copy.fields);
        List<Field> slabs = new ArrayList<>(copy.fields.stream()
                .filter(field -> field.tag() == Document.tag("SLAB"))
                .toList());
        Collections.reverse(slabs);
        copy.fields.replaceAll(field -> field.tag() == Document.tag("SLAB") ? slabs.remove(0) : field);
        return copy;
    }

    /** A copy with unknown fields before, between and behind the others, and every field that is no text longer. */
    public Body fromTheFuture() {
        Body copy = new Body().raw(0x7FF0, new byte[] {1, 2, 3});
        for (Field field : fields) {
            boolean text = List.of("LIBRARY", "KEY", "NAME", "TEXT").stream()
                    .anyMatch(tag -> Document.tag(tag) == field.tag());
            byte[] longer = java.util.Arrays.copyOf(field.value(), field.value().length + (text ? 0 : 12));
            for (int i = field.value().length; i < longer.length; i++) {
                longer[i] = (byte) 0xEE;
            }
            copy.raw(field.tag(), longer).raw(0x4000 + field.tag(), new byte[0]);
        }
        return copy.raw(0xFFFF, new byte[300]);
    }

    /** The bytes. */
    public byte[] bytes() {
        int size = fields.stream()
                .mapToInt(field -> FIELD_HEADER + field.value().length)
                .sum();
        ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
        fields.forEach(field -> out.putShort((short) field.tag())
                .putShort((short) field.value().length)
                .put(field.value()));
        return out.array();
    }

    /** Whether a tag is there. */
    public boolean has(String tag) {
        return fields.stream().anyMatch(field -> field.tag() == Document.tag(tag));
    }

    /** The numbers of all tags, in order. */
    public List<Integer> tags() {
        return fields.stream().map(Field::tag).toList();
    }

    /** All values of a tag. */
    public List<byte[]> all(String tag) {
        return fields.stream()
                .filter(field -> field.tag() == Document.tag(tag))
                .map(Field::value)
                .toList();
    }

    /**
     * The first value of a tag.
     *
     * @param size bytes that it must have at least
     */
    public ByteBuffer value(String tag, int size) throws Failed {
        List<byte[]> values = all(tag);
        if (values.isEmpty()) {
            throw new Failed("the field " + tag, "a message without it");
        }
        if (values.get(0).length < size) {
            throw new Failed(tag + " of " + size + " bytes", values.get(0).length + " bytes");
        }
        return ByteBuffer.wrap(values.get(0)).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The 4-byte number at an index in the first value of a tag. */
    public int intAt(String tag, int index) throws Failed {
        return value(tag, (index + 1) * Integer.BYTES).getInt(index * Integer.BYTES);
    }

    /** The 8-byte number in the first value of a tag. */
    public long longOf(String tag) throws Failed {
        return value(tag, Long.BYTES).getLong(0);
    }

    /** A text, which must be one. */
    public String textOf(String tag) throws Failed {
        ByteBuffer value = value(tag, 0);
        Failed.unless(value.remaining() <= 1024, tag + " of at most 1,024 bytes", value.remaining() + " bytes");
        try {
            String text = StandardCharsets.UTF_8.newDecoder().decode(value).toString();
            Failed.unless(text.indexOf('\0') < 0, tag + " without NUL", "one with NUL");
            return text;
        } catch (CharacterCodingException e) {
            throw new Failed(tag + " in UTF-8", "bytes that are not UTF-8");
        }
    }

    /** The major version in PROTOCOL. */
    public int major() throws Failed {
        return value("PROTOCOL", 8).getShort(4) & 0xFFFF;
    }

    /** The minor version in PROTOCOL. */
    public int minor() throws Failed {
        return value("PROTOCOL", 8).getShort(6) & 0xFFFF;
    }
}
