package io.github.cuframes.subscriber.cli;

import static org.junit.jupiter.api.Assertions.*;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.PublisherProcess;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The commands as processes, beside a publisher that is one. */
@Timeout(180)
class CommandsTest {

    private static final int WIDTH = 320;
    private static final int HEIGHT = 180;

    @TempDir
    Path directory;

    @TempDir
    Path files;

    private Process publisher;

    /** What a command left behind. */
    private record Result(int status, byte[] out, String err) {
        String text() {
            return new String(out, StandardCharsets.UTF_8);
        }

        String lastLine() {
            String[] lines = text().strip().split("\n");
            return lines[lines.length - 1];
        }
    }

    @BeforeEach
    void start() throws IOException {
        publisher = PublisherProcess.start(directory, "cam1", 300);
        RunDirectory run = RunDirectory.resolve(directory, Map.of(), RunDirectory.Role.SUBSCRIBER);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (run.list().isEmpty()) {
            assertTrue(System.nanoTime() - deadline < 0, "the publisher does not start");
            Thread.onSpinWait();
        }
    }

    @AfterEach
    void stop() {
        publisher.destroyForcibly();
    }

    private Process begin(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--run-dir=" + directory);
        return PublisherProcess.java(Main.class, all.toArray(String[]::new)).start();
    }

    private Result run(String... arguments) throws Exception {
        return finish(begin(arguments));
    }

    /** Runs a command that says nothing of the process's own in this one, which is quicker. */
    private Result runHere(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--run-dir=" + directory);
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(
                new Stop(), new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
        return new Result(status, out.toString().getBytes(StandardCharsets.UTF_8), err.toString());
    }

    private Result finish(Process command) throws Exception {
        Path err = Files.createTempFile(files, "err", "");
        Thread reader = new Thread(() -> {
            try (InputStream in = command.getErrorStream()) {
                Files.write(err, in.readAllBytes());
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        reader.start();
        byte[] out = command.getInputStream().readAllBytes();
        assertTrue(command.waitFor(60, TimeUnit.SECONDS));
        reader.join();
        return new Result(command.exitValue(), out, Files.readString(err));
    }

    @Test
    void listShowsStreams() throws Exception {
        Result table = runHere("list");
        assertEquals(0, table.status(), table.err());
        assertTrue(table.text().contains("cam1"), table.text());
        assertTrue(table.text().contains("320x180"), table.text());
        assertEquals("", table.err());
        JsonNode all = new ObjectMapper().readTree(runHere("list", "--json").lastLine());
        assertEquals(1, all.size());
        assertEquals("cam1", all.get(0).get("key").asText());
        assertEquals("nv12", all.get(0).get("format").asText());
        assertEquals("host", all.get(0).get("memory").asText());
        assertEquals(25, all.get(0).get("fps").asDouble());
        assertEquals(publisher.pid(), all.get(0).get("pid").asLong());
        publisher.destroyForcibly().waitFor();
        Result dead = runHere("list");
        assertEquals(0, dead.status());
        assertTrue(dead.text().contains("no producer answers"), dead.text());
    }

    @Test
    void statsVerifiesEveryFrame() throws Exception {
        Result result = run("stats", "cam1", "--policy", "lossless", "--verify-pattern", "--json");
        assertEquals(0, result.status(), result.err());
        JsonNode stats = new ObjectMapper().readTree(result.lastLine());
        assertEquals(300, stats.get("received").asLong());
        for (String zero : List.of(
                "dropped", "gaps", "reconnects", "checksumErrors", "torn", "stale", "outOfOrder", "unreadable")) {
            assertEquals(0, stats.get(zero).asLong(-1), zero + " in " + stats);
        }
        assertEquals(1.0, stats.get("copiesPerFrame").asDouble());
        assertEquals(320, stats.get("width").asInt());
        assertEquals(180, stats.get("height").asInt());
        assertEquals("nv12", stats.get("format").asText());
        assertTrue(stats.hasNonNull("source"), "what the source did in the end: " + stats);
        assertEquals("host", stats.get("memory").asText());
        assertEquals(1, stats.get("generation").asInt());
        assertTrue(stats.get("fps").asDouble() > 0);
        assertFalse(stats.get("epoch").asText().isEmpty());
        JsonNode latency = stats.get("latencyMicros");
        assertTrue(latency.get("p50").asDouble() > 0);
        assertTrue(latency.get("p50").asDouble() <= latency.get("p90").asDouble());
        assertTrue(latency.get("p90").asDouble() <= latency.get("p99").asDouble());
        assertTrue(latency.get("p99").asDouble() <= latency.get("max").asDouble());

        Result table = runHere("stats", "cam1", "--frames", "20");
        assertEquals(0, table.status(), table.err());
        assertTrue(table.text().contains("received         20"), table.text());
    }

    @Test
    void snapshotSavesWhatIsShown() throws Exception {
        for (String name : List.of("a.png", "b.jpg")) {
            Path file = files.resolve(name);
            Result result = runHere("snapshot", "cam1", file.toString());
            assertEquals(0, result.status(), result.err());
            BufferedImage image = ImageIO.read(file.toFile());
            assertEquals(WIDTH, image.getWidth());
            assertEquals(HEIGHT, image.getHeight());
            ByteBuffer green = ByteBuffer.allocate(WIDTH * HEIGHT);
            for (int i = 0; i < WIDTH * 24; i++) {
                green.put(i, (byte) (image.getRGB(i % WIDTH, i / WIDTH) >> 8));
            }
            // the code's cells are black and white against a background of noise
            assertTrue((green.get(4 * WIDTH + 4) & 0xFF) > (green.get(12 * WIDTH + 4) & 0xFF) + 60, name);
        }
        assertFalse(Files.list(files).anyMatch(f -> f.toString().endsWith(".part")));
    }

    @Test
    void pipeWritesFramesThatCarryTheirNumbers() throws Exception {
        Result nv12 = run("pipe", "cam1", "--format", "nv12", "--policy", "lossless");
        assertEquals(0, nv12.status(), nv12.err());
        int size = WIDTH * HEIGHT * 3 / 2;
        assertEquals(300 * size, nv12.out().length);
        long first = number(nv12.out(), 0);
        for (int i = 0; i < 300; i++) {
            assertEquals(first + i, number(nv12.out(), i * size));
        }
        Result y4m = run("pipe", "cam1", "--frames", "5", "--scale", "160:90");
        assertEquals(0, y4m.status(), y4m.err());
        String header = "YUV4MPEG2 W160 H90 F25:1 Ip A0:0 C420mpeg2 XCOLORRANGE=LIMITED\n";
        assertEquals(header, new String(y4m.out(), 0, header.length(), StandardCharsets.US_ASCII));
        assertEquals(header.length() + 5 * (6 + 160 * 90 * 3 / 2), y4m.out().length);
        Result thinned = run("pipe", "cam1", "--format", "yuv420p", "--fps", "5", "--policy", "lossless");
        assertEquals(60 * size, thinned.out().length, "300 frames of 40 ms are 12 s");
        assertEquals(number(thinned.out(), 0) + 5, number(thinned.out(), size));
    }

    private static long number(byte[] bytes, int at) {
        return FrameCode.number(FrameCode.read(ByteBuffer.wrap(bytes), at, WIDTH, WIDTH, HEIGHT));
    }

    @Test
    void aReaderThatLeavesIsAnOrderlyEnd() throws Exception {
        Process pipe = begin("pipe", "cam1", "--format", "nv12");
        assertTrue(pipe.getInputStream().read() >= 0);
        pipe.getInputStream().close();
        assertTrue(pipe.waitFor(60, TimeUnit.SECONDS));
        assertEquals("", new String(pipe.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
        assertEquals(0, pipe.exitValue());
    }

    @Test
    void aSignalIsAnOrderlyEnd() throws Exception {
        publisher.destroyForcibly().waitFor();
        publisher = PublisherProcess.start(directory, "cam1", 0);
        Process stats = begin("stats", "cam1", "--json", "--policy", "fifo:2");
        awaitReceiving(stats);
        stats.toHandle().destroy();
        Result result = finish(stats);
        assertEquals(0, result.status(), result.err());
        assertTrue(
                new ObjectMapper().readTree(result.lastLine()).get("received").asLong() > 0, result.text());
    }

    /** Until the process has the publisher's page mapped: it is subscribed then. */
    private static void awaitReceiving(Process process) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        Path maps = Path.of("/proc/" + process.pid() + "/maps");
        while (Files.readAllLines(maps).stream()
                        .filter(l -> l.contains("/memfd:cuframes"))
                        .count()
                < 3) {
            assertTrue(System.nanoTime() - deadline < 0, "the command does not subscribe");
            Thread.onSpinWait();
        }
    }

    @Test
    void failuresAreOneSentenceWithTheRemedy() throws Exception {
        fails(1, "no producer has a socket at", "stats", "cam9", "--wait", "0.1");
        fails(1, "start one", "pipe", "cam9", "--wait", "0.1");
        fails(1, "cam9", "snapshot", "cam9", files.resolve("x.png").toString(), "--wait", "0.1");
        fails(
                1,
                "there is no directory",
                "snapshot",
                "cam1",
                files.resolve("no/x.png").toString());
        fails(2, "use one that ends in .png or .jpg", "snapshot", "cam1", "x.bmp");
        fails(2, "is no valid key", "stats", "a/b");
        fails(2, "use latest, fifo:N", "stats", "cam1", "--policy", "newest");
        fails(2, "such as 640:360", "pipe", "cam1", "--scale", "640x360");
        fails(2, "--fps takes", "pipe", "cam1", "--fps", "0");
        fails(2, "--help", "pipe", "cam1", "--format", "mp4");
        fails(2, "--help", "play", "cam1");
        fails(2, "--help", "stats");
    }

    private void fails(int status, String told, String... arguments) throws Exception {
        Result result = runHere(arguments);
        assertEquals(status, result.status(), result.err());
        assertTrue(result.err().contains(told), result.err());
        assertEquals(1, result.err().strip().lines().count(), result.err());
        assertEquals(0, result.out().length);
    }
}
