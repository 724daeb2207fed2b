package io.github.cuframes.producer;

import java.io.IOException;

/**
 * A camera of a {@link ProducerGroup} at a moment.
 *
 * @param key the stream's name
 * @param state where it stands
 * @param source where its frames come from; without credentials
 * @param restarts how often its producer was opened again
 * @param lastError what went wrong last, also if it is well again; null if nothing has
 */
public record CameraStatus(String key, CameraState state, String source, int restarts, IOException lastError) {

    @Override
    public String toString() {
        return key + ": " + state.label() + (lastError == null ? "" : " (" + lastError.getMessage() + ")");
    }
}
