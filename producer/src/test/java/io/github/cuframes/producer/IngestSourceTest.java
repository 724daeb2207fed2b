package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.decode.SlotWriter;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.PacketTap;
import io.github.cuframes.producer.ingest.RenditionOptions;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.record.RecordOptions;
import io.github.cuframes.producer.record.Recorder;
import io.github.cuframes.producer.record.RecorderCounters;
import io.github.cuframes.producer.record.RecorderState;
import io.github.cuframes.producer.testing.Sample;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.Watchdog;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Decoders that hang within avcodec_send_packet, where FFmpeg asks for a buffer. The test is the clock. */
@Timeout(60)
class IngestSourceTest {

    private static final long SECOND = 1_000_000_000L;
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** What a decoder asks for while it decodes: hangs when it is told to, in the thread that is within FFmpeg. */
    private final class Hanging implements FrameWriter {
        private final FrameWriter writer;

        Hanging(FrameWriter writer) {
            this.writer = writer;
        }

        @Override
        public int allocate(AVCodecContext codec, AVFrame frame, int flags) {
            int code = writer.allocate(codec, frame, flags);
            if (hang.compareAndSet(true, false)) {
                hanging.incrementAndGet(); // with the slot in its hands
                release.acquireUninterruptibly();
            }
            return code;
        }

        @Override
        public void prepare(AVCodecContext codec) {
            writer.prepare(codec);
        }

        @Override
        public void finished() {
            writer.finished();
        }

        @Override
        public void begin(Rational base, Rational rate) {
            writer.begin(base, rate);
        }

        @Override
        public Outcome publish(AVFrame frame, FrameInfo info) throws IOException {
            return writer.publish(frame, info);
        }

        @Override
        public FrameWriter another(SlotSource slots) throws IOException {
            return writer.another(slots);
        }

        @Override
        public void reserve(int frames) {
            writer.reserve(frames);
        }

        @Override
        public void watch(CallWatch watch) {
            writer.watch(watch);
        }

        @Override
        public void close() {
            writer.close();
            closed.countDown();
        }
    }

    private record Event(SourceState state, IOException cause) {}

    @TempDir
    Path directory;

    private final AtomicBoolean hang = new AtomicBoolean();
    private final AtomicInteger hanging = new AtomicInteger();
    private final Semaphore release = new Semaphore(0);
    private final CountDownLatch closed = new CountDownLatch(1);
    private final List<Event> events = new CopyOnWriteArrayList<>();
    private final Watchdog watchdog = new Watchdog(0);
    private final List<PacketTap> taps = new ArrayList<>();
    private long now;
    private Publisher publisher;

    @BeforeEach
    void open() throws IOException {
        publisher = Publisher.builder("cam").runDirectory(directory).open();
    }

    @AfterEach
    void close() {
        release.release(1_000);
        publisher.close();
    }

    private IngestSource source(int maxHung, boolean restartable) throws Exception {
        return source(maxHung, restartable, List.of());
    }

    private IngestSource source(int maxHung, boolean restartable, List<IngestSource.Rendition> renditions)
            throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 25);
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(clip.toString())).withLoop(true).withRealtime(true);
        IngestOptions options =
                IngestOptions.of(source).withCallTimeout(Duration.ofSeconds(10)).withTaps(taps);
        IngestSource made = new IngestSource(
                new IngestSource.Parts("cam", options, publisher, this::writers, renditions, maxHung, restartable),
                watchdog,
                (state, cause) -> events.add(new Event(state, cause)));
        made.start();
        return made;
    }

    private FrameWriters writers(SlotSource slots) {
        return filtered -> new Hanging(new SlotWriter(slots, !filtered));
    }

    private static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.currentThread().isInterrupted()) {
                throw new AssertionError("interrupted, because it takes too long");
            }
            Thread.onSpinWait();
        }
    }

    private void awaitFrames(int more) {
        long from = publisher.counters().published();
        await(() -> publisher.counters().published() >= from + more);
    }

    /** Lets so much of the watchdog's time go by. */
    private void pass(long seconds) {
        for (long end = now + seconds * SECOND; now < end; ) {
            now += Watchdog.PERIOD.toNanos();
            watchdog.check(now);
        }
    }

    /** Lets time go by until the call counts as hung, and no more. */
    private void passUntilGivenUp(IngestSource source) {
        long before = source.counters().get(IngestCounter.HANGS);
        while (source.counters().get(IngestCounter.HANGS) == before) {
            now += Watchdog.PERIOD.toNanos();
            watchdog.check(now);
            assertTrue(now < 1_000 * SECOND, "it is never given up");
        }
    }

    private void hangOnce() {
        int before = hanging.get();
        hang.set(true);
        await(() -> hanging.get() > before);
    }

    private SourceState lastState() {
        return events.get(events.size() - 1).state();
    }

    @Test
    void aCameraThatHangsIsStartedAgainBesideTheHungCall() throws Exception {
        IngestSource source = source(3, true);
        awaitFrames(5);
        hangOnce();
        pass(9);
        assertEquals(SourceState.STREAMING, lastState(), "it may just be slow");
        PublisherCounters hung = publisher.counters();
        passUntilGivenUp(source);
        assertTrue(now < 11 * SECOND, "and as slow as that it is not");
        assertEquals(SourceState.RECONNECTING, lastState());
        String told = events.get(events.size() - 1).cause().getMessage();
        assertTrue(told.contains("giving the decoder a packet") && told.contains("was given up"), told);
        assertEquals(1, source.counters().get(IngestCounter.HANGS));

        pass(1); // the wait is half a second at most
        awaitFrames(5);
        assertEquals(SourceState.STREAMING, lastState());
        assertEquals(
                hung.generation() + 1, publisher.counters().generation(), "other slots than those of the hung one");
        assertTrue(publisher.counters().memoryBytes() > hung.memoryBytes(), "whose memory stays");
        assertEquals(1, source.counters().get(IngestCounter.RECONNECTS), "its first frame is a break");

        // the call returns after all: nothing of what it does is seen, and what it has is freed
        long published = source.counters().get(IngestCounter.PUBLISHED);
        release.release();
        closed.await();
        awaitFrames(5);
        assertEquals(hung.generation() + 1, publisher.counters().generation());
        assertTrue(source.counters().get(IngestCounter.PUBLISHED) >= published + 5);
        assertEquals(SourceState.STREAMING, lastState());
        assertEquals(
                List.of(),
                events.stream().filter(e -> e.state() == SourceState.FAILED).toList());
        assertEquals(
                publisher.counters().published(),
                source.counters().get(IngestCounter.PUBLISHED),
                "no frame but those of readers that were not given up");
        await(() -> publisher.counters().memoryBytes() <= hung.memoryBytes());
        assertTrue(source.stop(PATIENCE), "nothing uses a slot any more");
    }

    @Test
    void itsRenditionsAreStartedAgainWithIt() throws Exception {
        try (Publisher detect =
                Publisher.builder("cam.detect").runDirectory(directory).open()) {
            IngestSource source = source(
                    3,
                    true,
                    List.of(new IngestSource.Rendition(
                            new RenditionOptions("cam.detect", "scale=80:60", 1, null), detect)));
            awaitFrames(5);
            hangOnce();
            PublisherCounters hung = detect.counters();
            passUntilGivenUp(source);
            pass(1);
            awaitFrames(5);
            await(() -> detect.counters().published() >= hung.published() + 5);
            assertEquals(hung.generation() + 1, detect.counters().generation(), "the slots of the hung one stay its");

            release.release();
            closed.await();
            awaitFrames(5);
            assertTrue(source.stop(PATIENCE));
            assertEquals(hung.generation() + 1, detect.counters().generation());
            long published = detect.counters().published();
            assertEquals(published, source.renditionCounters(0).get(IngestCounter.PUBLISHED), "of both readers");
            assertEquals(1, source.renditionCounters(0).get(IngestCounter.GAPS));
            assertEquals(publisher.counters().published(), published);
        }
    }

    @Test
    void itsRecordingGoesOnWithTheReaderThatTakesOver() throws Exception {
        Recorder recorder = Recorder.open(RecordOptions.of(directory.resolve("rec"), "cam"));
        try (recorder) {
            taps.add(recorder);
            IngestSource source = source(3, true);
            awaitFrames(5);
            hangOnce();
            await(() -> recorder.counters().packets() >= 5);
            passUntilGivenUp(source);
            await(() -> recorder.state() == RecorderState.WAITING); // the segment is complete without the hung reader
            RecorderCounters hung = recorder.counters();
            pass(1);
            await(() -> recorder.counters().packets() >= hung.packets() + 5);
            release.release(); // the hung reader's thread goes on, and nothing of what it does is recorded
            closed.await();
            await(() -> recorder.counters().packets() >= hung.packets() + 30);
            assertTrue(source.stop(PATIENCE));
        }
        RecorderCounters all = recorder.counters();
        assertEquals(0, all.dropped() + all.errors(), all::toString);
        assertEquals(RecorderState.CLOSED, recorder.state());
        List<Path> segments;
        try (Stream<Path> files = Files.list(directory.resolve("rec/cam"))) {
            segments = files.sorted().toList();
        }
        assertEquals(all.segments(), segments.size());
        assertEquals(
                all.packets(),
                segments.stream().mapToInt(it -> Sample.of(it).size()).sum());
        List<String> clip = Sample.bytes(Sample.of(directory.resolve("clip.mp4")), true);
        for (Path segment : segments) { // each reader and each round begins with the clip
            List<String> recorded = Sample.bytes(Sample.of(segment), true);
            assertFalse(recorded.isEmpty());
            assertEquals(clip.subList(0, recorded.size()), recorded, segment::toString);
        }
    }

    @Test
    void slotsOfAHungDecoderAreNotUsedAgain() throws Exception {
        IngestSource source = source(3, true);
        awaitFrames(5);
        hangOnce();
        int before = publisher.counters().slotsInUse();
        assertTrue(before > 1, "the newest frame's and the one that is being written");
        pass(12);
        awaitFrames(25);
        // those of the successor are of another generation; these are neither free nor gone
        assertTrue(publisher.counters().slotsInUse() > before);
        assertFalse(source.stop(PATIENCE), "the hung thread may still write");
        publisher.close();
        assertTrue(publisher.counters().memoryBytes() > 0);
    }

    @Test
    void tooManyThatHangEndIt() throws Exception {
        IngestSource source = source(1, true);
        awaitFrames(5);
        hangOnce();
        pass(12);
        awaitFrames(5);
        hangOnce();
        passUntilGivenUp(source);
        assertEquals(SourceState.FAILED, lastState());
        IOException cause = events.get(events.size() - 1).cause();
        assertInstanceOf(HangException.class, cause);
        assertTrue(cause.getMessage().contains("2 calls hang by now, more than the 1"), cause.getMessage());
        assertEquals(2, source.counters().get(IngestCounter.HANGS));
        int said = events.size();
        pass(100);
        assertEquals(said, events.size(), "it is not started again");
        assertFalse(source.stop(PATIENCE));
    }

    private static Set<Thread> readers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("cuframes-ingest-"))
                .collect(Collectors.toSet());
    }

    @Test
    void callsThatReturnedDoNotCountAsHung() throws Exception {
        Set<Thread> others = readers();
        IngestSource source = source(1, true);
        for (int i = 0; i < 3; i++) {
            awaitFrames(5);
            hangOnce();
            passUntilGivenUp(source);
            assertEquals(SourceState.RECONNECTING, lastState(), "time " + i);
            release.release();
            await(() -> others.containsAll(readers()));
            pass(20);
        }
        awaitFrames(5);
        assertEquals(3, source.counters().get(IngestCounter.HANGS));
        assertTrue(source.stop(PATIENCE));
    }

    @Test
    void aFileThatIsToComeOnceIsNotStartedOver() throws Exception {
        IngestSource source = source(3, false);
        awaitFrames(5);
        hangOnce();
        passUntilGivenUp(source);
        assertEquals(SourceState.FAILED, lastState());
        String message = events.get(events.size() - 1).cause().getMessage();
        assertTrue(message.contains("not started over"), message);
        assertFalse(source.stop(PATIENCE));
    }

    @Test
    void closingWhileItWaitsToStartAgainStartsNothing() throws Exception {
        IngestSource source = source(3, true);
        awaitFrames(5);
        hangOnce();
        passUntilGivenUp(source);
        source.stop(PATIENCE);
        long published = publisher.counters().published();
        pass(100);
        assertEquals(SourceState.RECONNECTING, lastState());
        assertEquals(published, publisher.counters().published());
    }
}
