package io.github.cuframes.fuzz;

import java.util.Arrays;

/** A fuzzer's bytes, read from the front as numbers; zeros when they are used up. */
final class Input {

    private final byte[] bytes;
    private int next;

    Input(byte[] bytes) {
        this.bytes = bytes;
    }

    boolean isEmpty() {
        return next >= bytes.length;
    }

    /** 0 to 255. */
    int u8() {
        return next < bytes.length ? bytes[next++] & 0xFF : 0;
    }

    /** 0 to 65,535; little-endian as all that follow. */
    int u16() {
        return u8() | u8() << 8;
    }

    int i32() {
        return u16() | u16() << 16;
    }

    long i64() {
        return i32() & 0xFFFF_FFFFL | (long) i32() << 32;
    }

    /** 0 to {@code bound - 1}. */
    int below(int bound) {
        return u8() % bound;
    }

    /** Mostly one of the numbers at which things break, sometimes any. */
    int edge() {
        int kind = u8();
        return switch (kind) {
            case 0 -> Integer.MAX_VALUE;
            case 1 -> Integer.MIN_VALUE;
            case 2 -> -1;
            case 3 -> 65_528;
            case 4 -> 65_529;
            case 5 -> i32();
            case 6 -> u16();
            default -> kind - 7;
        };
    }

    /** So many bytes, or as many as are left. */
    byte[] take(int count) {
        int from = Math.min(next, bytes.length);
        next = from + Math.min(count, bytes.length - from);
        return Arrays.copyOfRange(bytes, from, next);
    }

    byte[] rest() {
        return take(bytes.length);
    }
}
