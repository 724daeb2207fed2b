package io.github.cuframes.producer.record;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One camera's segments on disk: their names, and which of them have to go. Touches no file that is not named as it names
 * them, and never the newest, which may be open. One thread's.
 */
final class SegmentStore {

    private static final Logger LOG = LoggerFactory.getLogger(SegmentStore.class);

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss.SSS'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private record Segment(Path file, long bytes, Instant written) {}

    private final RecordOptions options;
    private final Clock clock;
    private final Path directory;
    private final Pattern names;
    private Instant lastStart = Instant.EPOCH;
    private long deleted;

    SegmentStore(RecordOptions options, Clock clock) {
        this.options = options;
        this.clock = clock;
        directory = options.directory().resolve(options.key());
        names = Pattern.compile(Pattern.quote(options.key()) + "_\\d{8}T\\d{6}\\.\\d{3}Z\\.(mp4|mkv)");
    }

    /** Makes the directory; throws if it cannot be written to. */
    void prepare() throws IOException {
        try {
            Files.createDirectories(directory);
            Files.delete(Files.createTempFile(directory, ".cuframes", ".try")); // permissions do not tell, root may all
        } catch (IOException e) {
            String reason = e.getClass().getSimpleName() + ": " + e.getMessage();
            throw new IOException(
                    "cannot record to " + directory + " (" + reason
                            + "); give --record a directory that can be written to",
                    e);
        }
    }

    Path directory() {
        return directory;
    }

    /** A name for a segment that begins now: it sorts after all before it, even if the clock was set back meanwhile. */
    Path next(String extension) {
        Instant start = clock.instant();
        if (!start.isAfter(lastStart.plusMillis(1))) {
            start = lastStart.plusMillis(1);
        }
        Path file = named(start, extension);
        while (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            start = start.plusMillis(1);
            file = named(start, extension);
        }
        lastStart = start;
        return file;
    }

    private Path named(Instant start, String extension) {
        return directory.resolve(options.key() + "_" + TIME.format(start) + "." + extension);
    }

    /** Deletes what is too old, and the oldest of what is too much; {@code open} stays in any case, null if there is none. */
    void enforce(Path open) {
        if (!options.mayDelete()) {
            return;
        }
        List<Segment> segments = list();
        long bytes = segments.stream().mapToLong(Segment::bytes).sum();
        for (Segment segment : segments) {
            boolean tooMuch = options.retainBytes() > 0 && bytes > options.retainBytes();
            boolean tooOld = options.retainFor() != null
                    && segment.written().plus(options.retainFor()).isBefore(clock.instant());
            if ((tooMuch || tooOld) && !segment.file().equals(open) && delete(segment)) {
                bytes -= segment.bytes();
            }
        }
    }

    /** Deletes the oldest segment, for want of space; false if there is none, or nothing may be deleted. */
    boolean makeRoom(Path open) {
        if (options.mayDelete()) {
            for (Segment segment : list()) {
                if (!segment.file().equals(open) && delete(segment)) {
                    LOG.warn("{}: the disk is full; {} had to go", options.key(), segment.file());
                    return true;
                }
            }
        }
        return false;
    }

    private boolean delete(Segment segment) {
        try {
            if (Files.deleteIfExists(segment.file())) {
                deleted++;
            }
            return true;
        } catch (IOException e) {
            LOG.warn("{}: cannot delete an old segment: {}", options.key(), e.toString());
            return false;
        }
    }

    /** Segments, oldest first. */
    private List<Segment> list() {
        List<Segment> found = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
            for (Path file : files) {
                if (names.matcher(file.getFileName().toString()).matches()) {
                    addIfThere(found, file);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            LOG.warn("{}: cannot list {}: {}", options.key(), directory, e.toString());
        }
        found.sort(Comparator.comparing(Segment::file));
        return found;
    }

    private static void addIfThere(List<Segment> found, Path file) throws IOException {
        try {
            BasicFileAttributes facts =
                    Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            if (facts.isRegularFile()) {
                found.add(
                        new Segment(file, facts.size(), facts.lastModifiedTime().toInstant()));
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} was deleted by somebody else", file);
        }
    }

    long deleted() {
        return deleted;
    }
}
