package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.transport.KeyInUseException;
import io.github.cuframes.producer.config.RenditionForm;
import io.github.cuframes.producer.ingest.Clock;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.publish.Publisher;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ProducerGroupTest {

    private static final Path CLIP = Path.of("../samples/clips/pattern-1080p-h264.mp4");
    private static final CameraSettings PATTERN =
            settings().testPattern(PatternSpec.parse("160x120@50")).build();

    /** A clock by which waits are over when the test says so. */
    private static final class Stepped implements Clock {
        private final Semaphore waits = new Semaphore(0);

        @Override
        public long nanoTime() {
            return 0;
        }

        @Override
        public boolean await(CountDownLatch stop, long nanos) throws InterruptedException {
            while (!waits.tryAcquire(1, TimeUnit.MILLISECONDS)) {
                if (stop.getCount() == 0) {
                    return true;
                }
            }
            return false;
        }
    }

    @TempDir
    Path directory;

    private final Map<String, List<CameraState>> heard = new ConcurrentHashMap<>();
    private final Stepped clock = new Stepped();
    private final ProducerGroup group = ProducerGroup.builder()
            .clock(clock)
            .listener((before, now) -> {
                List<CameraState> states = heard.computeIfAbsent(now.key(), key -> new CopyOnWriteArrayList<>());
                assertTrue(before.canBecome(now.state()));
                if (states.isEmpty() || states.get(states.size() - 1) != now.state()) {
                    states.add(now.state());
                }
                if (now.key().equals("missing")) {
                    throw new IllegalStateException("a listener's failure is nobody else's");
                }
            })
            .build();

    private static CameraSettings.Builder settings() {
        return CameraSettings.builder().memory(Memory.HOST).threads(1);
    }

    private GroupConfig config(Object... keysAndSettings) {
        Map<String, CameraSettings> cameras = new LinkedHashMap<>();
        for (int i = 0; i < keysAndSettings.length; i += 2) {
            cameras.put((String) keysAndSettings[i], (CameraSettings) keysAndSettings[i + 1]);
        }
        return new GroupConfig(directory, cameras);
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            LockSupport.parkNanos(1_000_000);
        }
    }

    private CameraState stateOf(String key) {
        return group.camera(key).orElseThrow().state();
    }

    private void awaitState(String key, CameraState state) {
        await(() -> stateOf(key) == state);
    }

    private void awaitFrames(String key) {
        await(() -> group.producer(key).map(p -> p.counters().published()).orElse(0L) > 2);
    }

    @AfterEach
    void close() {
        group.close();
    }

    @Test
    void onlyWhatDiffersIsTouched() {
        CameraSettings other =
                settings().testPattern(PatternSpec.parse("160x120@25")).build();
        assertEquals(
                List.of("a", "b", "c"),
                group.apply(config("a", PATTERN, "b", PATTERN, "c", PATTERN)).added());
        List.of("a", "b", "c").forEach(this::awaitFrames);
        Producer a = group.producer("a").orElseThrow();
        Producer b = group.producer("b").orElseThrow();
        Producer c = group.producer("c").orElseThrow();

        ProducerGroup.Changes changes = group.apply(config("d", PATTERN, "b", other, "a", PATTERN));
        assertEquals(new ProducerGroup.Changes(List.of("d"), List.of("b"), List.of("c"), List.of("a")), changes);
        assertTrue(b.isClosed());
        assertTrue(c.isClosed());
        assertEquals(CameraState.CLOSED, heard.get("c").get(heard.get("c").size() - 1));
        List.of("a", "b", "d").forEach(this::awaitFrames);
        assertSame(a, group.producer("a").orElseThrow());
        assertFalse(a.isClosed());
        assertEquals(
                List.of("d", "b", "a"),
                group.cameras().stream().map(CameraStatus::key).toList());
        assertFalse(Files.exists(directory.resolve("c.sock")));

        assertTrue(group.apply(config("a", PATTERN, "b", other, "d", PATTERN)).isEmpty());
        assertEquals(
                List.of("a", "b", "d"),
                group.cameras().stream().map(CameraStatus::key).toList());
    }

    @Test
    void twoStreamsOfOneKeyAreRefused() {
        CameraSettings settings = settings()
                .input(CLIP.toString())
                .renditions(List.of(RenditionForm.parse("small:fps=5")))
                .build();
        String wrong = assertThrows(IllegalArgumentException.class, () -> config("a", settings, "b", settings))
                .getMessage();
        assertEquals("cameras \"a\" and \"b\" both have a stream \"small\"; give one of them another key", wrong);
        assertThrows(IllegalArgumentException.class, () -> config("small", PATTERN, "b", settings));
    }

    @Test
    void anotherRunDirectoryIsAnotherPlaceForAll() throws Exception {
        Path second = Files.createDirectory(directory.resolve("second"));
        group.apply(config("a", PATTERN));
        awaitFrames("a");
        assertEquals(
                List.of("a"),
                group.apply(new GroupConfig(second, Map.of("a", PATTERN))).changed());
        awaitFrames("a");
        assertTrue(Files.exists(second.resolve("a.sock")));
        assertFalse(Files.exists(directory.resolve("a.sock")));
    }

    @Test
    void aCameraThatCannotBeOpenedIsTriedAgainAndDoesNotStopTheOthers() throws Exception {
        Publisher holder = Publisher.builder("taken").runDirectory(directory).open();
        CameraSettings missing =
                settings().input(directory.resolve("missing.mp4").toString()).build();
        group.apply(config("taken", PATTERN, "missing", missing, "good", PATTERN));
        awaitFrames("good");
        awaitState("taken", CameraState.RETRYING);
        awaitState("missing", CameraState.RETRYING);
        assertInstanceOf(
                KeyInUseException.class, group.camera("taken").orElseThrow().lastError());
        assertTrue(group.camera("missing").orElseThrow().toString().contains("no such file"));
        assertEquals(0, group.camera("taken").orElseThrow().restarts());
        assertTrue(group.producer("taken").isEmpty());

        holder.close();
        Files.copy(CLIP, directory.resolve("missing.mp4"));
        clock.waits.release(2);
        awaitState("taken", CameraState.STREAMING);
        awaitState("missing", CameraState.ENDED);
        assertEquals(1, group.camera("taken").orElseThrow().restarts());
        assertInstanceOf(
                KeyInUseException.class, group.camera("taken").orElseThrow().lastError(), "it stays");
        assertEquals(CameraState.STREAMING, stateOf("good"));
        assertEquals(List.of(CameraState.STREAMING), heard.get("good"));
    }

    @Test
    void aCameraThatCannotBeReachedConnectsUntilItCan() {
        CameraSettings nobody = settings().input("rtsp://127.0.0.1:1/nobody").build();
        group.apply(config("nobody", nobody, "good", PATTERN));
        awaitFrames("good");
        await(() -> group.camera("nobody").orElseThrow().lastError() != null);
        assertEquals(CameraState.CONNECTING, stateOf("nobody"));
        assertTrue(Files.exists(directory.resolve("nobody.sock")), "subscribers can wait for it");
    }

    @Test
    void filesAreLeftWhenTheyHaveEnded() throws Exception {
        CameraSettings clip = settings().input(CLIP.toString()).build();
        group.apply(config("one", clip, "two", clip));
        assertTrue(group.awaitEnd(Duration.ofSeconds(50)));
        assertTrue(group.isOver());
        assertEquals(
                List.of(CameraState.ENDED, CameraState.ENDED),
                group.cameras().stream().map(CameraStatus::state).toList());
        assertFalse(Files.exists(directory.resolve("one.sock")));
        assertTrue(group.apply(config("one", clip, "two", clip)).isEmpty(), "they are not played again");
    }

    @Test
    void settingsThatCannotWorkAreGivenUp() throws Exception {
        CameraSettings wrong = settings()
                .testPattern(PatternSpec.parse("160x120@50"))
                .maxSubscribers(5000)
                .build();
        group.apply(config("wrong", wrong, "good", PATTERN));
        awaitState("wrong", CameraState.FAILED);
        awaitFrames("good");
        assertTrue(group.camera("wrong").orElseThrow().toString().contains("1 to 1024 subscribers"));
        assertFalse(group.awaitEnd(Duration.ofMillis(1)));
        assertEquals(
                List.of("wrong"),
                group.apply(config("wrong", PATTERN, "good", PATTERN)).changed());
        awaitFrames("wrong");
    }

    @Test
    void closingEndsAllAndNoMoreIsApplied() {
        group.apply(config(
                "a", PATTERN, "b", settings().input("rtsp://127.0.0.1:1/nobody").build()));
        awaitFrames("a");
        group.close();
        group.close();
        assertTrue(group.isClosed());
        assertEquals(
                List.of(CameraState.CLOSED, CameraState.CLOSED),
                group.cameras().stream().map(CameraStatus::state).toList());
        assertFalse(Files.exists(directory.resolve("a.sock")));
        assertFalse(Files.exists(directory.resolve("b.sock")));
        assertThrows(IllegalStateException.class, () -> group.apply(config()));
    }

    @Test
    void aWaitingCameraClosesAtOnce() throws Exception {
        try (Publisher holder =
                Publisher.builder("taken").runDirectory(directory).open()) {
            group.apply(config(holder.key(), PATTERN));
            awaitState("taken", CameraState.RETRYING);
            assertEquals(List.of("taken"), group.apply(config()).removed());
            assertEquals(List.of(CameraState.RETRYING, CameraState.CLOSED), heard.get("taken"));
            assertEquals(List.of(), group.cameras());
            assertFalse(group.isOver(), "there is nothing that could be");
        }
    }

    @Test
    void changesFromManyThreadsDoNotMix() throws Exception {
        List<Thread> threads = new CopyOnWriteArrayList<>();
        for (int i = 0; i < 4; i++) {
            CameraSettings own = settings()
                    .testPattern(PatternSpec.parse("160x120@" + (20 + i)))
                    .build();
            Thread thread = new Thread(() -> {
                for (int n = 0; n < 5; n++) {
                    group.apply(config("a", own, "b", PATTERN));
                }
            });
            threads.add(thread);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        awaitFrames("a");
        awaitFrames("b");
        assertEquals(List.of(CameraState.STREAMING), heard.get("b"), "never touched");
    }

    @Test
    void settingsAreCheckedBeforeAnythingIsOpened() {
        assertThrows(IllegalArgumentException.class, () -> settings().build());
        assertThrows(IllegalArgumentException.class, () -> settings()
                .input("x")
                .testPattern(PatternSpec.parse("160x120@50"))
                .build());
        assertThrows(IllegalArgumentException.class, () -> settings()
                .testPattern(PatternSpec.parse("160x120@50"))
                .filter("null")
                .build());
        assertThrows(IllegalArgumentException.class, () -> settings()
                .input("x")
                .waitForSubscribers(3)
                .maxSubscribers(2)
                .build());
        assertThrows(IllegalArgumentException.class, () -> config("no key", PATTERN));
    }
}
