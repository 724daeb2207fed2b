package io.github.cuframes.producer;

import io.github.cuframes.memory.transport.RunDirectory;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which cameras a {@link ProducerGroup} is to have. Immutable.
 *
 * @param runDirectory where their sockets are; null for the usual place, see {@link RunDirectory}
 * @param cameras by key, in the order in which they are shown
 */
public record GroupConfig(Path runDirectory, Map<String, CameraSettings> cameras) {

    /**
     * Checks the keys.
     *
     * @throws IllegalArgumentException if one is none, two streams have the same, be they cameras or renditions, or a
     *     camera's renditions make no sense; says which
     */
    public GroupConfig {
        cameras.keySet().forEach(RunDirectory::requireKey);
        Map<String, String> owners = new HashMap<>();
        cameras.forEach((key, settings) -> settings.streams(key).forEach(stream -> {
            String other = owners.putIfAbsent(stream, key);
            if (other != null) {
                throw new IllegalArgumentException("cameras \"" + other + "\" and \"" + key + "\" both have a stream \""
                        + stream + "\"; give one of them another key");
            }
        }));
        cameras = Collections.unmodifiableMap(new LinkedHashMap<>(cameras));
    }

    /** Cameras in the usual run directory. */
    public static GroupConfig of(Map<String, CameraSettings> cameras) {
        return new GroupConfig(null, cameras);
    }
}
