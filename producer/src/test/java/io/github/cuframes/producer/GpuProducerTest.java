package io.github.cuframes.producer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.pattern.PatternSpec;
import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.protocol.layout.SourceState;
import io.github.cuframes.standin.OpenDescriptors;
import io.github.cuframes.standin.StandInControl.Kind;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A producer's whole life in GPU memory, and every way in which the driver can refuse. */
class GpuProducerTest extends StandInTest {

    private static final Duration LONG = Duration.ofSeconds(30);
    private static final int OUT_OF_MEMORY = 2;
    private static final int FRAMES = 4;

    /** What these undo cannot be undone in another way: when they fail, something stays, see {@link UndoingFails}. */
    static final Set<String> UNDOING = Set.of(
            "cuDevicePrimaryCtxRelease_v2",
            "cuStreamDestroy_v2",
            "cuEventDestroy_v2",
            "cuMemUnmap",
            "cuMemAddressFree",
            "cuMemRelease",
            "cuMemFree_v2",
            "cuCtxPushCurrent_v2",
            "cuCtxPopCurrent_v2");

    @TempDir
    Path directory;

    private ProducerBuilder builder(String key) {
        return Producer.builder(key).publish(publisher -> publisher.runDirectory(directory));
    }

    private Path clip() {
        return TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), FRAMES);
    }

    @ParameterizedTest
    @ValueSource(strings = {"auto", "cuda", "cuda-ipc"})
    void aFileIsPublishedFromTheGpu(String memory) throws Exception {
        Path clip = clip();
        Memory kind = Stream.of(Memory.values())
                .filter(value -> value.label().equals(memory))
                .findFirst()
                .orElseThrow();
        try (Producer producer =
                builder("cam").input(clip.toString()).memory(kind).open()) {
            assertTrue(producer.awaitEnd(LONG));
            assertEquals(FRAMES, producer.counters().published());
            assertEquals(FRAMES, producer.counters().copied());
            assertEquals(FRAMES, producer.sourceCounters().get(IngestCounter.UPLOADED));
        }
    }

    @Test
    void aGpuThatCannotShareItsMemoryIsPassedOverByAuto() throws Exception {
        control.set(StandInDriver.NO_VMM_FD, 1);
        Path clip = clip();
        try (Producer producer = builder("cam").input(clip.toString()).open()) {
            assertTrue(producer.awaitEnd(LONG));
            assertEquals(0, producer.sourceCounters().get(IngestCounter.UPLOADED));
            assertEquals(0, producer.counters().copied());
        }
        IOException e = assertThrows(
                IOException.class,
                () -> builder("cam").input(clip.toString()).memory(Memory.CUDA).open());
        assertTrue(e.getMessage().contains("use --memory cuda-ipc or host"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "GPU-00000000-0000-0000-0000-000000000007", "first"})
    void aGpuThatIsNotThereIsNamedWithThoseThatAre(String gpu) {
        for (Memory memory : new Memory[] {Memory.AUTO, Memory.CUDA}) {
            IOException e = assertThrows(
                    IOException.class,
                    () -> builder("cam").input("a.mp4").memory(memory).gpu(gpu).open());
            assertTrue(
                    e.getMessage().contains("there is no GPU \"" + gpu + "\"; this process sees [0 ("), e.getMessage());
        }
    }

    @Test
    void eachCameraIsOnTheGpuThatItNames() throws Exception {
        control.set(StandInDriver.GPUS, 2);
        try (Producer producer = builder("cam")
                .testPattern(PatternSpec.parse("160x120@100"))
                .gpu("1")
                .open()) {
            while (producer.counters().published() < 3) {
                Thread.onSpinWait();
            }
            assertEquals(0, control.allocated(0));
            assertEquals(producer.counters().memoryBytes(), control.allocated(1));
        }
        try (Producer producer = builder("cam")
                .input(clip().toString())
                .filter("fps=25")
                .gpu("1")
                .open()) {
            assertTrue(producer.awaitEnd(LONG));
            assertEquals(FRAMES, producer.counters().published());
            assertEquals(0, control.allocated(0), "the filter is on that GPU, too");
            assertEquals(0, control.calls("cuCtxCreate"), "no context but the process's");
        }
        assertEquals(0, control.allocated(1));
    }

    @Test
    void severalProducersShareOneContext() throws Exception {
        List<Producer> producers = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            producers.add(builder("cam" + i)
                    .testPattern(PatternSpec.parse("160x120@100"))
                    .open());
        }
        assertEquals(12, control.live(Kind.CONTEXTS), "holds on the one primary context");
        assertEquals(12, control.live(Kind.STREAMS));
        for (Producer producer : producers) {
            while (producer.counters().published() < 2) {
                Thread.onSpinWait();
            }
            producer.close();
        }
        assertEquals(Map.of(), control.live());
    }

    @Test
    void aGpuThatBreaksWhileFramesFlowIsWhyItFailed() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("long.mp4"), 50);
        try (Producer producer = builder("cam")
                .input(clip.toString())
                .loop(true)
                .realtime(true)
                .memory(Memory.CUDA)
                .open()) {
            while (producer.counters().published() < 3) {
                Thread.onSpinWait();
            }
            control.breakDevice(0, 700);
            IOException e = assertThrows(IOException.class, () -> producer.awaitEnd(LONG));
            assertTrue(e.getMessage().contains("CUDA_ERROR_ILLEGAL_ADDRESS"), e.getMessage());
            assertEquals(SourceState.FAILED, producer.state());
            control.reset(); // a broken GPU frees nothing; this one can be mended
        }
    }

    @Test
    void whatTheDriverDoesNotTakeBackHoldsNobodyUp() throws Exception {
        Path clip = clip();
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dcuframes.cuda.library=" + StandInDriver.build(),
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        Path report = directory.resolve("report");
        Path output = directory.resolve("output");
        command.addAll(List.of(UndoingFails.class.getName(), directory.toString(), clip.toString(), report.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertTrue(process.waitFor(50, TimeUnit.SECONDS), () -> tail(report));
        assertEquals(0, process.exitValue(), () -> tail(report) + tail(output));
        assertEquals("all came to an end", tail(report));
    }

    private static String tail(Path file) {
        try {
            List<String> lines = Files.readAllLines(file);
            return String.join(
                    "\n", lines.subList(Math.max(0, lines.size() - (file.endsWith("report") ? 1 : 40)), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String describe(Throwable e) {
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    /** What came of a life in which one call failed: null if all frames were published all the same. */
    private Throwable live(ProducerBuilder builder) throws InterruptedException {
        try (Producer producer = builder.open()) {
            assertTrue(producer.awaitEnd(LONG), "neither ended nor failed");
            return null;
        } catch (IOException e) {
            return e;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "fps=25", "rendition"})
    void whateverTheDriverRefusesIsASentenceAndLeavesNothing(String filter) throws Exception {
        Path clip = clip();
        Supplier<ProducerBuilder> camera = () -> {
            ProducerBuilder builder = builder("cam").input(clip.toString()).memory(Memory.CUDA);
            if (filter.equals("rendition")) {
                return builder.rendition("cam.detect", rendition -> rendition.filter("null"));
            }
            return filter.isEmpty() ? builder : builder.filter(filter);
        };
        assertEquals(null, live(camera.get()));
        control.reset();
        assertEquals(null, live(camera.get()));
        Map<String, Long> called = new TreeMap<>(control.called());
        OpenDescriptors open = OpenDescriptors.now();
        List<String> outcomes = new ArrayList<>();
        int failures = 0;
        for (Map.Entry<String, Long> entry : called.entrySet()) {
            String function = entry.getKey();
            long calls = entry.getValue();
            boolean undoing = UNDOING.contains(function);
            for (long nth = 1; nth <= calls && !undoing; nth += nth < 4 ? 1 : Math.max(1, (calls - nth) / 2)) {
                control.reset();
                control.fail(function, (int) nth, OUT_OF_MEMORY);
                Throwable e = live(camera.get());
                String outcome = function + " " + nth + ": " + (e == null ? "none" : describe(e));
                outcomes.add(outcome);
                if (e != null) {
                    failures++;
                    assertTrue(e.getMessage() != null && !e.getMessage().contains("fault"), outcome);
                }
                assertEquals(Map.of(), control.live(), outcome);
                assertEquals(0, control.allocated(0), outcome);
            }
        }
        assertTrue(failures > 20, () -> String.join("\n", outcomes));
        open.assertNothingNew("every failure");
    }
}
