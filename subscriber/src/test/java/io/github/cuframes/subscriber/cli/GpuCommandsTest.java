package io.github.cuframes.subscriber.cli;

import static org.junit.jupiter.api.Assertions.*;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.subscriber.GpuPublisherProcess;
import io.github.cuframes.subscriber.PublisherProcess;
import io.github.cuframes.subscriber.StandIn;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The commands on frames in GPU memory of another process, both ways of sharing it. */
@Timeout(120)
class GpuCommandsTest {

    @TempDir
    Path directory;

    private Process publisher;

    @AfterEach
    void stop() {
        if (publisher != null) {
            publisher.destroyForcibly();
        }
    }

    private void await() throws Exception {
        RunDirectory run = RunDirectory.resolve(directory, Map.of(), RunDirectory.Role.SUBSCRIBER);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (run.list().isEmpty()) {
            assertTrue(System.nanoTime() - deadline < 0, "the publisher does not start");
            Thread.onSpinWait();
        }
    }

    private String run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add("--run-dir=" + directory);
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int status = Main.run(
                new Stop(), new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
        assertEquals(0, status, err.toString());
        String[] lines = out.toString().strip().split("\n");
        return lines[lines.length - 1];
    }

    @ParameterizedTest
    @EnumSource(
            value = MemoryKind.class,
            names = {"CUDA", "CUDA_IPC"})
    void readEveryFrame(MemoryKind kind) throws Exception {
        StandIn.reset();
        publisher = GpuPublisherProcess.start(directory, "cam1", kind, 100);
        await();
        JsonNode whole =
                new ObjectMapper().readTree(run("stats", "cam1", "--policy", "lossless", "--verify-pattern", "--json"));
        assertEquals(100, whole.get("received").asLong());
        for (String zero : List.of("dropped", "checksumErrors", "torn", "stale", "unreadable", "copiedToMyGpu")) {
            assertEquals(0, whole.get(zero).asLong(-1), zero + " in " + whole);
        }
        assertEquals(kind.label(), whole.get("memory").asText());
        JsonNode edges = new ObjectMapper()
                .readTree(run("stats", "cam1", "--policy", "lossless", "--gpu", "1", "--copy-to-my-gpu", "--json"));
        assertEquals(100, edges.get("received").asLong());
        assertEquals(100, edges.get("copiedToMyGpu").asLong());
        assertEquals(0, edges.get("checksumErrors").asLong());
        Path picture = directory.resolve("picture.png");
        run("snapshot", "cam1", picture.toString());
        assertEquals(320, ImageIO.read(picture.toFile()).getWidth());
    }

    private Process statsWithoutDriver() throws Exception {
        ProcessBuilder builder = PublisherProcess.java(
                Main.class, "stats", "cam1", "--policy", "lossless", "--json", "--run-dir=" + directory);
        List<String> command = new ArrayList<>(builder.command());
        command.add(1, "-Dcuframes.cuda.library=libcuframes-absent.so.1");
        return builder.command(command).redirectErrorStream(true).start();
    }

    /** A process that finds no driver says HELLO without GPUs and reads host memory. */
    @Test
    void hostMemoryNeedsNoDriver() throws Exception {
        publisher = PublisherProcess.start(directory, "cam1", 10);
        await();
        Process stats = statsWithoutDriver();
        JsonNode report = new ObjectMapper().readTree(stats.getInputStream());
        assertEquals(0, stats.waitFor());
        assertEquals(10, report.get("received").asLong());
        assertEquals("host", report.get("memory").asText());
    }

    @Test
    void gpuMemoryWithoutADriverIsRefusedWithTheReason() throws Exception {
        StandIn.reset();
        publisher = GpuPublisherProcess.start(directory, "cam1", MemoryKind.CUDA, 10);
        await();
        Process stats = statsWithoutDriver();
        String said = new String(stats.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(1, stats.waitFor(), said);
        assertTrue(said.contains("libcuframes-absent.so.1"), said);
        assertTrue(said.contains("--memory host"), said);
    }
}
