package io.github.cuframes.tests.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.RtspServer;
import io.github.cuframes.tests.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command records from a camera of real RTSP plays, whatever ended the recording. */
class RecordingTest {

    /** Frames in the clips, whose numbers start over after them. */
    private static final long WRAP = 1250;

    private static final int REORDERED = 4;

    @TempDir
    Path directory;

    private static RtspServer camera(String clip) throws IOException {
        return RtspServer.builder().mount("/cam", Checkout.clip(clip)).loop().start();
    }

    private Child record(Stage stage, RtspServer camera, Path into, String... options) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                "--rtsp", camera.url("/cam"), "--rtsp-timeout", "2s", "--record", into.toString(), "--segment", "1s"));
        arguments.addAll(List.of(options));
        return stage.producer("cam", arguments.toArray(String[]::new));
    }

    private void awaitSegments(Child producer, int count) {
        Await.until(() -> count + " segments; " + producer, () -> {
            if (!producer.isAlive()) {
                throw new AssertionError(producer.toString());
            }
            return Segment.in(directory.resolve("cam")).size() >= count;
        });
    }

    /** Returns how many frames there are. */
    private static long assertSeamless(List<Path> segments) {
        List<Long> all = new ArrayList<>();
        for (Path segment : segments) {
            List<Long> numbers = Segment.numbers(segment);
            assertFalse(numbers.isEmpty(), segment + " has no frame");
            all.addAll(numbers);
        }
        // of the pictures that were on their way at the end, some that others refer to were there already
        for (int i = 1; i <= all.size() - REORDERED; i++) {
            assertEquals((all.get(i - 1) + 1) % WRAP, all.get(i), "frame " + i + " of " + all);
        }
        return all.size();
    }

    @Test
    void segmentsPlayAndNoFrameIsMissingAcrossACut() throws Exception {
        int before;
        try (RtspServer camera = camera("pattern-h264");
                Stage stage = new Stage()) {
            Child producer = record(stage, camera, directory);
            awaitSegments(producer, 3);
            camera.kill();
            before = Segment.in(directory.resolve("cam")).size();
            camera.restart();
            awaitSegments(producer, before + 1);
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
        }
        List<Path> segments = Segment.in(directory.resolve("cam"));
        for (Path segment : segments) {
            assertTrue(
                    segment.getFileName().toString().matches("cam_\\d{8}T\\d{6}\\.\\d{3}Z\\.mp4"), segment::toString);
        }
        assertTrue(assertSeamless(segments.subList(0, before)) >= 100);
        List<Path> after = segments.subList(before, segments.size());
        assertEquals(0, Segment.numbers(after.get(0)).get(0), "a reconnection begins a segment, and the clip");
        assertSeamless(after);
        Browser.assertPlays(segments.get(0), 640, 360);
    }

    @Test
    void whatWasRecordedPlaysAfterAKill() throws Exception {
        try (RtspServer camera = camera("pattern-hevc");
                Stage stage = new Stage()) {
            Child producer = record(stage, camera, directory);
            awaitSegments(producer, 2);
            producer.kill();
        }
        assertTrue(assertSeamless(Segment.in(directory.resolve("cam"))) >= 50);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aFullDiskCostsTheOldestOrTheRecordingButNoFrame(boolean retain) throws Exception {
        try (TinyDisk disk = new TinyDisk(directory, "16k");
                RtspServer camera = camera("pattern-h264");
                Stage stage = new Stage()) {
            Child producer =
                    retain ? record(stage, camera, disk.path(), "--retain", "1GB") : record(stage, camera, disk.path());
            Child subscriber = stage.subscriber("cam", "latest", "tag=1", "wrap=" + WRAP, "progress=5");
            String said = retain ? "the disk is full; " : "cannot record: ";
            Await.until(() -> said + producer, () -> producer.errors().stream().anyMatch(line -> line.contains(said)));
            long seen = subscriber.reports("progress").stream()
                    .mapToLong(report -> report.number("received"))
                    .max()
                    .orElse(0);
            subscriber.await("progress", report -> report.number("received") >= seen + 25);
            assertEquals(0, subscriber.summary().number("violations"), subscriber::toString);
            producer.signal("TERM");
            assertEquals(0, producer.awaitExit(), producer::toString);
            List<Path> segments = Segment.in(disk.path().resolve("cam"));
            assertFalse(segments.isEmpty());
            assertSeamless(segments);
        }
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsSaidAtTheStart() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        try (Stage stage = new Stage()) {
            Child producer = stage.producer(
                    "cam", "--input", Checkout.clip("pattern-h264").toString(), "--record", file.toString());
            assertEquals(1, producer.awaitExit(), producer::toString);
            assertTrue(
                    producer.errors().stream().anyMatch(line -> line.contains("cannot record to " + file)),
                    producer::toString);
            assertEquals(List.of(), stage.sockets());
        }
    }

    /** A file system of its own that is soon full; skips the test where this user may not mount one. */
    private record TinyDisk(Path path) implements AutoCloseable {

        TinyDisk(Path parent, String size) throws Exception {
            this(Files.createDirectory(parent.resolve("tiny")));
            Process mount = new ProcessBuilder(
                            "mount", "-t", "tmpfs", "-o", "size=" + size, "cuframes", path.toString())
                    .redirectErrorStream(true)
                    .start();
            String said = new String(mount.getInputStream().readAllBytes());
            Assumptions.assumeTrue(mount.waitFor() == 0, "a tmpfs cannot be mounted, which takes root: " + said);
        }

        @Override
        public void close() throws IOException {
            try {
                // lazily: a process that was just killed may still be letting go
                new ProcessBuilder("umount", "-l", path.toString())
                        .inheritIO()
                        .start()
                        .waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
