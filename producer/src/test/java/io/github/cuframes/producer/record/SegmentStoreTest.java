package io.github.cuframes.producer.record;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Names and retention. The test is the clock. */
class SegmentStoreTest {

    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00.250Z");

    @TempDir
    Path directory;

    private Instant now = NOON;

    private final Clock clock = new Clock() {
        @Override
        public ZoneOffset getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(java.time.ZoneId zone) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Instant instant() {
            return now;
        }
    };

    private SegmentStore store(long bytes, Duration time) throws IOException {
        SegmentStore store =
                new SegmentStore(RecordOptions.of(directory, "cam.1").withRetention(bytes, time), clock);
        store.prepare();
        return store;
    }

    /** Segments of 100 bytes, one an hour, the last of which begins now. */
    private List<Path> hours(SegmentStore store, int count) throws IOException {
        List<Path> made = new ArrayList<>();
        Instant end = now;
        for (int i = count - 1; i >= 0; i--) {
            now = end.minus(Duration.ofHours(i));
            Path file = Files.write(store.next("mp4"), new byte[100]);
            Files.setLastModifiedTime(file, FileTime.from(now));
            made.add(file);
        }
        return made;
    }

    private List<Path> left() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("cam.1"))) {
            return files.sorted().toList();
        }
    }

    @Test
    void namesAreTimesInOrderEvenIfTheClockIsSetBack() throws Exception {
        SegmentStore store = store(0, null);
        Path first = store.next("mp4");
        assertEquals(directory.resolve("cam.1/cam.1_20260301T120000.250Z.mp4"), first);
        assertEquals(
                "cam.1_20260301T120000.251Z.mkv",
                store.next("mkv").getFileName().toString());
        now = NOON.minus(Duration.ofHours(1));
        assertEquals(
                "cam.1_20260301T120000.252Z.mp4",
                store.next("mp4").getFileName().toString());
        now = NOON;
        Files.createFile(first);
        assertEquals(
                "cam.1_20260301T120000.251Z.mp4",
                store(0, null).next("mp4").getFileName().toString(),
                "what another run wrote stays");
    }

    @Test
    void theOldestGoWhenThereIsTooMuch() throws Exception {
        SegmentStore store = store(250, null);
        List<Path> files = hours(store, 5);
        store.enforce(files.get(4));
        assertEquals(files.subList(3, 5), left());
        assertEquals(3, store.deleted());
    }

    @Test
    void theOpenSegmentStaysHoweverLargeItIs() throws Exception {
        SegmentStore store = store(50, null);
        List<Path> files = hours(store, 2);
        store.enforce(files.get(1));
        assertEquals(files.subList(1, 2), left());
    }

    @Test
    void whatIsTooOldGoes() throws Exception {
        SegmentStore store = store(0, Duration.ofHours(2));
        List<Path> files = hours(store, 5);
        store.enforce(files.get(4));
        assertEquals(files.subList(2, 5), left());
        now = now.plus(Duration.ofHours(1));
        store.enforce(files.get(4));
        assertEquals(files.subList(3, 5), left());
    }

    @Test
    void othersFilesStay() throws Exception {
        SegmentStore store = store(1, Duration.ofSeconds(1));
        List<Path> others = new ArrayList<>();
        for (String name : List.of(
                "cam.1_20200101T000000.000Z.mp4.bak",
                "cam.10_20200101T000000.000Z.mp4",
                "camX1_20200101T000000.000Z.mp4",
                "cam.1_20200101T000000.mp4",
                "holiday.mp4")) {
            others.add(Files.write(directory.resolve("cam.1").resolve(name), new byte[1000]));
        }
        others.add(Files.createDirectory(directory.resolve("cam.1/cam.1_20200101T000000.000Z.mp4")));
        hours(store, 3);
        now = now.plus(Duration.ofDays(1));
        store.enforce(null);
        assertEquals(others.stream().sorted().toList(), left());
    }

    @Test
    void roomIsMadeOnlyWhereSegmentsMayGo() throws Exception {
        SegmentStore keeper = store(0, null);
        List<Path> files = hours(keeper, 2);
        assertFalse(keeper.makeRoom(null));
        keeper.enforce(null);
        assertEquals(files, left());
        SegmentStore store = store(1 << 20, null);
        assertTrue(store.makeRoom(files.get(1)));
        assertEquals(files.subList(1, 2), left());
        assertFalse(store.makeRoom(files.get(1)), "there is nothing but the open one");
    }

    @Test
    void aDirectoryThatIsNoneIsSaid() throws Exception {
        Path file = Files.createFile(directory.resolve("file"));
        SegmentStore store = new SegmentStore(RecordOptions.of(file, "cam"), clock);
        IOException said = assertThrows(IOException.class, store::prepare);
        assertTrue(said.getMessage().contains("give --record a directory"), said::getMessage);
    }
}
