package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.decode.CudaWriter;
import io.github.cuframes.producer.decode.SlotWriter;
import io.github.cuframes.producer.testing.GpuRing;
import io.github.cuframes.producer.testing.ManualClock;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.StubServer;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.standin.StandInControl.Kind;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.LoggerFactory;

/** From a file to slots on a GPU without NVDEC: decoded in software, uploaded, perhaps filtered on the way. */
class GpuIngestTest extends StandInTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Path CLIPS = Path.of("src/test/resources/clips");
    private static final int FRAMES = 12;

    @TempDir
    Path directory;

    private CudaContext context;
    private CudaMemoryAllocator allocator;
    private GpuRing ring;
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void open() throws Exception {
        context = CudaContext.retain(Cuda.device("0"));
        allocator = new CudaMemoryAllocator(context);
        ring = new GpuRing(control, allocator, 2);
        log.start();
        logger().addAppender(log);
        logger().setLevel(Level.WARN);
        logger().setAdditive(false);
    }

    @AfterEach
    void close() {
        logger().setAdditive(true);
        logger().setLevel(null);
        logger().detachAppender(log);
        ring.close();
        assertEquals(List.of(), ring.violations());
        assertEquals(0, ring.held());
        context.close();
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(CudaWriter.class);
    }

    private static IngestOptions options(Path clip) {
        return IngestOptions.of(SourceOptions.of(SafeUrl.of(clip.toString())));
    }

    private Ingest onGpu(IngestOptions options, Clock clock, IngestListener listener) {
        return new Ingest(options, filtered -> new CudaWriter(ring, allocator, context, !filtered), listener, clock);
    }

    /** Runs to the end of the file. */
    private Ingest run(IngestOptions options) throws Exception {
        Ingest ingest = onGpu(options, Clock.SYSTEM, (from, to, cause) -> {});
        ingest.start();
        assertTrue(ingest.awaitEnd(PATIENCE));
        ingest.close();
        return ingest;
    }

    private Ingest runToEnd(IngestOptions options) throws Exception {
        Ingest ingest = run(options);
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        return ingest;
    }

    /** What the same input becomes in host memory. */
    private static TestSlots onHost(IngestOptions options) throws Exception {
        TestSlots slots = new TestSlots(2);
        try (Ingest ingest =
                new Ingest(options, filtered -> new SlotWriter(slots, !filtered), (from, to, cause) -> {})) {
            ingest.start();
            assertTrue(ingest.awaitEnd(PATIENCE));
            assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        }
        assertEquals(List.of(), slots.violations());
        return slots;
    }

    private void assertSameAs(TestSlots host) {
        assertEquals(host.frames().stream().map(TestSlots.Published::checksum).toList(), ring.checksums());
        assertEquals(
                host.frames().stream().map(TestSlots.Published::ptsNanos).toList(),
                ring.frames().stream().map(GpuRing.Published::ptsNanos).toList());
        int last = host.configs().size() - 1;
        assertEquals(
                host.configs().get(last).layout().format(),
                ring.configs().get(ring.configs().size() - 1).layout().format());
        assertEquals(
                host.configs().get(last).colour(),
                ring.configs().get(ring.configs().size() - 1).colour());
    }

    private Path clip(String encoder, String format, String container) {
        int number = av_get_pix_fmt(format);
        return new TestClip(encoder, 162, 122, number, encoder.equals("libopenh264") ? Map.of("g", "5") : Map.of())
                .write(directory.resolve("clip." + container), FRAMES);
    }

    @ParameterizedTest
    @CsvSource({
        "libopenh264, yuv420p, mp4, YUV420P",
        "mjpeg, yuvj420p, avi, YUV420P",
        "mjpeg, yuvj422p, avi, YUV422P",
        "ffv1, yuv422p, mkv, YUV422P",
        "ffv1, yuv444p, mkv, YUV444P",
        "ffv1, gray, mkv, GRAY8",
        "ffv1, yuv420p10le, mkv, YUV420P10",
        "ffv1, yuv444p10le, mkv, YUV444P10",
        "rawvideo, bgr24, avi, BGR24"
    })
    void whatNvdecCannotDecodeIsUploadedUnchanged(String encoder, String format, String container, PixelFormat ours)
            throws Exception {
        Path clip = clip(encoder, format, container);
        Ingest ingest = runToEnd(options(clip));
        assertEquals(PlainDecode.checksums(clip), ring.checksums());
        assertSameAs(onHost(options(clip)));
        assertEquals(ours, ring.configs().get(0).layout().format());
        assertEquals(1, ring.configs().size());
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.UPLOADED));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.COPIED));
        assertEquals(0, ingest.counters().get(IngestCounter.CONVERTED));
        assertTrue(ring.frames().stream().allMatch(frame -> FrameFlag.COPIED.in(frame.flags())));
        assertTrue(ring.frames().stream().allMatch(frame -> frame.captureNanos() != 0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"hevc-10bit-322x182.mkv", "h264-cropped-left.mkv", "h264-interlaced-320x180.mkv"})
    void otherClipsToo(String clip) throws Exception {
        runToEnd(options(CLIPS.resolve(clip)));
        assertEquals(PlainDecode.checksums(CLIPS.resolve(clip)), ring.checksums());
        assertSameAs(onHost(options(CLIPS.resolve(clip))));
    }

    @Test
    void aFormatThatSubscribersDoNotKnowIsConvertedAndUploaded() throws Exception {
        Path clip = clip("ffv1", "yuv440p", "mkv");
        Ingest ingest = runToEnd(options(clip));
        assertSameAs(onHost(options(clip)));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.CONVERTED));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.UPLOADED));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.COPIED));
    }

    /** The stand-in of NVDEC's library says that the GPU decodes AV1 with 8 bits, and is none that FFmpeg could use. */
    @Test
    void av1IsDecodedInSoftwareWhereNvdecCannotAndOnlyThere() throws Exception {
        assumeTrue(TestClip.has("libsvtav1"), "no AV1 encoder");
        Path deep = new TestClip("libsvtav1", 320, 184, AV_PIX_FMT_YUV420P10LE, Map.of("preset", "10"))
                .write(directory.resolve("deep.mkv"), FRAMES);
        Ingest ingest = runToEnd(options(deep));
        assertEquals(PlainDecode.checksums(deep), ring.checksums());
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.UPLOADED));
        String warning = log.list.get(0).getFormattedMessage();
        assertTrue(warning.contains("does not decode AV1 as yuv420p10le, 320x184"), warning);

        Path clip = new TestClip("libsvtav1", 320, 184, AV_PIX_FMT_YUV420P, Map.of("preset", "10"))
                .write(directory.resolve("clip.mkv"), FRAMES);
        Ingest refused = run(options(clip));
        assertEquals(IngestState.FAILED, refused.state());
        String message = refused.failure().getMessage();
        assertTrue(message.contains("Cannot load libnvcuvid.so.1"), message);
        assertTrue(message.endsWith("use --memory host"), message);
    }

    @Test
    void softwareIsWarnedOfOnceWithTheReason() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.ts"), 20);
        Semaphore connections = new Semaphore(0);
        try (StubServer server = StubServer.sendingOnce(Files.readAllBytes(clip))) {
            SourceOptions source = SourceOptions.of(SafeUrl.of("tcp://127.0.0.1:" + server.port()));
            try (Ingest ingest = onGpu(IngestOptions.of(source), new ManualClock(), (from, to, cause) -> {
                if (to == IngestState.STREAMING) {
                    connections.release();
                }
            })) {
                ingest.start();
                assertTrue(connections.tryAcquire(3, PATIENCE.toSeconds(), TimeUnit.SECONDS));
                assertTrue(ingest.stop(PATIENCE));
            }
        }
        List<String> warnings = log.list.stream()
                .map(ILoggingEvent::getFormattedMessage)
                .filter(message -> message.contains("in software"))
                .toList();
        assertEquals(1, warnings.size(), warnings.toString());
        assertTrue(warnings.get(0).contains("NVDEC cannot decode this stream (yuv420p 320x240"), warnings.get(0));
        assertTrue(ring.frames().size() >= 40);
        assertEquals(1, ring.configs().size(), "the stream is the same after a reconnection");
        for (int i = 1; i < 40; i++) {
            assertEquals(
                    i % 20 == 0, FrameFlag.DISCONTINUITY.in(ring.frames().get(i).flags()), "frame " + i);
        }
    }

    @Test
    void nothingIsPublishedBeforeTheGpuHasIt() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 3);
        ring.whenConfigured(() -> control.blockAll(true));
        try (Ingest ingest = onGpu(options(clip), Clock.SYSTEM, (from, to, cause) -> {})) {
            ingest.start();
            while (control.calls("cuEventSynchronize") == 0) {
                Thread.onSpinWait();
            }
            assertTrue(control.pending(0) > 0);
            assertEquals(List.of(), ring.frames());
            control.blockAll(false);
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        assertEquals(PlainDecode.checksums(clip), ring.checksums());
    }

    @Test
    void framesWithoutASlotAreCountedAndTold() throws Exception {
        Path clip = clip("mjpeg", "yuvj420p", "avi");
        ring.whenConfigured(() -> ring.refuse(2));
        Ingest ingest = runToEnd(options(clip));
        assertEquals(2, ingest.counters().get(IngestCounter.DROPPED_NO_SLOT));
        assertEquals(FRAMES - 2, ingest.counters().get(IngestCounter.PUBLISHED));
        assertEquals(2, ring.frames().get(0).lost());
        assertEquals(0, ring.frames().get(1).lost());
    }

    @ParameterizedTest
    @ValueSource(strings = {"fps=5", "fps=50", "null", "setpts=2*PTS"})
    void aFilterOnTheGpuGivesWhatItGivesInHostMemory(String graph) throws Exception {
        // time stamps in 1/25 s, which are too coarse for fps=50
        Path clip = clip("mjpeg", "yuvj420p", "avi");
        ring.whenConfigured(
                () -> assertEquals(1, control.live(Kind.CONTEXTS), "the filter uses the process's context"));
        Ingest ingest = runToEnd(options(clip).withFilter(graph));
        assertEquals(
                onHost(options(clip).withFilter(graph)).frames().stream()
                        .map(TestSlots.Published::ptsNanos)
                        .toList(),
                ring.frames().stream().map(GpuRing.Published::ptsNanos).toList());
        long published = ingest.counters().get(IngestCounter.PUBLISHED);
        assertEquals(ring.frames().size(), published);
        assertEquals(published, ingest.counters().get(IngestCounter.UPLOADED));
        assertEquals(published, ingest.counters().get(IngestCounter.COPIED));
        assertEquals(1, ring.configs().size());
        Set<Long> times = new TreeSet<>(
                ring.frames().stream().map(GpuRing.Published::ptsNanos).toList());
        assertEquals(published, times.size(), "each frame has a time of its own");
        assertTrue(PlainDecode.checksums(clip).containsAll(ring.checksums()), "pixels are what was decoded");
        assertTrue(ring.frames().stream().allMatch(frame -> frame.captureNanos() != 0));
    }

    @Test
    void aFilterTellsItsRateAndTimes() throws Exception {
        Path clip = clip("mjpeg", "yuvj420p", "avi");
        runToEnd(options(clip).withFilter("fps=5"));
        assertEquals(new Rational(5, 1), ring.configs().get(0).frameRate());
        assertEquals(new Rational(1, 5), ring.configs().get(0).timeBase());
        for (int i = 0; i < ring.frames().size(); i++) {
            GpuRing.Published frame = ring.frames().get(i);
            assertEquals(i, frame.pts());
            assertEquals(200_000_000L * i, frame.ptsNanos());
            assertEquals(200_000_000L, frame.durationNanos());
        }
        assertTrue(ring.frames().size() >= 2, () -> ring.frames().size() + " frames");
    }

    @Test
    void inHostMemoryAFilterMayScale() throws Exception {
        Path clip = clip("libopenh264", "yuv420p", "mp4");
        TestSlots slots = onHost(options(clip).withFilter("scale=80:60,fps=5"));
        assertEquals(1, slots.configs().size(), "no generation of the decoder's size");
        assertEquals(80, slots.configs().get(0).layout().width());
        assertEquals(new Rational(5, 1), slots.configs().get(0).frameRate());
        assertTrue(slots.frames().size() >= 2);
        assertTrue(slots.frames().stream().allMatch(frame -> FrameFlag.COPIED.in(frame.flags())));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "scale_cuda=80:60|scale_cuda=80:60",
                "no_such_filter|No such filter: 'no_such_filter'",
                "fps=often|often",
                "split|it has more than one open output",
                "scale=80:60|"
            })
    void aFilterThatCannotBeUsedIsWhyItFails(String graph, String detail) throws Exception {
        Ingest ingest = run(options(clip("mjpeg", "yuvj420p", "avi")).withFilter(graph));
        assertEquals(IngestState.FAILED, ingest.state());
        String message = ingest.failure().getMessage();
        assertTrue(message.startsWith("the filter \"" + graph + "\" "), message);
        assertTrue(message.contains("https://ffmpeg.org/ffmpeg-filters.html"), message);
        assertTrue(detail == null || message.contains(detail), message);
        assertFalse(message.contains("\n"), message);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anotherSizeInMidStreamLosesNothing(boolean filtered) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int width : new int[] {320, 160, 320}) {
            Path part = TestClip.h264(width, 128).write(directory.resolve("part.h264"), 10);
            bytes.write(Files.readAllBytes(part));
        }
        Path clip = Files.write(directory.resolve("clip.h264"), bytes.toByteArray());
        runToEnd(filtered ? options(clip).withFilter("fps=25") : options(clip));
        assertEquals(
                List.of(320, 160, 320),
                ring.configs().stream().map(config -> config.layout().width()).toList());
        assertEquals(PlainDecode.checksums(clip), ring.checksums());
    }

    @Test
    void aLoopDrainsTheFilterAndMarksTheGap() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 10);
        SourceOptions source =
                SourceOptions.of(SafeUrl.of(clip.toString())).withLoop(true).withRealtime(true);
        ManualClock clock = new ManualClock();
        try (Ingest ingest = onGpu(IngestOptions.of(source).withFilter("fps=25"), clock, (from, to, cause) -> {})) {
            ingest.start();
            while (clock.waits().size() < 25 && !ingest.state().isOver()) {
                Thread.onSpinWait();
            }
            assertTrue(ingest.stop(PATIENCE));
        }
        List<GpuRing.Published> frames = ring.frames();
        List<Long> plain = PlainDecode.checksums(clip);
        assertTrue(frames.size() >= 20, () -> frames.size() + " frames");
        for (int i = 0; i < frames.size(); i++) {
            assertEquals(plain.get(i % 10), frames.get(i).checksum(), "frame " + i);
            assertEquals(
                    i > 0 && i % 10 == 0,
                    FrameFlag.DISCONTINUITY.in(frames.get(i).flags()),
                    "frame " + i);
        }
        assertEquals(1, ring.configs().size());
    }
}
