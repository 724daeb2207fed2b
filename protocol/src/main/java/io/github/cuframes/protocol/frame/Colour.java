package io.github.cuframes.protocol.frame;

/**
 * How samples become light: the code points of ISO/IEC 23091-2 (the same numbers as FFmpeg's and H.264's), 2 standing
 * for unspecified.
 *
 * @param fullRange whether luma spans 0 to 255 rather than 16 to 235
 * @param primaries colour primaries, 0 to 255
 * @param transfer transfer characteristics, 0 to 255
 * @param matrix matrix coefficients, 0 to 255
 */
public record Colour(boolean fullRange, int primaries, int transfer, int matrix) {

    /** What most cameras leave unsaid. */
    public static final Colour UNSPECIFIED = new Colour(false, 2, 2, 2);

    /** Checks the code points. */
    public Colour {
        if (((primaries | transfer | matrix) & ~0xFF) != 0) {
            throw new IllegalArgumentException(
                    "colour code points are 0 to 255: " + primaries + ", " + transfer + ", " + matrix);
        }
    }
}
