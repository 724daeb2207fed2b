package io.github.cuframes.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** Each benchmark with a few frames: real processes, real sockets, and what the tables say must add up. */
@Tag("slow")
@Timeout(180)
class BenchmarksTest {

    private static String run(CommandLine benchmark, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = benchmark
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
        assertEquals(0, status, () -> out + "\n" + err);
        return out.toString();
    }

    /** The cells of a Markdown row, found by those that it begins with. */
    static List<String> row(String output, String... beginning) {
        return output.lines()
                .filter(line -> line.startsWith("| "))
                .map(line -> Arrays.stream(line.substring(1, line.length() - 1).split("\\|"))
                        .map(String::trim)
                        .toList())
                .filter(cells -> cells.subList(0, beginning.length).equals(List.of(beginning)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no row " + Arrays.toString(beginning) + " in\n" + output));
    }

    static double number(List<String> row, int column) {
        return Double.parseDouble(row.get(column));
    }

    @Test
    void latencyIsMeasuredBesideABareWakeUp() {
        String output = run(
                LatencyBenchmark.commandLine(),
                "--size=640x360,64x64",
                "--subscribers=1,2",
                "--mode=bare,blocking",
                "--rate=200",
                "--rounds=2",
                "--frames=10",
                "--settle=3",
                "--warm-up=20",
                "--warm-up-rate=500",
                "--write",
                "--markdown");
        for (String size : List.of("640x360", "64x64")) {
            assertEquals("20 of 20", row(output, size, "1", "bare").get(3));
            assertEquals("40 of 40", row(output, size, "2", "bare").get(3));
            for (String receivers : List.of("1", "2")) {
                List<String> blocking = row(output, size, receivers, "blocking");
                // the policy is latest: a machine that is busy may skip some
                assertTrue(Integer.parseInt(blocking.get(3).split(" ")[0]) > 0, output);
                assertTrue(number(blocking, 4) > 0, output);
                assertTrue(number(blocking, 4) <= number(blocking, 7), output);
                assertTrue(number(blocking, 8) > 0, output);
            }
        }
    }

    @Test
    void aSpinningReceiverGetsFramesToo() {
        String output = run(
                LatencyBenchmark.commandLine(),
                "--size=64x64",
                "--subscribers=1",
                "--mode=store,spinning",
                "--rate=100",
                "--rounds=1",
                "--frames=10",
                "--warm-up=10",
                "--markdown");
        if (Machine.processors() > 1) {
            for (String mode : List.of("store", "spinning")) {
                assertTrue(number(row(output, "64x64", "1", mode), 4) > 0, output);
            }
        } else {
            assertTrue(output.contains("is left out"), output);
        }
    }

    @Test
    void spinningIsLeftOutWhereItCannotWork() {
        String output = run(LatencyBenchmark.commandLine(), "--subscribers=100000", "--mode=spinning", "--markdown");
        assertTrue(output.contains("spinning with 100000 receivers is left out"), output);
    }

    @Test
    void bareSocketsCanBeTheJdks() {
        String output = run(
                LatencyBenchmark.commandLine(),
                "--subscribers=1",
                "--mode=bare",
                "--bare-library=jdk",
                "--rate=200",
                "--rounds=1",
                "--frames=5",
                "--warm-up=5",
                "--markdown");
        assertEquals("5 of 5", row(output, "1920x1080", "1", "bare").get(3));
    }

    @Test
    void crowdsReceiveWhatIsPublished() {
        String output = run(
                ScaleBenchmark.commandLine(),
                "--crowd=1x40,3x2",
                "--size=64x64",
                "--seconds=1",
                "--warm-up=0.5",
                "--markdown");
        assertTrue(number(row(output, "1x40"), 2) > 2 * number(row(output, "1x40"), 1), output);
        assertTrue(number(row(output, "3x2"), 2) > number(row(output, "3x2"), 1), output);
        for (String crowd : List.of("1x40", "3x2")) {
            assertTrue(number(row(output, crowd), 8) > 0, output);
        }
    }

    @Test
    void allocationIsMeasuredOnBothSides() {
        String output = run(
                AllocationBenchmark.commandLine(),
                "--streams=2",
                "--rate=25",
                "--seconds=1",
                "--size=64x64",
                "--warm-up=100",
                "--clip=" + clip("pattern-h264"),
                "--markdown");
        for (String source : List.of("slots, 64x64", "decoding pattern-h264.mp4")) {
            List<String> row = row(output, source);
            assertTrue(number(row, 1) > 0, output);
            assertTrue(number(row, 2) > 0, output);
            // a subscriber makes an object for each frame, so that a zero would be no measurement
            assertTrue(number(row, 6) >= 16, output);
        }
        assertTrue(number(row(output, "decoding pattern-h264.mp4"), 3) > 0, "FFmpeg's bindings make objects");
    }

    @Test
    void throughputOfTheRingAndOfDecoding() {
        String output = run(
                ThroughputBenchmark.commandLine(),
                "--subscribers=2",
                "--size=64x64",
                "--frames=200",
                "--warm-up=20",
                "--rounds=1",
                "--seconds=0.5",
                "--clip=" + clip("pattern-h264"),
                "--markdown");
        assertEquals(200.0, number(row(output, "lossless"), 2), "a lossless receiver gets every frame");
        assertTrue(number(row(output, "latest"), 3) > 0, output);
        assertTrue(number(row(output, "FFmpeg alone"), 1) > 0, output);
        assertTrue(number(row(output, "Producer"), 1) > 0, output);
    }

    @Test
    @Timeout(400) // up to eight processes, one after the other
    void aBoxDecodesOnceForThreeProgramsAndThenThreeTimes() {
        String output = run(
                BoxBenchmark.commandLine(),
                "--memory=host",
                "--cameras=2",
                "--minutes=0.06",
                "--other-minutes=0.04",
                "--warm-up=1",
                "--every=1",
                // a machine that is busy may be late by a second, and need not be on time
                "--policy=fifo:30",
                "--least=10",
                "--small=160x90",
                "--clip=" + clip("pattern-h264"),
                "--markdown");
        assertTrue(output.contains("box: ok"), output);
        List<String> decoded = row(output, "frames decoded");
        assertTrue(number(decoded, 1) > 0 && number(decoded, 2) > 0, output);
        double published = number(row(output, "full-size frames published"), 1);
        assertTrue(published > 0, output);
        assertEquals("", row(output, "full-size frames published").get(2), output);
        assertTrue(
                number(row(output, "full-size frames received"), 1) > published, "three programs receive\n" + output);
        assertTrue(number(row(output, "small frames received"), 1) > 0, output);
        assertTrue(number(row(output, "small frames made"), 1) < published, output);
        assertTrue(number(row(output, "small frames made"), 2) > 0, output);
        assertEquals(0, number(row(output, "missed by subscriptions that kept up"), 1), output);
        assertEquals("", row(output, "GPU memory, MiB").get(1), output);
        for (String process : List.of("producer", "program 1", "program 2", "detector")) {
            assertTrue(number(row(output, "cuframes: " + process), 9) > 0, "heap\n" + output);
        }
        assertEquals(0, number(row(output, "cuframes: detector"), 1), "a subscriber decodes nothing\n" + output);
        for (String process : List.of("program 1", "program 2", "detector")) {
            assertTrue(number(row(output, "each for itself: " + process), 1) > 0, output);
        }
    }

    static Path clip(String name) {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.isRegularFile(directory.resolve("mvnw"))) {
            directory = directory.getParent();
        }
        return directory.resolve("samples/clips").resolve(name + ".mp4");
    }
}
