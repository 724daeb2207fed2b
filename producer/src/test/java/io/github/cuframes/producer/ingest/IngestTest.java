package io.github.cuframes.producer.ingest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.testing.ManualClock;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.StubServer;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class IngestTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    private final TestSlots slots = new TestSlots(2);
    private final List<IngestState> states = Collections.synchronizedList(new ArrayList<>());
    private final Semaphore connections = new Semaphore(0);

    private Ingest ingest(IngestOptions options, Clock clock) {
        Ingest ingest = new Ingest(
                options,
                slots,
                (from, to, cause) -> {
                    states.add(to);
                    if (to == IngestState.STREAMING) {
                        connections.release();
                    }
                },
                clock);
        ingest.start();
        return ingest;
    }

    @ParameterizedTest
    @ValueSource(strings = {"mp4", "mkv", "ts", "h264"})
    void aLoopGoesOnInTime(String container) throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip." + container), 10);
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(clip.toString())).withLoop(true).withRealtime(true);
        // two and a half rounds' waits, and the loop is stopped
        ManualClock clock = new ManualClock();
        try (Ingest ingest = ingest(IngestOptions.of(source), clock)) {
            while (clock.waits().size() < 25 && !ingest.state().isOver()) {
                Thread.onSpinWait();
            }
            assertTrue(ingest.stop(PATIENCE));
        }
        List<TestSlots.Published> frames = slots.frames();
        assertTrue(frames.size() > 20, () -> frames.size() + " frames");
        for (int i = 1; i < frames.size(); i++) {
            assertEquals(
                    40_000_000, frames.get(i).ptsNanos() - frames.get(i - 1).ptsNanos(), 1_000_000);
            assertEquals(i % 10 == 0, FrameFlag.DISCONTINUITY.in(frames.get(i).flags()), "frame " + i);
            assertEquals(frames.get(i % 10).checksum(), frames.get(i).checksum());
        }
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void realtimeWaitsForEachFrame() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 26);
        SourceOptions source = SourceOptions.of(SafeUrl.of(clip.toString())).withRealtime(true);
        ManualClock clock = new ManualClock();
        try (Ingest ingest = ingest(IngestOptions.of(source), clock)) {
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        assertEquals(
                1_000_000_000L,
                clock.waits().stream().mapToLong(Long::longValue).sum(),
                1_000_000);
        assertEquals(List.of(IngestState.CONNECTING, IngestState.STREAMING, IngestState.ENDED), states);
    }

    @Test
    void aLostConnectionIsMadeAgain() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.ts"), 20);
        try (StubServer server = StubServer.sendingOnce(Files.readAllBytes(clip))) {
            IngestOptions options = IngestOptions.of(SourceOptions.of(SafeUrl.of("tcp://127.0.0.1:" + server.port())));
            ManualClock clock = new ManualClock();
            try (Ingest ingest = ingest(options, clock)) {
                assertTrue(connections.tryAcquire(4, PATIENCE.toSeconds(), TimeUnit.SECONDS));
                assertTrue(ingest.stop(PATIENCE));
                assertTrue(ingest.counters().get(IngestCounter.RECONNECTS) >= 3);
                assertEquals(IngestState.CLOSED, ingest.state());
            }
        }
        List<TestSlots.Published> frames = slots.frames();
        List<Long> expected = PlainDecode.checksums(clip);
        assertTrue(frames.size() >= 60);
        for (int i = 0; i < 60; i++) {
            assertEquals(expected.get(i % 20), frames.get(i).checksum(), "what the decoder held was published");
            assertEquals(
                    i > 0 && i % 20 == 0,
                    FrameFlag.DISCONTINUITY.in(frames.get(i).flags()),
                    "frame " + i);
        }
        assertEquals(1, slots.configs().size());
        assertEquals(
                List.of(
                        IngestState.CONNECTING,
                        IngestState.STREAMING,
                        IngestState.WAITING,
                        IngestState.CONNECTING,
                        IngestState.STREAMING),
                states.subList(0, 5));
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
    }

    @Test
    void garbageAfterAReconnectionIsNoEnd() throws Exception {
        byte[] clip = Files.readAllBytes(TestClip.h264(320, 240).write(directory.resolve("clip.ts"), 20));
        byte[] garbage = new byte[100_000];
        new Random(1).nextBytes(garbage);
        try (StubServer server = StubServer.sendingInTurn(clip, garbage)) {
            IngestOptions options = IngestOptions.of(SourceOptions.of(SafeUrl.of("tcp://127.0.0.1:" + server.port())));
            try (Ingest ingest = ingest(options, new ManualClock())) {
                assertTrue(connections.tryAcquire(4, PATIENCE.toSeconds(), TimeUnit.SECONDS));
                assertTrue(ingest.stop(PATIENCE));
                assertEquals(IngestState.CLOSED, ingest.state());
            }
        }
        assertTrue(slots.frames().size() >= 40, "it streamed again");
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void theFirstFailureIsFinalUnlessToldOtherwise() throws Exception {
        SafeUrl url = SafeUrl.of("rtsp://admin:hunter2@127.0.0.1:1/stream");
        IngestOptions options = IngestOptions.of(SourceOptions.of(url));
        try (Ingest ingest = ingest(options, new ManualClock())) {
            assertTrue(ingest.awaitEnd(PATIENCE));
            assertEquals(IngestState.FAILED, ingest.state());
            InputException failure = assertInstanceOf(InputException.class, ingest.failure());
            assertSame(InputException.Kind.REFUSED, failure.kind());
        }
    }

    @Test
    void patientFromTheStartWaitsLongerEachTime() throws Exception {
        SafeUrl url = SafeUrl.of("rtsp://admin:hunter2@127.0.0.1:1/stream");
        ManualClock clock = new ManualClock();
        try (Ingest ingest = ingest(IngestOptions.of(SourceOptions.of(url)).withRetryFirst(true), clock)) {
            while (clock.waits().size() < 15) {
                Thread.onSpinWait();
            }
            assertTrue(ingest.stop(PATIENCE));
            assertEquals(IngestState.CLOSED, ingest.state());
        }
        List<Long> waits = clock.waits();
        for (long wait : waits.subList(0, 8)) {
            assertTrue(wait >= 250_000_000L && wait <= 500_000_000L, waits::toString);
        }
        assertTrue(waits.get(14) >= 7_500_000_000L && waits.get(14) <= 15_000_000_000L, waits::toString);
    }

    @Test
    void stoppingEndsAWaitForTheNextAttempt() throws Exception {
        IngestOptions options = IngestOptions.of(SourceOptions.of(SafeUrl.of("rtsp://127.0.0.1:1/stream")))
                .withRetryFirst(true)
                .withRetries(Duration.ofHours(1), Duration.ofHours(1));
        try (Ingest ingest = ingest(options, Clock.SYSTEM)) {
            while (ingest.state() != IngestState.WAITING) {
                Thread.onSpinWait();
            }
            assertTrue(ingest.stop(PATIENCE));
            assertEquals(IngestState.CLOSED, ingest.state());
        }
    }

    @Test
    void damagedPacketsAreSurvived() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.h264"), 40);
        byte[] bytes = Files.readAllBytes(clip);
        // from the third tenth to the fourth, within the second and third group of ten pictures
        for (int i = 3 * bytes.length / 10; i < 4 * bytes.length / 10; i++) {
            bytes[i] = (byte) (bytes[i] ^ (i * 31 | 1));
        }
        Path damaged = directory.resolve("damaged.h264");
        Files.write(damaged, bytes);
        try (Ingest ingest = ingest(IngestOptions.of(SourceOptions.of(SafeUrl.of(damaged.toString()))), Clock.SYSTEM)) {
            assertTrue(ingest.awaitEnd(PATIENCE));
            assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
            long errors = ingest.counters().get(IngestCounter.DECODE_ERRORS);
            long corrupt = ingest.counters().get(IngestCounter.CORRUPT);
            assertTrue(errors + corrupt > 0, () -> errors + " errors, " + corrupt + " corrupt");
            assertEquals(
                    corrupt,
                    slots.frames().stream()
                            .filter(frame -> FrameFlag.CORRUPT.in(frame.flags()))
                            .count());
        }
        List<Long> whole = PlainDecode.checksums(clip);
        List<Long> sums =
                slots.frames().stream().map(TestSlots.Published::checksum).toList();
        assertEquals(whole.subList(0, 10), sums.subList(0, 10));
        assertEquals(whole.subList(30, 40), sums.subList(sums.size() - 10, sums.size()));
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
    }

    @Test
    void twelveAtATime() throws Exception {
        // JavaCPP has ten trampolines for each type of callback
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 10);
        List<Long> expected = PlainDecode.checksums(clip);
        List<TestSlots> all = new ArrayList<>();
        List<Ingest> ingests = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            TestSlots mine = new TestSlots(2);
            all.add(mine);
            SourceOptions source = SourceOptions.of(SafeUrl.of(clip.toString())).withRealtime(true);
            ingests.add(new Ingest(IngestOptions.of(source), mine, (from, to, cause) -> {}));
        }
        ingests.forEach(Ingest::start);
        for (Ingest ingest : ingests) {
            assertTrue(ingest.awaitEnd(PATIENCE));
            assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
            ingest.close();
        }
        for (TestSlots mine : all) {
            assertEquals(
                    expected,
                    mine.frames().stream().map(TestSlots.Published::checksum).toList());
            assertEquals(List.of(), mine.violations());
        }
    }

    @Test
    void statesHaveNoOtherEdges() {
        assertTrue(IngestState.STREAMING.canBecome(IngestState.WAITING));
        assertFalse(IngestState.CLOSED.canBecome(IngestState.CONNECTING));
        assertFalse(IngestState.ENDED.canBecome(IngestState.STREAMING));
        for (IngestState state : IngestState.values()) {
            boolean silent = state == IngestState.CLOSED || state == IngestState.ABANDONED;
            assertEquals(!silent, state.canBecome(IngestState.CLOSED));
            assertEquals(!state.isOver(), state.canBecome(IngestState.ABANDONED));
        }
    }
}
