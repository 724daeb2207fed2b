package io.github.cuframes.conformance.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command, with our own producer and subscriber as processes: what needs a process of its own is checked here. */
@Tag("slow")
class CommandTest {

    @TempDir
    Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(List<String> arguments) {
        return Main.run(new PrintWriter(out), new PrintWriter(err), arguments.toArray(String[]::new));
    }

    private static List<String> with(List<String> options, String main, String... arguments) {
        List<String> all = new ArrayList<>(options);
        all.addAll(List.of(
                "--",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                main));
        all.addAll(List.of(arguments));
        return all;
    }

    @Test
    void producerIsKilledEndedAndStartedAgain() throws Exception {
        int status = run(with(
                List.of(
                        "publisher-under-test",
                        "--json",
                        "--patience=30",
                        "--clause=mapping-stays,end-of-stream,lock-file,socket-path",
                        "--key=cam",
                        "--run-dir=" + directory),
                "io.github.cuframes.producer.cli.Main",
                "--test-pattern=640x480@50",
                "--memory=host",
                "--key=cam",
                "--run-dir=" + directory));
        assertEquals(0, status, out + "" + err);
        JsonNode report = new ObjectMapper().readTree(out.toString());
        assertEquals(4, report.get("passed").asInt(), report.toString());
        assertEquals("publisher", report.get("side").asText());
        assertEquals("PASS", report.get("clauses").get(0).get("verdict").asText());
    }

    @Test
    void subscriberMapsSlabsReadOnly() {
        int status = run(with(
                List.of("subscriber-under-test", "--patience=30", "--clause=slab-file,publisher-gone"),
                "io.github.cuframes.subscriber.cli.Main",
                "stats",
                "{key}",
                "--run-dir={run-dir}",
                "--policy={policy}",
                "--wait=30"));
        assertEquals(0, status, out + "" + err);
        assertTrue(out.toString().contains("2 clauses: 2 passed, 0 failed, 0 skipped"), out.toString());
    }

    @Test
    void listensWhereASubscriberComesAgainAndAgain() throws Exception {
        AtomicBoolean leaving = new AtomicBoolean();
        Thread coming = new Thread(
                () -> {
                    while (!leaving.get()) {
                        comeOnce(leaving);
                    }
                },
                "subscriber");
        coming.start();
        try {
            int status = run(List.of(
                    "subscriber-under-test",
                    "--listen=" + directory.resolve("cam.sock"),
                    "--patience=30",
                    "--clause=hello-first,ack-generation,release-once,breach,publisher-gone"));
            assertEquals(0, status, out + "" + err);
        } finally {
            leaving.set(true);
            coming.interrupt();
            coming.join();
        }
        assertTrue(err.toString().contains("listening at " + directory.resolve("cam.sock")), err.toString());
        // who comes back cannot be told from who comes anew
        assertTrue(out.toString().contains("5 clauses: 4 passed, 0 failed, 1 skipped"), out.toString());
        assertTrue(out.toString().contains("SKIP publisher-gone"), out.toString());
    }

    private void comeOnce(AtomicBoolean leaving) {
        try (Subscriber subscriber = Subscriber.builder("cam")
                .runDirectory(directory)
                .connectTimeout(Duration.ofSeconds(30))
                .connect()) {
            while (!leaving.get() && !subscriber.isAtEnd()) {
                try (Frame frame = subscriber.next(Duration.ofSeconds(1))) {
                    if (frame != null) {
                        frame.plane(0).get(0);
                    }
                }
            }
        } catch (SubscriberException e) {
            Thread.interrupted(); // it was refused or told to leave; the next one comes
        }
    }

    @Test
    void aProgramThatIsNoSubscriberFails() {
        int status = run(
                List.of("subscriber-under-test", "--patience=0.2", "--clause=key-syntax", "--", "sh", "-c", "exit 1"));
        assertEquals(1, status, out + "" + err);
        assertTrue(out.toString().contains("FAIL key-syntax"), out.toString());
        assertTrue(out.toString().contains("seen:"), out.toString());
    }

    @Test
    void wrongArgumentsAndAbsentPeersAreTold() {
        assertEquals(2, run(List.of()));
        assertEquals(2, run(List.of("publisher-under-test")));
        assertEquals(2, run(List.of("publisher-under-test", "--key=cam", "--clause=no-such-clause")));
        assertEquals(2, run(List.of("subscriber-under-test")));
        assertEquals(1, run(List.of("publisher-under-test", "--key=absent", "--run-dir=" + directory)));
        assertTrue(err.toString().contains("absent.sock"), err.toString());
    }

    @Test
    void listNamesEveryClause() {
        assertEquals(0, run(List.of("publisher-under-test", "--list")));
        assertTrue(out.toString().contains("unknown-tag              3     checked"), out.toString());
        assertTrue(out.toString().contains("not checkable from outside"), out.toString());
        assertTrue(out.toString().contains("about the other side"), out.toString());
    }
}
