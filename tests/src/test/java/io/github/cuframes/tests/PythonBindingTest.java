package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.conformance.cli.Main;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * {@code bindings/python} against real producers, with frames in host memory: what it receives, and what becomes of it when
 * its producer is killed, stopped, restarted, or says no. Its own tests and the conformance suite run here too.
 *
 * <p>{@code -Dcuframes.python.clauses=all} checks every clause, which takes a minute and more.
 */
class PythonBindingTest {

    private static final String CLAUSES = System.getProperty(
            "cuframes.python.clauses",
            "major,page-writers,slab-file,unsealed,memory-awaited,descriptor-count,latest-old,wake-publisher");

    @BeforeAll
    static void requirePython() {
        Optional<String> missing = Python.unavailable();
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
    }

    private static Child subscriber(Stage stage, String policy, String... options) throws IOException {
        List<String> arguments =
                new ArrayList<>(List.of("key=cam", "run-dir=" + stage.runDirectory(), "policy=" + policy));
        arguments.addAll(List.of(options));
        return stage.run(
                "python " + policy + " " + String.join(" ", options),
                Python.command("verifying_subscriber.py", arguments),
                Map.of());
    }

    @Test
    void ownTests() throws Exception {
        try (Stage stage = new Stage()) {
            List<String> command = new ArrayList<>(Python.interpreterWithOptions());
            command.addAll(List.of("-X", "dev", "-m", "unittest", "discover", "-s"));
            command.add(Python.binding().resolve("tests").toString());
            Child tests = stage.run("unittest", command, Map.of());
            assertEquals(0, tests.awaitExit(), tests::toString);
            assertTrue(tests.errors().stream().anyMatch(line -> line.startsWith("Ran ")), tests::toString);
        }
    }

    @Test
    void keepsToTheClausesOfTheProtocol() throws Exception {
        try (Stage stage = new Stage()) {
            List<String> arguments = new ArrayList<>(List.of("subscriber-under-test", "--at-once=3", "--patience=30"));
            if (!CLAUSES.equals("all")) {
                arguments.add("--clause=" + CLAUSES);
            }
            arguments.add("--");
            arguments.addAll(Python.command("loop_subscriber.py", List.of("{run-dir}", "{key}", "{policy}")));
            Child suite = stage.start("conformance", Main.class, arguments);
            assertEquals(0, suite.awaitExit(), suite::toString);
            assertTrue(suite.output().stream().anyMatch(line -> line.startsWith("PASS ")), suite::toString);
            assertTrue(suite.output().stream().noneMatch(line -> line.startsWith("SKIP ")), suite::toString);
        }
    }

    @Test
    void readsEveryFrameOfAFileToItsEnd() throws Exception {
        try (Stage stage = new Stage()) {
            String clip = Checkout.clip("pattern-h264").toString();
            stage.producer("cam", "--memory", "host", "--input", clip, "--wait-for-subscribers", "2");
            Child lossless = subscriber(stage, "lossless");
            Child async = subscriber(stage, "lossless", "mode=async", "check=false");
            for (Child child : List.of(lossless, async)) {
                Report summary = child.await("summary", report -> true);
                assertEquals(1250, summary.number("received"), child::toString);
                assertEquals(0, summary.number("violations"), child::toString);
                assertEquals("true", summary.text("end"), child::toString);
                assertEquals(0, child.awaitExit(), child::toString);
            }
        }
    }

    @Test
    void goesOnWhateverBecomesOfItsProducer() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", "--memory", "host", "--test-pattern", "640x360@25");
            List<Child> subscribers = List.of(
                    subscriber(stage, "latest", "progress=5", "hold=10"),
                    subscriber(stage, "fifo:4", "progress=5"),
                    subscriber(stage, "lossless", "progress=5"),
                    subscriber(stage, "latest", "progress=5", "mode=async"));
            for (Child subscriber : subscribers) {
                subscriber.await("progress", report -> report.number("width") == 640);
            }
            Child once = subscriber(stage, "latest", "reconnect=false");
            once.await("connected", report -> true);

            producer.kill();
            once.await("failed", report -> true);
            assertTrue(once.output().get(1).contains("gone without a word"), once::toString);
            assertEquals(1, once.awaitExit());
            Child second = stage.producer("cam", "--memory", "host", "--test-pattern", "320x180@25");
            for (Child subscriber : subscribers) {
                subscriber.await(
                        "progress", report -> report.number("reconnects") == 1 && report.number("width") == 320);
            }

            second.signal("STOP");
            List<Integer> from =
                    subscribers.stream().map(s -> s.output().size()).toList();
            second.signal("CONT");
            for (int i = 0; i < subscribers.size(); i++) {
                subscribers.get(i).await(from.get(i), "progress", report -> report.number("reconnects") == 1);
            }

            second.signal("TERM");
            assertEquals(0, second.awaitExit(), second::toString);
            stage.producer("cam", "--memory", "host", "--test-pattern", "320x180@25");
            for (Child subscriber : subscribers) {
                subscriber.await("progress", report -> report.number("reconnects") == 2);
                assertEquals(0, subscriber.summary().number("violations"), subscriber::toString);
            }
        }
    }

    @Test
    void aProducerLosesNothingByAKilledSubscriber() throws Exception {
        try (Stage stage = new Stage()) {
            stage.producer("cam", "--memory", "host", "--test-pattern", "640x360@25");
            Child victim = subscriber(stage, "lossless", "progress=3", "hold=200");
            Child other = stage.subscriber("cam", "lossless", "progress=5");
            victim.await("progress", report -> true);
            victim.kill();
            other.await(other.output().size(), "progress", report -> true);
            Report summary = other.summary();
            assertEquals(0, summary.number("violations"), other::toString);
        }
    }

    @Test
    void refusalsSayWhy() throws Exception {
        try (Stage stage = new Stage()) {
            stage.producer(
                    "cam",
                    "--memory",
                    "host",
                    "--test-pattern",
                    "320x180@25",
                    "--max-subscribers",
                    "1",
                    "--credits",
                    "3");
            Child greedy = subscriber(stage, "fifo:2", "credits=64");
            assertEquals(1, greedy.awaitExit(), greedy::toString);
            assertTrue(greedy.output().get(0).startsWith("failed RefusedError 7 "), greedy::toString);

            Child first = subscriber(stage, "latest", "progress=1");
            first.await("progress", report -> true);
            Child late = subscriber(stage, "latest", "timeout=1");
            assertEquals(1, late.awaitExit(), late::toString);
            assertTrue(
                    late.output().get(0).startsWith("failed NoPublisherError ")
                            && late.output().get(0).contains("TOO_MANY_SUBSCRIBERS"),
                    late::toString);
        }
    }
}
