package io.github.cuframes.memory.cuda;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A piece of native memory for a function's parameters and results. Each thread has one; nothing in it lasts. */
final class Scratch {

    private static final int SIZE = 512;
    private static final ThreadLocal<Scratch> OF_THREAD = ThreadLocal.withInitial(Scratch::new);

    private final ByteBuffer bytes = ByteBuffer.allocateDirect(SIZE).order(ByteOrder.nativeOrder());
    private final long address = Pointer.nativeValue(Native.getDirectBufferPointer(bytes));

    private Scratch() {}

    /** This thread's, with whatever the last call left in it. */
    static Scratch get() {
        return OF_THREAD.get();
    }

    /** This thread's, all zero. */
    static Scratch cleared() {
        Scratch scratch = get();
        for (int i = 0; i < SIZE; i += Long.BYTES) {
            scratch.bytes.putLong(i, 0);
        }
        return scratch;
    }

    long address() {
        return address;
    }

    long at(int offset) {
        return address + offset;
    }

    int getInt(int offset) {
        return bytes.getInt(offset);
    }

    long getLong(int offset) {
        return bytes.getLong(offset);
    }

    Scratch putInt(int offset, int value) {
        bytes.putInt(offset, value);
        return this;
    }

    Scratch putLong(int offset, long value) {
        bytes.putLong(offset, value);
        return this;
    }

    byte[] getBytes(int offset, int length) {
        byte[] copy = new byte[length];
        bytes.get(offset, copy);
        return copy;
    }

    /** Text that ends with NUL. */
    String getText(int offset) {
        int end = offset;
        while (end < SIZE && bytes.get(end) != 0) {
            end++;
        }
        return new String(getBytes(offset, end - offset), StandardCharsets.UTF_8);
    }
}
