package io.github.cuframes.memory;

import java.nio.ByteBuffer;
import java.util.Objects;

/** Parts of a buffer, addressed by {@code long}. */
final class Slices {

    private Slices() {}

    static ByteBuffer of(ByteBuffer whole, long offset, long size) {
        Objects.checkFromIndexSize(offset, size, whole.capacity());
        return whole.slice((int) offset, (int) size);
    }
}
