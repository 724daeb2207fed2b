package io.github.cuframes.producer.ingest;

import io.github.cuframes.protocol.frame.Rational;
import java.util.Objects;

/**
 * What becomes of a decoder's frames on their way to a stream beside the main one.
 *
 * @param key the stream's name, for logs and errors
 * @param filter an FFmpeg filter graph that changes the frames; null if none does
 * @param held how many decoded frames the filter may keep for later ones; the decoder gets as many slots more
 * @param rate the most frames a second, the others being left out before they are filtered; null for all
 */
public record RenditionOptions(String key, String filter, int held, Rational rate) {

    /** Checks that the numbers make sense. */
    public RenditionOptions {
        Objects.requireNonNull(key, "key");
        if (held < 0 || rate != null && !rate.isKnown()) {
            throw new IllegalArgumentException(
                    "rendition \"" + key + "\": no valid rate and number of frames: " + rate + ", " + held);
        }
    }
}
