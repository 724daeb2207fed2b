package io.github.cuframes.producer.config;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Notices that a file is another one than before, by looking: that works for files that are written in place, for editors that
 * rename, and for symbolic links that are switched as Kubernetes does. For one thread.
 */
public final class FileWatch {

    /** A file counts when nobody has changed it for so long: writers write in pieces. */
    public static final Duration SETTLED = Duration.ofMillis(500);

    /** What tells one state of the file from another; null stands for a file that is not there. */
    private record Trace(Object file, long modified, long size) {}

    private final Path file;
    private Trace told;
    private Trace seen;
    private long seenAt;

    /** Watches a file from its state now on. */
    public FileWatch(Path file) {
        this.file = file;
        told = trace();
        seen = told;
    }

    /**
     * Looks at the file.
     *
     * @param nanos monotonic time
     * @return whether it has changed since the last time that this was said, and is settled
     */
    public boolean hasChanged(long nanos) {
        Trace now = trace();
        if (!Objects.equals(now, seen)) {
            seen = now;
            seenAt = nanos;
            return false;
        }
        if (Objects.equals(seen, told) || nanos - seenAt < SETTLED.toNanos()) {
            return false;
        }
        told = seen;
        return true;
    }

    /** Follows links: what counts is the file at the end. */
    private Trace trace() {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new Trace(
                    attributes.fileKey(), attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS), attributes.size());
        } catch (IOException e) {
            return null; // loading it says why
        }
    }
}
