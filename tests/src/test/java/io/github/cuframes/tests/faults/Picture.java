package io.github.cuframes.tests.faults;

/**
 * What a stream's tag says of its pictures, so that a frame's pixels can be held against its geometry.
 *
 * <p>Tags from 1 to 15 are those of the clips in {@code docs/test-pattern.md}; a {@link FaultProducer}'s hold the index of
 * a {@link Size} in the lowest three bits and a number above that differs from one generation to the next.
 */
final class Picture {

    /** Sizes that producers go through. */
    enum Size {
        /** The canonical one. */
        SMALL(160, 120),
        /** Wider. */
        WIDE(256, 144),
        /** Odd sides, for planes that do not divide. */
        ODD(173, 131),
        /** Larger slots. */
        LARGE(320, 180);

        final int width;
        final int height;

        Size(int width, int height) {
            this.width = width;
            this.height = height;
        }
    }

    private static final int FIRST_TAG = 16;
    private static final int TAGS = 1 << 16;

    private Picture() {}

    /** The tag of a producer's n-th stream. */
    static int tag(int number, Size size) {
        int numbers = (TAGS - FIRST_TAG) >> 3;
        return FIRST_TAG + (number % numbers << 3) + size.ordinal();
    }

    /** Whether a picture of this tag can have this size. */
    static boolean fits(int tag, int width, int height) {
        if (tag >= FIRST_TAG) {
            int index = tag & 7;
            return index < Size.values().length
                    && Size.values()[index].width == width
                    && Size.values()[index].height == height;
        }
        return tag == 3 ? width == 1920 && height == 1080 : width == 640 && height == 360;
    }

    /** After how many frames a source starts over with 0 without saying so; 0: never. */
    static long wrap(int tag) {
        return switch (tag) {
            case 1, 2 -> 1250;
            case 3 -> 100;
            default -> 0;
        };
    }
}
