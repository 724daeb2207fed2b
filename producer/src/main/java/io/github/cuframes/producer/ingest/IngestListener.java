package io.github.cuframes.producer.ingest;

import java.io.IOException;

/** Hears what becomes of an {@link Ingest}. Called on its thread, which waits meanwhile: be quick, and throw nothing. */
@FunctionalInterface
public interface IngestListener {

    /**
     * The state changed.
     *
     * @param cause why, where it is {@link IngestState#WAITING} or {@link IngestState#FAILED}; else null. An
     *     {@link InputException} where the input is to blame; anything else comes from decoder or slots
     */
    void stateChanged(IngestState from, IngestState to, IOException cause);
}
