package io.github.cuframes.producer.ingest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.decode.CudaWriter;
import io.github.cuframes.producer.testing.GpuRing;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.standin.StandInControl.Kind;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Several streams of one decode on a GPU without NVDEC and kernels: uploaded, thinned, filtered by what has no kernels. */
class GpuRenditionTest extends StandInTest {

    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int FRAMES = 20;

    @TempDir
    Path directory;

    private CudaContext context;
    private CudaMemoryAllocator allocator;
    private GpuRing ring;
    private GpuRing detect;
    private Path clip;
    private IngestCounters detected;

    @BeforeEach
    void open() throws Exception {
        context = CudaContext.retain(Cuda.device("0"));
        allocator = new CudaMemoryAllocator(context);
        ring = new GpuRing(control, allocator, 2);
        detect = new GpuRing(control, allocator, 2);
        clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), FRAMES);
    }

    @AfterEach
    void close() {
        for (GpuRing each : List.of(ring, detect)) {
            each.close();
            assertEquals(List.of(), each.violations());
            assertEquals(0, each.held());
        }
        context.close();
    }

    private Ingest ingest(String filter, Rational rate) {
        Ingest ingest = new Ingest(
                IngestOptions.of(SourceOptions.of(SafeUrl.of(clip.toString()))),
                filtered -> new CudaWriter(ring, allocator, context, !filtered),
                (from, to, cause) -> {});
        detected = ingest.add(new RenditionOptions("cam.detect", filter, 4, rate), detect);
        return ingest;
    }

    private static Ingest runToEnd(Ingest ingest) throws Exception {
        ingest.start();
        assertTrue(ingest.awaitEnd(PATIENCE));
        ingest.close();
        assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
        return ingest;
    }

    private static <T> List<T> everyFifth(List<T> all) {
        return IntStream.range(0, all.size())
                .filter(i -> i % 5 == 0)
                .mapToObj(all::get)
                .toList();
    }

    @ParameterizedTest
    @CsvSource({",", "null,", ",5", "null,5"})
    void bothStreamsAreOnTheGpuInMemoryOfTheirOwn(String filter, Integer fps) throws Exception {
        detect.whenConfigured(() -> assertEquals(1, control.live(Kind.STREAMS), "one for the camera"));
        Ingest ingest = runToEnd(ingest(filter, fps == null ? null : new Rational(fps, 1)));
        List<Long> plain = PlainDecode.checksums(clip);
        List<Long> times =
                ring.frames().stream().map(GpuRing.Published::ptsNanos).toList();
        assertEquals(plain, ring.checksums());
        assertEquals(fps == null ? plain : everyFifth(plain), detect.checksums());
        assertEquals(
                fps == null ? times : everyFifth(times),
                detect.frames().stream().map(GpuRing.Published::ptsNanos).toList());

        Set<Long> addresses = new HashSet<>();
        ring.frames().forEach(frame -> addresses.add(frame.address()));
        assertTrue(detect.frames().stream().noneMatch(frame -> addresses.contains(frame.address())));

        int expected = fps == null ? FRAMES : FRAMES / 5;
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.DECODED));
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.UPLOADED));
        assertEquals(expected, detected.get(IngestCounter.PUBLISHED));
        assertEquals(expected, detected.get(IngestCounter.COPIED));
        assertEquals(expected, detected.get(IngestCounter.UPLOADED));
        assertTrue(detect.frames().stream().allMatch(frame -> FrameFlag.COPIED.in(frame.flags())));
    }

    @Test
    void nothingIsPublishedBeforeTheGpuHasIt() throws Exception {
        detect.whenConfigured(() -> control.blockAll(true));
        try (Ingest ingest = ingest("null", null)) {
            ingest.start();
            while (detect.configs().isEmpty() || control.pending(0) == 0) {
                Thread.onSpinWait();
            }
            assertEquals(List.of(), detect.frames());
            assertEquals(1, ring.frames().size(), "the main stream was first");
            control.blockAll(false);
            assertTrue(ingest.awaitEnd(PATIENCE));
        }
        assertEquals(PlainDecode.checksums(clip), detect.checksums());
    }

    @Test
    void aRenditionWithoutSlotsLosesItsOwnFramesOnly() throws Exception {
        detect.whenConfigured(() -> detect.refuse(3));
        runToEnd(ingest("null", null));
        assertEquals(FRAMES, ring.frames().size());
        assertTrue(ring.frames().stream().allMatch(frame -> frame.lost() == 0));
        assertEquals(3, detected.get(IngestCounter.DROPPED_NO_SLOT));
        assertEquals(FRAMES - 3, detect.frames().size());
        assertEquals(3, detect.frames().get(0).lost());
    }

    @Test
    void aGraphThatCannotBeUsedIsRefusedBeforeAnyFrame() throws Exception {
        Ingest ingest = ingest("scale_cuda=80:60", null);
        ingest.start();
        assertTrue(ingest.awaitEnd(PATIENCE));
        ingest.close();
        assertEquals(IngestState.FAILED, ingest.state());
        String message = ingest.failure().getMessage();
        assertTrue(message.startsWith("rendition \"cam.detect\": the filter \"scale_cuda=80:60\" "), message);
        assertEquals(List.of(), ring.frames());
    }
}
