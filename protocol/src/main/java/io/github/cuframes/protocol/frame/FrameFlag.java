package io.github.cuframes.protocol.frame;

/** What can be said of a frame in one bit. The bits are those of the wire and are never reused. */
public enum FrameFlag {
    /** The source coded it without reference to others. */
    KEY(0),
    /** Frames are missing before it or time does not go on from the frame before: a reconnection, a seek, a loop. */
    DISCONTINUITY(1),
    /** The decoder concealed errors in it. */
    CORRUPT(2),
    /** Its rows are two fields. */
    INTERLACED(3),
    /** The upper field comes first; says nothing without {@link #INTERLACED}. */
    TOP_FIELD_FIRST(4),
    /** The bytes were copied on their way into the slot, because the decoder could not write there itself. */
    COPIED(5);

    private final int bit;

    FrameFlag(int position) {
        this.bit = 1 << position;
    }

    /** The bit of this flag. */
    public int bit() {
        return bit;
    }

    /** Whether this flag is in a set. */
    public boolean in(int flags) {
        return (flags & bit) != 0;
    }
}
