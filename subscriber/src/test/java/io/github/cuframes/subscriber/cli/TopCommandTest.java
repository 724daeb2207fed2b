package io.github.cuframes.subscriber.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.subscriber.PublisherProcess;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command in this process, beside a publisher that is one. */
@Timeout(120)
class TopCommandTest {

    @TempDir
    private Path directory;

    private final Stop stop = new Stop();
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add(0, "top");
        all.add("--run-dir=" + directory);
        return Main.run(stop, new PrintWriter(out, true), new PrintWriter(err, true), all.toArray(String[]::new));
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - deadline < 0, "not within 60 s: " + what);
            LockSupport.parkNanos(5_000_000);
        }
    }

    @Test
    void followsAPublisherThatDies() throws Exception {
        Process publisher = PublisherProcess.start(directory, "cam1", 0);
        try {
            await("the publisher listens", () -> Files.exists(directory.resolve("cam1.sock")));
            CompletableFuture<Integer> status = CompletableFuture.supplyAsync(() -> run("--json", "--interval=0.1"));
            // it writes no heartbeats
            await("a line with the stream", () -> out.toString().contains("\"state\":\"silent\""));
            JsonNode stream = new ObjectMapper()
                    .readTree(out.toString()
                            .lines()
                            .filter(line -> line.contains("silent"))
                            .findFirst()
                            .orElseThrow())
                    .at("/streams/0");
            assertEquals("cam1", stream.get("key").asText());
            assertEquals(320, stream.get("width").asInt());
            assertEquals(publisher.pid(), stream.get("pid").asLong());
            assertTrue(stream.get("problem").isNull());
            publisher.destroyForcibly().waitFor();
            await("it is seen that it died", () -> out.toString().contains("\"problem\":\"no producer answers at "));
            stop.request();
            assertEquals(Main.DONE, status.get(60, TimeUnit.SECONDS), err::toString);
            assertEquals("", err.toString());
        } finally {
            publisher.destroyForcibly();
        }
    }

    @Test
    void oneTableOfNothing() {
        assertEquals(Main.DONE, run("--once", "--interval=0.1"), err::toString);
        assertTrue(out.toString().contains("  streams: 0, subscribers: 0, frames: 0.0 MB"), out::toString);
        assertTrue(out.toString().contains("KEY            STATE"), out::toString);
        assertTrue(out.toString().indexOf('\033') < 0, "this is no terminal");
    }

    @Test
    void intervalsHaveBounds() {
        for (String interval : List.of("0", "-1", "1e9", "NaN")) {
            assertEquals(Main.WRONG_ARGUMENTS, run("--interval=" + interval), interval);
        }
        assertEquals("", out.toString());
        assertTrue(err.toString().contains("--interval takes 0.1 to 3600"), err::toString);
    }
}
