package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Cameras in processes of their own: one crashes, hangs or loses its supervisor. */
@Tag("slow")
@Timeout(180)
class IsolationTest {

    private static final List<String> CAMERAS = List.of("cam1", "cam2", "cam3");

    /** No report of the crash in the working directory, and no core. */
    private static final Launch QUIET =
            Launch.PLAIN.with("-XX:ErrorFile=/dev/null", "-XX:-CreateCoredumpOnCrash", "-XX:+DisplayVMOutputToStderr");

    @TempDir
    Path directory;

    private String argumentsOf(Stage stage, String key, String options) throws IOException {
        Path file = directory.resolve(key + ".args");
        Files.writeString(file, "--key " + key + "\n--run-dir " + stage.runDirectory() + "\n" + options + "\n");
        return file.toString();
    }

    /** Its worker processes by the name of their file of arguments, or by themselves. */
    private static Map<String, ProcessHandle> workers(Child supervisor) throws IOException {
        Map<String, ProcessHandle> workers = new TreeMap<>();
        for (ProcessHandle process : supervisor.descendants()) {
            String command = Proc.commandLineOf(process.pid());
            if (command.contains("--worker")) {
                String file = command.replaceAll("(?s).*/(cam\\d)\\.args.*", "$1");
                workers.put(CAMERAS.contains(file) ? file : "worker", process);
            }
        }
        return workers;
    }

    private static void kill(ProcessHandle process, String signal) throws IOException, InterruptedException {
        Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start();
        assertEquals(0, kill.waitFor(), () -> "kill -" + signal + " " + process.pid());
    }

    private static void awaitLog(Child supervisor, String text) {
        Await.until(() -> "the log says " + text + "; " + supervisor, () -> supervisor.errors().stream()
                .anyMatch(line -> line.contains(text)));
    }

    @Test
    void whatHappensToOneCameraIsNothingToTheOthers() throws Exception {
        try (Stage stage = new Stage()) {
            List<String> arguments = new ArrayList<>(List.of("supervise"));
            for (String key : CAMERAS) {
                arguments.add(argumentsOf(stage, key, "--test-pattern 320x180@20\n--hang-timeout 4s"));
            }
            Child supervisor = stage.start("supervisor", Main.class, QUIET, arguments);
            Map<String, Child> subscribers = new TreeMap<>();
            for (String key : CAMERAS) {
                // lossless: whatever was published to it and does not come is a skip
                subscribers.put(key, stage.subscriber(key, "lossless", "progress=5"));
            }
            for (Child subscriber : subscribers.values()) {
                subscriber.await("progress", report -> true);
            }
            Map<String, ProcessHandle> before = workers(supervisor);
            assertEquals(CAMERAS, List.copyOf(before.keySet()), supervisor::toString);

            // a crash in native code
            kill(before.get("cam2"), "SEGV");
            awaitLog(supervisor, "cam2: worker " + before.get("cam2").pid() + " says: #  SIGSEGV");
            subscribers.get("cam2").await("progress", report -> report.number("reconnects") == 1);
            awaitLog(supervisor, "cam2: worker " + before.get("cam2").pid() + " ended ");

            // a process that does nothing more, and does not end
            ProcessHandle second = workers(supervisor).get("cam2");
            assertNotEquals(before.get("cam2").pid(), second.pid());
            kill(second, "STOP");
            subscribers.get("cam2").await("progress", report -> report.number("reconnects") == 2);
            awaitLog(supervisor, "cam2: worker " + second.pid() + " has sent no heartbeat for 4 s; it is killed");

            for (String key : List.of("cam1", "cam3")) {
                Child subscriber = subscribers.get(key);
                subscriber.await(subscriber.output().size(), "progress", report -> true);
                Report summary = subscriber.summary();
                assertEquals(0, summary.number("reconnects"), subscriber::toString);
                assertEquals(0, summary.number("violations"), subscriber::toString);
                assertEquals(0, summary.number("dropped"), subscriber::toString);
                assertEquals(List.of(), subscriber.reports("skip"), subscriber::toString);
                assertEquals(before.get(key), workers(supervisor).get(key), "the same process");
            }
            assertEquals(0, subscribers.get("cam2").summary().number("violations"), subscribers.get("cam2")::toString);

            List<ProcessHandle> last = List.copyOf(workers(supervisor).values());
            supervisor.signal("TERM");
            assertEquals(0, supervisor.awaitExit(), supervisor::toString);
            assertEquals(List.of(), last.stream().filter(ProcessHandle::isAlive).toList());
            for (ProcessHandle worker : last) {
                awaitLog(supervisor, "worker " + worker.pid() + " ended with status 0");
            }
            assertTrue(
                    supervisor.errors().stream().noneMatch(line -> line.contains("the supervisor is gone")),
                    supervisor::toString);
            assertEquals(List.of(), stage.sockets());
        }
    }

    @Test
    void workersEndWithTheirSupervisorHoweverItEnds() throws Exception {
        try (Stage stage = new Stage()) {
            Child supervisor = stage.producer("cam", "--test-pattern", "320x180@20", "--isolate");
            Child subscriber = stage.subscriber("cam", "latest", "progress=5");
            subscriber.await("progress", report -> true);
            ProcessHandle worker = workers(supervisor).get("worker");
            assertTrue(worker.isAlive());

            supervisor.kill();
            Await.until(() -> "worker " + worker.pid() + " ends", () -> !worker.isAlive());
            assertEquals(List.of(), stage.sockets(), "it took leave");
            assertEquals(0, subscriber.summary().number("violations"), subscriber::toString);
        }
    }

    /** The stand-in's streams do their work in an hour: not even memory can be cleared, in no life of the worker. */
    @Test
    void aWorkerThatHangsInTheDriverIsKilledAndStartedAgain() throws Exception {
        assumeTrue(StandInDriver.unavailable().isEmpty());
        try (Stage stage = new Stage()) {
            String file = argumentsOf(
                    stage,
                    "cam1",
                    "--input " + Checkout.clip("pattern-h264")
                            + "\n--loop\n--realtime\n--memory cuda\n--hang-timeout 2s");
            Launch launch = QUIET.with("-Dcuframes.cuda.library=" + StandInDriver.build())
                    .with(Map.of(StandInDriver.DELAY_US, "3600000000"));
            Child supervisor = stage.start("supervisor", Main.class, launch, List.of("supervise", file));
            awaitLog(supervisor, "hangs: allocating frame memory has taken");
            assertTrue(
                    supervisor.errors().stream().anyMatch(line -> line.contains("FencedSlots.configure")),
                    () -> "where it hangs is in the log: " + supervisor);
            awaitLog(supervisor, "(restart 1)");
            Await.until(
                    () -> "another worker; " + supervisor,
                    () -> supervisor.errors().stream()
                                    .filter(line -> line.matches(".*cam1: worker \\d+ started"))
                                    .count()
                            >= 2);

            List<ProcessHandle> last = List.copyOf(workers(supervisor).values());
            supervisor.kill();
            Await.until(() -> last + " end, though they may hang", () -> last.stream()
                    .noneMatch(ProcessHandle::isAlive));
        }
    }
}
