package io.github.cuframes.producer.ffmpeg;

import java.util.Arrays;
import org.bytedeco.javacpp.Pointer;

/**
 * Numbers that stand for objects where C wants a {@code void *}. JavaCPP gives each type of callback ten trampolines
 * for the whole process, so each callback here is one static object, and finds whom it was called for by this table.
 *
 * <p>Thread-safe. A number is never 0 and is not reused for another object before 2<sup>31</sup> registrations of the
 * same entry, so that one that comes too late finds nothing.
 *
 * @param <T> what the numbers stand for
 */
public final class Handles<T> {

    /** A number dressed as an address; never dereferenced. */
    public static final class Opaque extends Pointer {
        /** An opaque pointer with this value. */
        public Opaque(long value) {
            super((Pointer) null);
            set(value);
        }

        /** Gives the object another value; for objects that are reused. */
        public Opaque set(long value) {
            address = value;
            return this;
        }
    }

    private Object[] entries = new Object[16];
    private int[] uses = new int[16];
    private int searchFrom;

    /** Gives an object a number. */
    public synchronized long register(T object) {
        int index = freeIndex();
        entries[index] = object;
        uses[index] = (uses[index] + 1) & 0x7FFF_FFFF;
        searchFrom = index + 1;
        return (long) uses[index] << 32 | (index + 1L);
    }

    /** The object of a number, or null when it is not registered. */
    public synchronized T get(long handle) {
        int index = indexOf(handle);
        return index < 0 ? null : cast(entries[index]);
    }

    /** Takes an object out; null when it is not registered. */
    public synchronized T remove(long handle) {
        int index = indexOf(handle);
        if (index < 0) {
            return null;
        }
        T object = cast(entries[index]);
        entries[index] = null;
        searchFrom = index;
        return object;
    }

    @SuppressWarnings("unchecked")
    private T cast(Object object) {
        return (T) object;
    }

    private int indexOf(long handle) {
        int index = (int) handle - 1;
        boolean valid = index >= 0 && index < entries.length && uses[index] == (int) (handle >>> 32);
        return valid && entries[index] != null ? index : -1;
    }

    private int freeIndex() {
        for (int i = 0; i < entries.length; i++) {
            int index = (searchFrom + i) % entries.length;
            if (entries[index] == null) {
                return index;
            }
        }
        int index = entries.length;
        entries = Arrays.copyOf(entries, 2 * index);
        uses = Arrays.copyOf(uses, 2 * index);
        return index;
    }
}
