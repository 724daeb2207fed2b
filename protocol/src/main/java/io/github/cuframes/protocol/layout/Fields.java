package io.github.cuframes.protocol.layout;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Aligned little-endian fields of a shared buffer. Acquire and release are those of C11. */
final class Fields {

    private static final VarHandle INT = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG = MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle SHORT =
            MethodHandles.byteBufferViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

    private Fields() {}

    static int getShort(ByteBuffer buffer, int offset) {
        return (short) SHORT.get(buffer, offset) & 0xFFFF;
    }

    static void putShort(ByteBuffer buffer, int offset, int value) {
        SHORT.set(buffer, offset, (short) value);
    }

    static int getInt(ByteBuffer buffer, int offset) {
        return (int) INT.get(buffer, offset);
    }

    static void putInt(ByteBuffer buffer, int offset, int value) {
        INT.set(buffer, offset, value);
    }

    static long getLong(ByteBuffer buffer, int offset) {
        return (long) LONG.get(buffer, offset);
    }

    static void putLong(ByteBuffer buffer, int offset, long value) {
        LONG.set(buffer, offset, value);
    }

    static int getIntAcquire(ByteBuffer buffer, int offset) {
        return (int) INT.getAcquire(buffer, offset);
    }

    static void putIntRelease(ByteBuffer buffer, int offset, int value) {
        INT.setRelease(buffer, offset, value);
    }

    static long getLongAcquire(ByteBuffer buffer, int offset) {
        return (long) LONG.getAcquire(buffer, offset);
    }

    static void putLongRelease(ByteBuffer buffer, int offset, long value) {
        LONG.setRelease(buffer, offset, value);
    }

    /** Text in UTF-8, padded with NUL; what does not fit is cut off between characters. */
    static void putText(ByteBuffer buffer, int offset, int size, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = Math.min(bytes.length, size);
        while (length < bytes.length && length > 0 && (bytes[length] & 0xC0) == 0x80) {
            length--;
        }
        for (int i = 0; i < size; i++) {
            buffer.put(offset + i, i < length ? bytes[i] : 0);
        }
    }

    static String getText(ByteBuffer buffer, int offset, int size) {
        byte[] bytes = new byte[size];
        int length = 0;
        while (length < size && (bytes[length] = buffer.get(offset + length)) != 0) {
            length++;
        }
        return new String(bytes, 0, length, StandardCharsets.UTF_8);
    }

    /** A buffer whose fields may be accessed with acquire and release: direct, little-endian, long-aligned. */
    static ByteBuffer checked(ByteBuffer buffer, String what, long minimum) {
        if (buffer.capacity() < minimum) {
            throw new IllegalArgumentException(
                    what + " needs " + minimum + " bytes, but there are " + buffer.capacity());
        }
        if (!buffer.isDirect() || buffer.alignmentOffset(0, Long.BYTES) != 0) {
            throw new IllegalArgumentException(what + " must lie in direct memory at a multiple of 8 bytes");
        }
        return buffer.order(ByteOrder.LITTLE_ENDIAN);
    }
}
