package io.github.cuframes.producer;

import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;

/** Hears what becomes of a {@link Producer}'s source. Called on the source's thread: be quick, and throw nothing. */
@FunctionalInterface
public interface ProducerListener {

    /**
     * The source's state changed.
     *
     * @param cause why, where the source was lost or failed; else null
     */
    void stateChanged(SourceState state, IOException cause);
}
