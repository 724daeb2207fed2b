package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUVJ420P;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.testing.ManualClock;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several streams of one decode, in host memory. */
@Timeout(60)
class RenditionIngestTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Rational FIVE = new Rational(5, 1);
    private static final int FRAMES = 40;

    @TempDir
    static Path clips;

    private static Path clip;

    @TempDir
    Path directory;

    private final TestSlots slots = new TestSlots(2);
    private final TestSlots detect = new TestSlots(2);
    private IngestCounters detected;

    @AfterEach
    void slotsWereUsedAsAgreed() {
        for (TestSlots each : List.of(slots, detect)) {
            assertEquals(List.of(), each.violations());
            assertEquals(0, each.held());
        }
    }

    @BeforeAll
    static void write() {
        clip = TestClip.h264(320, 240).write(clips.resolve("clip.mp4"), FRAMES);
    }

    private static IngestOptions options(Path input) {
        return IngestOptions.of(SourceOptions.of(SafeUrl.of(input.toString())));
    }

    private static RenditionOptions detect(String filter, Rational rate) {
        return new RenditionOptions("cam.detect", filter, 4, rate);
    }

    /** Runs to the end of the input. */
    private Ingest run(IngestOptions options, RenditionOptions rendition) throws Exception {
        return run(options, rendition, detect, Clock.SYSTEM);
    }

    private Ingest run(IngestOptions options, RenditionOptions rendition, SlotSource renditions, Clock clock)
            throws Exception {
        try (Ingest ingest = new Ingest(options, slots, (from, to, cause) -> {}, clock)) {
            detected = ingest.add(rendition, renditions);
            ingest.start();
            assertTrue(ingest.awaitEnd(PATIENCE));
            return ingest;
        }
    }

    private Ingest runToEnd(IngestOptions options, RenditionOptions rendition) throws Exception {
        Ingest ingest = run(options, rendition);
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        return ingest;
    }

    /** What a camera with that filter alone publishes. */
    private static List<TestSlots.Published> alone(Path input, String filter) throws Exception {
        TestSlots alone = new TestSlots(2);
        try (Ingest ingest = new Ingest(options(input).withFilter(filter), alone, (from, to, cause) -> {})) {
            ingest.start();
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        return alone.frames();
    }

    private static List<Long> checksums(List<TestSlots.Published> frames) {
        return frames.stream().map(TestSlots.Published::checksum).toList();
    }

    private static List<Long> times(List<TestSlots.Published> frames) {
        return frames.stream().map(TestSlots.Published::ptsNanos).toList();
    }

    /** Slots of a rendition to which nobody subscribes at times; asked at each frame behind the first. */
    private final class SomeTimes implements SlotSource {
        private final IntPredicate unwanted;
        private int frame;

        SomeTimes(IntPredicate unwanted) {
            this.unwanted = unwanted;
        }

        @Override
        public boolean leaveOut() {
            return unwanted.test(++frame);
        }

        @Override
        public void configure(StreamConfig config, int writerSlots) {
            detect.configure(config, writerSlots);
        }

        @Override
        public Slot acquire() {
            return detect.acquire();
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            scale=80:60 | false | 0,10,11,12,13,14,15,16,17,18,19,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39
            scale=80:60 | true  | 0,10,15,25,30,35
                        | false | 0,10,11,12,13,14,15,16,17,18,19,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39
            """)
    void framesThatNobodyWantsAreNotScaled(String filter, boolean thinned, String numbers) throws Exception {
        SlotSource some = new SomeTimes(frame -> frame < 10 || frame >= 20 && frame < 25);
        Ingest ingest = run(
                options(clip),
                new RenditionOptions("cam.detect", filter, 0, thinned ? FIVE : null),
                some,
                Clock.SYSTEM);
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        List<Integer> made = Stream.of(numbers.split(",")).map(Integer::valueOf).toList();
        List<TestSlots.Published> all = alone(clip, filter == null ? "null" : filter);
        assertEquals(checksums(made.stream().map(all::get).toList()), checksums(detect.frames()));
        assertEquals(times(made.stream().map(all::get).toList()), times(detect.frames()));
        assertEquals(made.size(), detected.get(IngestCounter.COPIED), "as many were filtered and copied");
        assertEquals(14, detected.get(IngestCounter.UNWANTED));
        assertEquals(FRAMES - 14 - made.size(), detected.get(IngestCounter.THINNED));
        assertEquals(FRAMES, slots.frames().size(), "the main stream does not notice");
        for (int i = 0; i < made.size(); i++) {
            TestSlots.Published frame = detect.frames().get(i);
            boolean first = made.get(i) == 10 || made.get(i) == 25;
            assertEquals(first, FrameFlag.DISCONTINUITY.in(frame.flags()), "frame " + made.get(i));
            assertEquals(0, frame.lost());
        }
    }

    @Test
    void aFilterThatKeepsFramesSeesAllOfThem() throws Exception {
        run(options(clip), detect("yadif", null), new SomeTimes(frame -> true), Clock.SYSTEM);
        assertEquals(FRAMES, detect.frames().size());
        assertEquals(0, detected.get(IngestCounter.UNWANTED));
    }

    private static <T> List<T> everyFifth(List<T> all) {
        return IntStream.range(0, all.size())
                .filter(i -> i % 5 == 0)
                .mapToObj(all::get)
                .toList();
    }

    private void assertMainIsWhole() {
        assertEquals(PlainDecode.checksums(clip), checksums(slots.frames()));
        assertTrue(slots.frames().stream().noneMatch(frame -> FrameFlag.COPIED.in(frame.flags())), "in place");
        assertTrue(slots.frames().stream().allMatch(frame -> frame.lost() == 0));
    }

    @Test
    void oneDecodeIsPublishedWholeAndSmall() throws Exception {
        Ingest ingest = runToEnd(options(clip), detect("scale=80:60", FIVE));
        assertMainIsWhole();
        assertEquals(everyFifth(checksums(alone(clip, "scale=80:60"))), checksums(detect.frames()));
        assertEquals(everyFifth(times(slots.frames())), times(detect.frames()), "their times tell which is which");

        StreamConfig config = detect.configs().get(0);
        assertEquals(1, detect.configs().size());
        assertEquals(80, config.layout().width());
        assertEquals(60, config.layout().height());
        assertEquals(FIVE, config.frameRate());
        assertEquals(slots.configs().get(0).timeBase(), config.timeBase());
        assertEquals(slots.configs().get(0).layout().format(), config.layout().format());

        assertEquals(FRAMES, ingest.counters().get(IngestCounter.DECODED), "once, whoever gets them");
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.PUBLISHED));
        assertEquals(0, ingest.counters().get(IngestCounter.COPIED));
        assertEquals(0, ingest.counters().get(IngestCounter.THINNED));
        assertEquals(FRAMES / 5, detected.get(IngestCounter.PUBLISHED));
        assertEquals(FRAMES / 5, detected.get(IngestCounter.COPIED));
        assertEquals(FRAMES - FRAMES / 5, detected.get(IngestCounter.THINNED));
        assertTrue(detect.frames().stream().allMatch(frame -> frame.lost() == 0), "what is left out is not lost");
    }

    @Test
    void aRenditionThatIsOnlySlowerIsACopy() throws Exception {
        runToEnd(options(clip), detect(null, FIVE));
        assertMainIsWhole();
        assertEquals(everyFifth(PlainDecode.checksums(clip)), checksums(detect.frames()));
        assertTrue(detect.frames().stream().allMatch(frame -> FrameFlag.COPIED.in(frame.flags())));
    }

    /** They read pictures that the decoder had put into slots, after these were published. */
    @ParameterizedTest
    @ValueSource(strings = {"tmix=frames=3", "yadif", "fps=50", "hflip,negate"})
    void aFilterThatKeepsFramesDoesNotTakeTheDecodersSlots(String filter) throws Exception {
        runToEnd(options(clip), detect(filter, null));
        assertMainIsWhole();
        assertEquals(checksums(alone(clip, filter)), checksums(detect.frames()));
        assertEquals(times(alone(clip, filter)), times(detect.frames()));
    }

    /** A decoder that keeps no picture has no slots to spare; what does not fit in is copied, and right all the same. */
    @ParameterizedTest
    @CsvSource({"4, false", "0, true"})
    void framesThatAFilterKeepsHaveSlotsIfItSaysSo(int held, boolean copied) throws Exception {
        Path own = new TestClip("mjpeg", 160, 120, AV_PIX_FMT_YUVJ420P, Map.of())
                .write(directory.resolve("clip.avi"), FRAMES);
        Ingest ingest = runToEnd(options(own), new RenditionOptions("cam.detect", "tmix=frames=4", held, null));
        assertEquals(PlainDecode.checksums(own), checksums(slots.frames()));
        assertEquals(checksums(alone(own, "tmix=frames=4")), checksums(detect.frames()));
        assertEquals(copied, ingest.counters().get(IngestCounter.COPIED) > 0);
        assertEquals(0, ingest.counters().get(IngestCounter.DROPPED_NO_SLOT));
    }

    @Test
    void aMainStreamWithAFilterDoesNotChangeTheRendition() throws Exception {
        Ingest ingest = runToEnd(options(clip).withFilter("scale=160:120").withRate(FIVE), detect("scale=80:60", null));
        assertEquals(everyFifth(checksums(alone(clip, "scale=160:120"))), checksums(slots.frames()));
        assertEquals(checksums(alone(clip, "scale=80:60")), checksums(detect.frames()));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.DECODED));
        assertEquals(FRAMES - FRAMES / 5, ingest.counters().get(IngestCounter.THINNED));
    }

    @Test
    void aRenditionWithoutSlotsLosesItsOwnFramesOnly() throws Exception {
        detect.refuse(3);
        runToEnd(options(clip), detect("scale=80:60", FIVE));
        assertMainIsWhole();
        assertEquals(3, detected.get(IngestCounter.DROPPED_NO_SLOT));
        assertEquals(FRAMES / 5 - 3, detected.get(IngestCounter.PUBLISHED));
        assertEquals(3, detect.frames().get(0).lost());
        assertEquals(0, detect.frames().get(1).lost());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "no_such_filter|No such filter: 'no_such_filter'",
                "scale=80:60:flags=nonsense|nonsense",
                "split|it has more than one open output",
                "crop=4000:3000|on these frames (yuv420p 320x240)"
            })
    void aGraphThatCannotBeUsedIsRefusedAtTheStart(String graph, String detail) throws Exception {
        Ingest ingest = run(options(clip), detect(graph, null));
        assertEquals(IngestState.FAILED, ingest.state());
        String message = ingest.failure().getMessage();
        assertTrue(
                message.startsWith("rendition \"cam.detect\": the filter \"" + graph + "\" cannot be used"), message);
        assertTrue(message.contains(detail), message);
        assertTrue(slots.frames().size() <= 1, "at the first frame at the latest");
        assertEquals(List.of(), detect.frames());
    }

    @Test
    void aGraphThatFitsTheFirstFramesOnlyFailsLaterAndAlone() throws Exception {
        Path sizes = ofSizes(320, 160, 320);
        ManualClock clock = new ManualClock();
        IngestOptions options = IngestOptions.of(
                        SourceOptions.of(SafeUrl.of(sizes.toString())).withRealtime(true))
                .withRetries(Duration.ofMillis(1), Duration.ofMillis(1));
        Ingest ingest = run(options, detect("crop=200:100", null), detect, clock);
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        assertEquals(PlainDecode.checksums(sizes), checksums(slots.frames()));
        assertEquals(10, detected.get(IngestCounter.DROPPED_FAILED), "those that are too small");
        assertEquals(20, detect.frames().size());
        assertEquals(10, detect.frames().get(10).lost());
    }

    private Path ofSizes(int... widths) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int width : widths) {
            bytes.write(Files.readAllBytes(TestClip.h264(width, 128).write(directory.resolve("part.h264"), 10)));
        }
        return Files.write(directory.resolve("clip.h264"), bytes.toByteArray());
    }

    @Test
    void anotherSizeInMidStreamIsNoNewsForAScaledRendition() throws Exception {
        Path sizes = ofSizes(320, 160, 320);
        Ingest ingest = runToEnd(options(sizes), detect("scale=80:60", null));
        assertEquals(PlainDecode.checksums(sizes), checksums(slots.frames()));
        assertEquals(
                List.of(320, 160, 320),
                slots.configs().stream().map(config -> config.layout().width()).toList());
        assertEquals(1, detect.configs().size(), "the same size as before");
        assertEquals(30, detect.frames().size());
        assertEquals(checksums(alone(sizes, "scale=80:60")), checksums(detect.frames()));
        assertEquals(30, ingest.counters().get(IngestCounter.DECODED));
    }

    @Test
    void anotherSizeInMidStreamIsOneForARenditionThatIsNotScaled() throws Exception {
        Path sizes = ofSizes(320, 160);
        runToEnd(options(sizes), detect("hflip", null));
        assertEquals(
                List.of(320, 160),
                detect.configs().stream().map(config -> config.layout().width()).toList());
        assertEquals(20, detect.frames().size());
    }

    /** Slots that cannot be had at first. */
    private static final class Scarce implements SlotSource {
        private final SlotSource slots;
        private int refusals;

        Scarce(SlotSource slots, int refusals) {
            this.slots = slots;
            this.refusals = refusals;
        }

        @Override
        public void configure(StreamConfig config, int writerSlots) throws IOException {
            if (refusals-- > 0) {
                throw new IOException("no memory today");
            }
            slots.configure(config, writerSlots);
        }

        @Override
        public Slot acquire() {
            return slots.acquire();
        }
    }

    @Test
    void aRenditionWithoutMemoryTriesAgain() throws Exception {
        IngestOptions options = IngestOptions.of(
                        SourceOptions.of(SafeUrl.of(clip.toString())).withRealtime(true))
                .withRetries(Duration.ofMillis(200), Duration.ofMillis(200));
        Ingest ingest = run(options, detect("scale=80:60", null), new Scarce(detect, 2), new ManualClock());
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        assertMainIsWhole();
        long failed = detected.get(IngestCounter.DROPPED_FAILED);
        assertTrue(failed >= 2 * 3 && failed <= 2 * 6, () -> failed + " frames within two waits of 100 to 200 ms");
        assertEquals(FRAMES - failed, detected.get(IngestCounter.PUBLISHED));
        assertEquals(failed, detect.frames().get(0).lost());
        assertEquals(checksums(alone(clip, "scale=80:60")).subList((int) failed, FRAMES), checksums(detect.frames()));
    }

    @Test
    void aBreakIsToldInEachStream() throws Exception {
        Path own = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 12);
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(own.toString())).withLoop(true).withRealtime(true);
        ManualClock clock = new ManualClock();
        try (Ingest ingest = new Ingest(IngestOptions.of(source), slots, (from, to, cause) -> {}, clock)) {
            ingest.add(detect("scale=80:60", FIVE), detect);
            ingest.start();
            while (clock.waits().size() < 40 && !ingest.state().isOver()) {
                Thread.onSpinWait();
            }
            assertTrue(ingest.stop(PATIENCE));
        }
        List<TestSlots.Published> frames = detect.frames();
        assertTrue(frames.size() >= 9, () -> frames.size() + " frames");
        for (int i = 0; i < frames.size(); i++) {
            // of each round of twelve the first, the sixth and the eleventh
            assertEquals(
                    i > 0 && i % 3 == 0,
                    FrameFlag.DISCONTINUITY.in(frames.get(i).flags()),
                    "frame " + i);
            assertEquals(frames.get(i % 3).checksum(), frames.get(i).checksum(), "frame " + i);
        }
    }

    @Test
    void picturesThatNobodyWantsAreNotDecodedWhereEachIsByItself() throws Exception {
        Path own = new TestClip("mjpeg", 160, 120, AV_PIX_FMT_YUVJ420P, Map.of())
                .write(directory.resolve("clip.avi"), FRAMES);
        Ingest ingest = runToEnd(options(own).withRate(FIVE), detect("scale=80:60", new Rational(25, 10)));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.PACKETS));
        assertEquals(FRAMES / 5, ingest.counters().get(IngestCounter.DECODED));
        assertEquals(FRAMES / 5, ingest.counters().get(IngestCounter.PUBLISHED));
        assertEquals(FRAMES - FRAMES / 5, ingest.counters().get(IngestCounter.THINNED));
        assertEquals(FRAMES / 10, detected.get(IngestCounter.PUBLISHED));
        assertEquals(FRAMES - FRAMES / 10, detected.get(IngestCounter.THINNED));
        assertEquals(everyFifth(PlainDecode.checksums(own)), checksums(slots.frames()));
    }

    @Test
    void picturesThatARenditionWantsAreDecoded() throws Exception {
        Path own = new TestClip("mjpeg", 160, 120, AV_PIX_FMT_YUVJ420P, Map.of())
                .write(directory.resolve("clip.avi"), FRAMES);
        Ingest ingest = runToEnd(options(own).withRate(FIVE), detect("scale=80:60", null));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.DECODED));
        assertEquals(FRAMES, detected.get(IngestCounter.PUBLISHED));
        assertEquals(FRAMES / 5, ingest.counters().get(IngestCounter.PUBLISHED));
        assertFalse(slots.frames().get(1).lost() > 0);
    }
}
