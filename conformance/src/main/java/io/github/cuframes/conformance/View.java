package io.github.cuframes.conformance;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A structure in shared memory, field by field as the page names them. Every 4 or 8 bytes are loaded with acquire and stored
 * with release order, which is never less than the page asks for. Any thread may call any method.
 */
public final class View {

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer bytes;
    private final int base;
    private final Structure structure;

    /**
     * Looks at a structure.
     *
     * @param bytes mapped memory
     * @param base where the structure begins, a multiple of 8
     */
    public View(ByteBuffer bytes, int base, Structure structure) {
        this.bytes = bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.base = base;
        this.structure = structure;
    }

    /** The number in a field of 2, 4 or 8 bytes; those of 2 and 4 without sign. */
    public long get(String field) {
        return get(field, 0);
    }

    /** The number in an entry of a field that is an array of 8-byte numbers, or of the field itself at index 0. */
    public long get(String field, int index) {
        Structure.Field row = structure.field(field);
        int at = base + row.offset();
        return switch (row.size()) {
            case Short.BYTES -> Short.toUnsignedLong(bytes.getShort(at));
            case Integer.BYTES -> Integer.toUnsignedLong((int) INT.getAcquire(bytes, at));
            default -> (long) LONG.getAcquire(bytes, at + index * Long.BYTES);
        };
    }

    /** Stores a number. */
    public void put(String field, long value) {
        put(field, 0, value);
    }

    /** Stores a number in an entry of a field that is an array of 8-byte numbers. */
    public void put(String field, int index, long value) {
        Structure.Field row = structure.field(field);
        int at = base + row.offset();
        switch (row.size()) {
            case Short.BYTES -> bytes.putShort(at, (short) value);
            case Integer.BYTES -> INT.setRelease(bytes, at, (int) value);
            default -> LONG.setRelease(bytes, at + index * Long.BYTES, value);
        }
    }

    /** Stores a text, padded with NUL. */
    public void putText(String field, String text) {
        Structure.Field row = structure.field(field);
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < row.size(); i++) {
            bytes.put(base + row.offset() + i, i < utf8.length ? utf8[i] : 0);
        }
    }

    /** A text up to its first NUL. */
    public String text(String field) {
        Structure.Field row = structure.field(field);
        byte[] found = new byte[row.size()];
        bytes.get(base + row.offset(), found);
        int length = 0;
        while (length < found.length && found[length] != 0) {
            length++;
        }
        return new String(found, 0, length, StandardCharsets.UTF_8);
    }

    /** An entry of a table inside this structure. */
    public View entry(String field, int index, Structure type) {
        return new View(bytes, base + structure.offset(field) + index * type.size(), type);
    }

    /** A copy of the structure's bytes as they are now. */
    public byte[] copy() {
        byte[] copy = new byte[structure.size()];
        bytes.get(base, copy);
        return copy;
    }

    /** Offsets of bytes that no field names, or that are reserved, and that are not zero. */
    public List<Integer> unnamedNotZero() {
        boolean[] used = structure.used();
        List<Integer> found = new ArrayList<>();
        for (int i = 0; i < used.length; i++) {
            if (!used[i] && bytes.get(base + i) != 0) {
                found.add(i);
            }
        }
        return found;
    }

    /** Writes a byte everywhere where no field is, or a reserved one. */
    public void fillUnnamed(int value) {
        boolean[] used = structure.used();
        for (int i = 0; i < used.length; i++) {
            if (!used[i]) {
                bytes.put(base + i, (byte) value);
            }
        }
    }
}
