package io.github.cuframes.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.standin.StandInNvml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The benchmarks of frames on a GPU, with the stand-in driver in the GPU's place: frames are decoded in software and
 * uploaded, and no figure means anything, but what flows must add up.
 */
@Tag("slow")
@Timeout(180)
class GpuBenchmarksTest {

    /** The stand-in driver's first device. */
    private static final String FIRST_GPU = "GPU-63756672-616d-6573-4000-807374616e00";

    private static Path driver;

    @BeforeAll
    static void buildDriver() {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElseThrow());
        driver = StandInDriver.build();
    }

    /** In a process of its own, whose loader and whose children's finds the stand-in. */
    private static String run(Class<?> benchmark, String... arguments) throws IOException, InterruptedException {
        return run(List.of("-Xmx128m"), Map.of(), benchmark, arguments);
    }

    private static String run(
            List<String> flags, Map<String, String> environment, Class<?> benchmark, String... arguments)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), benchmark.getName(), "--markdown"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment()
                .putAll(Map.of("LD_LIBRARY_PATH", driver.getParent().toString()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), output);
        return output;
    }

    private static String clip() {
        return "--clip=" + BenchmarksTest.clip("pattern-h264");
    }

    @Test
    void latencyOfFramesOnAGpu() throws Exception {
        String output = run(
                LatencyBenchmark.class,
                "--memory=cuda",
                "--size=640x360",
                "--subscribers=2",
                "--mode=bare,blocking",
                "--rate=100",
                "--rounds=1",
                "--frames=10",
                "--settle=3",
                "--warm-up=20",
                "--warm-up-rate=500",
                "--write");
        assertTrue(output.contains("frames in cuda memory"), output);
        List<String> blocking = BenchmarksTest.row(output, "640x360", "2", "blocking");
        assertTrue(Integer.parseInt(blocking.get(3).split(" ")[0]) > 0, output);
        assertTrue(BenchmarksTest.number(blocking, 4) > 0, output);
    }

    @Test
    void decodingTakesTurnsWithARingAndItsSubscribers() throws Exception {
        String output = run(
                DecodeRateBenchmark.class, clip(), "--plain=software", "--decoders=2", "--rounds=2", "--seconds=0.3");
        List<String> plain = BenchmarksTest.row(output, "2", "FFmpeg alone");
        assertTrue(BenchmarksTest.number(plain, 2) > 0, output);
        assertEquals("", plain.get(4));
        for (String way : List.of("ring", "ring, a subscriber each")) {
            List<String> row = BenchmarksTest.row(output, "2", way);
            assertTrue(BenchmarksTest.number(row, 4) > 0, output);
            assertTrue(BenchmarksTest.number(row, 6) > 0, output);
            assertEquals(0, BenchmarksTest.number(row, 8), output);
        }
        assertTrue(BenchmarksTest.number(BenchmarksTest.row(output, "2", "ring, a subscriber each"), 9) > 0, output);
    }

    @Test
    void frameMemoryComesAndGoes() throws Exception {
        String output = run(VramBenchmark.class, clip(), "--cameras=2", "--subscribers=3");
        List<String> rings = BenchmarksTest.row(output, "2 rings of 1080p alone");
        assertTrue(BenchmarksTest.number(rings, 2) >= 2 * 3 * 3, "two rings of three frames of 3 MB\n" + output);
        assertEquals(0, BenchmarksTest.number(BenchmarksTest.row(output, "rings closed"), 2));
        List<String> alone = BenchmarksTest.row(output, "cameras");
        List<String> followed = BenchmarksTest.row(output, "cameras, subscribers each: 3");
        assertTrue(BenchmarksTest.number(followed, 2) > BenchmarksTest.number(alone, 2), output);
        assertEquals(0, BenchmarksTest.number(BenchmarksTest.row(output, "cameras closed"), 2));
    }

    @Test
    @Timeout(400) // up to eight processes, one after the other
    void aBoxIsLookedAtByItsGpusName(@TempDir Path directory) throws Exception {
        String output = run(
                List.of("-Xmx128m", "-Dcuframes.nvml.library=" + StandInNvml.build(directory)),
                Map.of(StandInNvml.OTHER_WHOLE, FIRST_GPU),
                BoxBenchmark.class,
                clip(),
                "--cameras=1",
                "--subscribers=1",
                "--minutes=0.06",
                "--other-minutes=0.04",
                "--warm-up=1",
                "--policy=fifo:30",
                "--least=10",
                // the stand-in neither decodes nor runs kernels
                "--plain=software",
                "--unscaled");
        assertTrue(output.contains("box: ok"), output);
        assertTrue(BenchmarksTest.number(BenchmarksTest.row(output, "small frames received"), 1) > 0, output);
        List<String> busy = BenchmarksTest.row(output, "NVDEC busy, %, mean");
        assertEquals(List.of("37.0", "37.0"), busy.subList(1, 3));
        // what one process takes, the stand-in does not tell another one: only that it is asked shows
        assertEquals("0.0", BenchmarksTest.row(output, "GPU memory, MiB").get(1));
        assertTrue(
                BenchmarksTest.number(BenchmarksTest.row(output, "frame memory, by the publishers, MiB"), 1) > 0,
                output);
    }

    @Test
    void aSoakCountsWhatComesAndGoes() throws Exception {
        String output = run(
                SoakBenchmark.class,
                clip(),
                "--cameras=2",
                "--subscribers=2",
                "--warm-up=2",
                "--minutes=0.07",
                "--every=2");
        List<String> begin = BenchmarksTest.row(output, "begin, none");
        List<String> end = BenchmarksTest.row(output, "end, none");
        assertEquals("0", begin.get(1), "nobody is there when it is compared");
        assertEquals("0", end.get(1), "nobody is there when it is compared");
        assertTrue(BenchmarksTest.number(end, 14) > BenchmarksTest.number(begin, 14), output);
        assertTrue(BenchmarksTest.number(end, 16) >= BenchmarksTest.number(begin, 16) + 2 * 4, output);
        assertTrue(output.contains("soak: ok"), output);
    }
}
