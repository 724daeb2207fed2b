package io.github.cuframes.producer.config;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileWatchTest {

    private static final long SETTLED = FileWatch.SETTLED.toNanos();

    @TempDir
    Path directory;

    private Path file;
    private long now = Long.MAX_VALUE - SETTLED; // monotonic time may wrap

    @BeforeEach
    void write() throws IOException {
        file = Files.writeString(directory.resolve("cameras.yaml"), "one");
    }

    private boolean after(FileWatch watch, long nanos) {
        now += nanos;
        return watch.hasChanged(now);
    }

    private void assertChangesOnce(FileWatch watch) {
        assertFalse(after(watch, SETTLED), "just seen");
        assertFalse(after(watch, SETTLED - 1), "not settled");
        assertTrue(after(watch, 1));
        assertFalse(after(watch, 10 * SETTLED), "said already");
    }

    @Test
    void aFileThatIsWrittenInPlaceHasChangedOnceItIsSettled() throws Exception {
        FileWatch watch = new FileWatch(file);
        assertFalse(after(watch, 10 * SETTLED));
        Files.writeString(file, "three");
        assertChangesOnce(watch);
    }

    @Test
    void aWriterThatPausesIsWaitedFor() throws Exception {
        FileWatch watch = new FileWatch(file);
        Files.writeString(file, "half of");
        assertFalse(after(watch, SETTLED));
        Files.writeString(file, "half of it, and the other");
        assertChangesOnce(watch);
    }

    @Test
    void anEditorThatRenamesIsNoticedThoughTimeAndSizeAreTheSame() throws Exception {
        FileTime time = Files.getLastModifiedTime(file);
        FileWatch watch = new FileWatch(file);
        Path written = Files.writeString(directory.resolve("cameras.yaml.tmp"), "two");
        Files.setLastModifiedTime(written, time);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        assertChangesOnce(watch);
    }

    /** The file is a link to ..data/cameras.yaml, and ..data a link to a directory that is switched. */
    @Test
    void aLinkOnTheWayThatIsSwitchedIsNoticedAsInKubernetes() throws Exception {
        Path volume = Files.createDirectory(directory.resolve("volume"));
        Files.writeString(Files.createDirectory(volume.resolve("..1")).resolve("cameras.yaml"), "one");
        Files.writeString(Files.createDirectory(volume.resolve("..2")).resolve("cameras.yaml"), "two");
        Path data = Files.createSymbolicLink(volume.resolve("..data"), Path.of("..1"));
        Path link = Files.createSymbolicLink(volume.resolve("cameras.yaml"), Path.of("..data/cameras.yaml"));
        FileWatch watch = new FileWatch(link);

        Path next = Files.createSymbolicLink(volume.resolve("..data_tmp"), Path.of("..2"));
        Files.move(next, data, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        assertChangesOnce(watch);
    }

    @Test
    void aFileThatGoesAndComesBackIsNoticedAndAShortGapIsNot() throws Exception {
        FileWatch watch = new FileWatch(file);
        Path aside = directory.resolve("aside");
        Files.move(file, aside);
        assertFalse(after(watch, SETTLED));
        Files.move(aside, file);
        assertFalse(after(watch, SETTLED));
        assertFalse(after(watch, SETTLED), "it is as it was");

        Files.delete(file);
        assertChangesOnce(watch);
        Files.writeString(file, "two");
        assertChangesOnce(watch);
    }
}
