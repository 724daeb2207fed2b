package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_H264;
import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_KEY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.testing.ManualClock;
import io.github.cuframes.producer.testing.StubServer;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What taps are told, and that they cannot harm the reader. The time is that of all waits of a test, and of its clip. */
@Timeout(150)
class PacketTapTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    Path directory;

    private final TestSlots slots = new TestSlots(2);

    /** Writes down what it is told, and lets a test wait for so many connections to be over. */
    private static class Log implements PacketTap {
        private final List<String> calls = Collections.synchronizedList(new ArrayList<>());
        private final List<Double> times = Collections.synchronizedList(new ArrayList<>());
        private final CountDownLatch over;
        private PacketStreams.Stream video;

        Log(int connections) {
            over = new CountDownLatch(connections);
        }

        @Override
        public void connected(PacketStreams streams) {
            video = streams.video();
            assertEquals(AV_CODEC_ID_H264, video.parameters().codec_id());
            assertNull(streams.audio());
            calls.add("connected");
        }

        @Override
        public void packet(AVPacket packet, long captureNanos) {
            assertEquals(video.index(), packet.stream_index());
            times.add(packet.dts() * video.timeBase().toDouble());
            calls.add((packet.flags() & AV_PKT_FLAG_KEY) != 0 ? "key" : "packet");
        }

        @Override
        public void disconnected() {
            calls.add("disconnected");
            over.countDown();
        }
    }

    private static List<String> round() {
        List<String> calls = new ArrayList<>(List.of("connected"));
        for (int i = 0; i < 20; i++) {
            calls.add(i % 10 == 0 ? "key" : "packet");
        }
        calls.add("disconnected");
        return calls;
    }

    private Ingest start(SourceOptions source, PacketTap... taps) {
        IngestOptions options = IngestOptions.of(source).withTaps(List.of(taps));
        Ingest ingest = new Ingest(options, slots, (from, to, cause) -> {}, new ManualClock());
        ingest.start();
        return ingest;
    }

    private Path clip(String name) {
        return TestClip.h264(320, 240).write(directory.resolve(name), 20);
    }

    @Test
    void everyRoundOfALoopIsToldAndTimeGoesOn() throws Exception {
        Log log = new Log(2);
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(clip("clip.mp4").toString())).withLoop(true);
        try (Ingest ingest = start(source, log)) {
            assertTrue(log.over.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
            assertTrue(ingest.stop(PATIENCE));
        }
        assertEquals(round(), log.calls.subList(0, 22));
        assertEquals(round(), log.calls.subList(22, 44));
        assertEquals("disconnected", log.calls.get(log.calls.size() - 1));
        for (int i = 1; i < 40; i++) {
            assertEquals(0.04, log.times.get(i) - log.times.get(i - 1), 0.001, "packet " + i);
        }
    }

    @Test
    void everyConnectionIsTold() throws Exception {
        try (StubServer server = StubServer.sendingOnce(Files.readAllBytes(clip("clip.ts")))) {
            Log log = new Log(2);
            try (Ingest ingest = start(SourceOptions.of(SafeUrl.of("tcp://127.0.0.1:" + server.port())), log)) {
                assertTrue(log.over.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
                assertTrue(ingest.stop(PATIENCE));
            }
            assertEquals(round(), log.calls.subList(0, 22));
            assertEquals(round(), log.calls.subList(22, 44));
        }
    }

    @Test
    void aTapThatThrowsHarmsNobody() throws Exception {
        PacketTap broken = new PacketTap() {
            @Override
            public void connected(PacketStreams streams) {}

            @Override
            public void packet(AVPacket packet, long captureNanos) {
                throw new IllegalStateException("broken on purpose");
            }

            @Override
            public void disconnected() {}
        };
        Log log = new Log(1);
        try (Ingest ingest = start(SourceOptions.of(SafeUrl.of(clip("clip.mp4").toString())), broken, log)) {
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        assertEquals(round(), log.calls);
        assertEquals(20, slots.frames().size());
    }

    /** Looks until the reader happens to be in a native call. */
    private static void giveUp(Ingest ingest) {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        ingest.watch().isOverdue(0);
        while (!ingest.watch().abandon()) {
            assertFalse(ingest.state().isOver(), () -> "it is " + ingest.state() + ": " + ingest.failure());
            assertTrue(System.nanoTime() - deadline < 0, "it is never in a native call");
            Thread.yield();
            ingest.watch().isOverdue(0);
        }
    }

    @Test
    void aReaderThatIsGivenUpTellsNothingMore() throws Exception {
        CountDownLatch reading = new CountDownLatch(3);
        Log log = new Log(1) {
            @Override
            public void packet(AVPacket packet, long captureNanos) {
                super.packet(packet, captureNanos);
                reading.countDown();
            }
        };
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(clip("clip.mp4").toString())).withLoop(true);
        Ingest ingest = start(source, log);
        assertTrue(reading.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        giveUp(ingest);
        ingest.abandon();
        List<String> told = List.copyOf(log.calls);
        assertEquals("disconnected", told.get(told.size() - 1));
        assertTrue(ingest.awaitEnd(PATIENCE));
        assertEquals(told, log.calls);
    }
}
