package io.github.cuframes.producer.record;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;

/**
 * Where to record, in which pieces, and how much of it to keep.
 *
 * @param directory recordings of all cameras; each has a directory of its own in it, named by its key
 * @param key the camera
 * @param segment how long a segment is; it ends at the first key frame after that
 * @param retainBytes the most that the camera's segments take, the open one included; 0 for no limit
 * @param retainFor for how long a segment is kept after it was last written; null for no limit
 */
public record RecordOptions(Path directory, String key, Duration segment, long retainBytes, Duration retainFor) {

    /** Ten minutes. */
    public static final Duration DEFAULT_SEGMENT = Duration.ofMinutes(10);

    /** Checks the values. */
    public RecordOptions {
        Objects.requireNonNull(directory, "directory");
        Objects.requireNonNull(key, "key");
        if (segment.compareTo(Duration.ofSeconds(1)) < 0 || segment.compareTo(Duration.ofDays(1)) > 0) {
            throw new IllegalArgumentException("a segment of " + segment + " is out of range; give 1 s to 24 h");
        }
        if (retainBytes < 0) {
            throw new IllegalArgumentException("no valid size to keep: " + retainBytes);
        }
        if (retainFor != null && (retainFor.isZero() || retainFor.isNegative())) {
            throw new IllegalArgumentException("no valid time to keep recordings: " + retainFor);
        }
    }

    /** Segments of ten minutes, all of which are kept. */
    public static RecordOptions of(Path directory, String key) {
        return new RecordOptions(directory, key, DEFAULT_SEGMENT, 0, null);
    }

    /** The same with segments of another length. */
    public RecordOptions withSegment(Duration value) {
        return new RecordOptions(directory, key, value, retainBytes, retainFor);
    }

    /** The same, keeping so much: bytes, 0 for any number of them, and a time, null for ever. */
    public RecordOptions withRetention(long bytes, Duration time) {
        return new RecordOptions(directory, key, segment, bytes, time);
    }

    /** Whether segments may be deleted at all. */
    boolean mayDelete() {
        return retainBytes > 0 || retainFor != null;
    }
}
