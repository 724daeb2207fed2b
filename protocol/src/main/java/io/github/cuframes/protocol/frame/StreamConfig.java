package io.github.cuframes.protocol.frame;

import java.util.Objects;

/**
 * What holds for every frame of a generation.
 *
 * @param layout the slots
 * @param timeBase seconds of one tick of a frame's pts
 * @param frameRate frames a second as the source announces them, or unknown
 * @param colour how to show the samples
 */
public record StreamConfig(FrameLayout layout, Rational timeBase, Rational frameRate, Colour colour) {

    /** Checks that everything is there. */
    public StreamConfig {
        Objects.requireNonNull(layout, "layout");
        Objects.requireNonNull(timeBase, "timeBase");
        Objects.requireNonNull(frameRate, "frameRate");
        Objects.requireNonNull(colour, "colour");
        if (!timeBase.isKnown()) {
            throw new IllegalArgumentException("a stream needs a time base");
        }
    }
}
