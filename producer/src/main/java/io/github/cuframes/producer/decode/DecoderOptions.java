package io.github.cuframes.producer.decode;

/**
 * How to decode.
 *
 * @param threads threads that share the slices of a picture; 0 stands for one a core and four at most. Frames are never
 *     decoded in parallel: each thread would add a frame of delay
 */
public record DecoderOptions(int threads) {

    /** The usual. */
    public static final DecoderOptions DEFAULT = new DecoderOptions(0);

    private static final int MOST = 64;

    /** Checks the number. */
    public DecoderOptions {
        if (threads < 0 || threads > MOST) {
            throw new IllegalArgumentException("decoder threads " + threads + " is out of range; give 0 to " + MOST);
        }
    }

    int effectiveThreads() {
        return threads > 0 ? threads : Math.min(4, Runtime.getRuntime().availableProcessors());
    }
}
