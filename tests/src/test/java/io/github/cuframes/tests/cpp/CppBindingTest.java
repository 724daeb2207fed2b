package io.github.cuframes.tests.cpp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.conformance.cli.Main;
import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import io.github.cuframes.tests.Report;
import io.github.cuframes.tests.Stage;
import io.github.cuframes.tests.faults.FaultProducer;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The C++ subscriber, compiled with sanitizers, against producers in processes: what it sees in the pixels, and what it does when a
 * producer dies, stops, comes back, changes its picture or says no. A sanitizer that finds something ends the program with a status of its own.
 */
@Tag("slow")
@Timeout(180)
class CppBindingTest {

    private static final String[] PATTERN = {"--test-pattern", "640x360@50", "--memory", "host"};

    /** Built with AddressSanitizer and UndefinedBehaviorSanitizer. */
    private static Path address;

    /** Built with ThreadSanitizer. */
    private static Path thread;

    @BeforeAll
    static void build() {
        Optional<String> missing = CppBuild.missing("g++", "g++");
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
        List<Path> programs = CppBuild.programs();
        address = programs.get(CppBuild.Sanitizer.ADDRESS.ordinal());
        thread = programs.get(CppBuild.Sanitizer.THREAD.ordinal());
    }

    private static Child verifier(Stage stage, Path program, String... options) throws IOException {
        return verifier(stage, program, Map.of(), options);
    }

    private static Child verifier(Stage stage, Path program, Map<String, String> environment, String... options)
            throws IOException {
        List<String> command = new ArrayList<>(
                List.of(program.toString(), "verify", "key=cam", "run-dir=" + stage.runDirectory(), "progress=10"));
        command.addAll(List.of(options));
        return stage.run("C++ subscriber " + String.join(" ", options), command, environment);
    }

    private static void awaitFrames(Child subscriber) {
        subscriber.await(subscriber.output().size(), "progress", report -> true);
    }

    /** Ends a verifier. Its exit status says whether a frame was wrong, and whether a sanitizer found something. */
    private static Report end(Child subscriber) throws Exception {
        Report summary = subscriber.summary();
        assertEquals(0, summary.number("violations"), subscriber::toString);
        assertTrue(summary.number("received") > 0, subscriber::toString);
        return summary;
    }

    private static Report failure(Child subscriber) throws Exception {
        Report failed = subscriber.await("failed", report -> true);
        assertEquals(1, subscriber.awaitExit(), subscriber::toString);
        return failed;
    }

    @Test
    void structuresAndMessagesAreThoseOfThePage() throws Exception {
        Path page = Checkout.root().resolve("docs/protocol.md");
        assertEquals("", CppBuild.run(List.of(address.toString(), "golden", page.toString())));
    }

    @Test
    void partsHold() throws Exception {
        assertEquals("", CppBuild.run(List.of(address.toString(), "units")));
        assertEquals("", CppBuild.run(List.of(thread.toString(), "units")));
    }

    @Test
    void clausesOfTheProtocolAreKept() throws Exception {
        try (Stage stage = new Stage()) {
            Child suite = stage.start(
                    "conformance suite",
                    Main.class,
                    List.of(
                            "subscriber-under-test",
                            "--at-once",
                            "4",
                            "--patience",
                            "30",
                            "--",
                            address.toString(),
                            "verify",
                            "key={key}",
                            "run-dir={run-dir}",
                            "policy={policy}",
                            "stdin=ignore",
                            "progress=0"));
            assertEquals(0, suite.awaitExit(), suite::toString);
            assertTrue(
                    suite.output().stream().anyMatch(line -> line.contains(" 0 failed, 0 skipped")), suite::toString);
        }
    }

    @Test
    void framesAreWholeFreshAndInOrder() throws Exception {
        try (Stage stage = new Stage()) {
            stage.producer("cam", PATTERN);
            List<Child> subscribers = List.of(
                    verifier(stage, address, "policy=latest"),
                    verifier(stage, address, "policy=latest", "hold=30", "release=thread"),
                    verifier(stage, address, "policy=fifo:4", "wait=poll"),
                    verifier(stage, thread, "policy=fifo:4", "wait=poll", "release=thread"),
                    verifier(stage, thread, "policy=latest", "wait=try", "release=thread"));
            for (int i = 0; i < 3; i++) {
                subscribers.forEach(CppBindingTest::awaitFrames);
            }
            for (Child subscriber : subscribers) {
                Report summary = end(subscriber);
                assertEquals(0, summary.number("breaks"), subscriber::toString);
                assertEquals(0, summary.number("reconnects"), subscriber::toString);
            }
        }
    }

    @Test
    void losslessLeavesNothingOutAndEndsWithTheSource() throws Exception {
        try (Stage stage = new Stage()) {
            stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip("pattern-1080p-h264").toString(),
                    "--memory",
                    "host",
                    "--wait-for-subscribers",
                    "2");
            for (Child subscriber : List.of(
                    verifier(stage, address, "policy=lossless", "release=thread"),
                    verifier(stage, thread, "policy=lossless", "release=thread", "credits=1"))) {
                Report summary = subscriber.await("summary", report -> true);
                assertEquals(100, summary.number("received"), subscriber::toString);
                assertEquals(0, summary.number("dropped"), subscriber::toString);
                assertEquals(99, summary.number("last"), subscriber::toString);
                subscriber.closeInput();
                assertEquals(0, subscriber.awaitExit(), subscriber::toString);
            }
        }
    }

    @Test
    void comesBackToAProducerThatWasKilled() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", PATTERN);
            List<Child> subscribers = List.of(
                    verifier(stage, address, "policy=latest", "hold=5"),
                    verifier(stage, thread, "policy=fifo:3", "wait=poll"));
            subscribers.forEach(CppBindingTest::awaitFrames);
            producer.kill();
            stage.producer("cam", PATTERN);
            for (Child subscriber : subscribers) {
                subscriber.await("progress", report -> report.number("reconnects") == 1);
                assertTrue(end(subscriber).number("gaps") >= 1, subscriber::toString);
            }
        }
    }

    @Test
    void aKilledProducerIsAFailureForWhoDoesNotReconnect() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", PATTERN);
            Child subscriber = verifier(stage, address, "reconnect=false", "stdin=ignore");
            awaitFrames(subscriber);
            producer.kill();
            assertEquals("PRODUCER_GONE", failure(subscriber).text("code"));
        }
    }

    /** As opposed to one that was killed: the connection stands, and who comes anew is told what may be wrong. */
    @Test
    void waitsForAProducerThatIsStopped() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", PATTERN);
            Child subscriber = verifier(stage, address);
            awaitFrames(subscriber);
            producer.signal("STOP");
            Child late = verifier(stage, address, "connect-ms=300", "stdin=ignore");
            assertEquals("NO_PRODUCER", failure(late).text("code"));
            assertTrue(late.output().get(0).contains("see whether its process is stopped"), late::toString);
            producer.signal("CONT");
            awaitFrames(subscriber);
            awaitFrames(subscriber);
            assertEquals(0, end(subscriber).number("reconnects"), subscriber::toString);
        }
    }

    @Test
    void goesAlongWithAnotherSizeAndFormat() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.start("producer", FaultProducer.class, List.of());
            producer.ask("open key=cam memory=host run-dir=" + stage.runDirectory(), "opened");
            List<Child> subscribers = List.of(
                    verifier(stage, address, "policy=latest"),
                    verifier(stage, thread, "policy=fifo:3", "release=thread", "wait=poll"));
            String[][] pictures = {{"SMALL", "NV12", "160"}, {"ODD", "YUV420P", "173"}, {"LARGE", "NV12", "320"}};
            int generation = 0;
            for (String[] picture : pictures) {
                int number = ++generation;
                producer.ask(
                        "pattern fps=50 size=" + picture[0] + " format=" + picture[1] + " number=" + number, "pattern");
                for (Child subscriber : subscribers) {
                    subscriber.await(
                            "progress",
                            report -> report.number("generation") == number
                                    && report.text("width").equals(picture[2]));
                }
            }
            for (Child subscriber : subscribers) {
                assertEquals(0, end(subscriber).number("reconnects"), subscriber::toString);
            }
        }
    }

    @Test
    void isToldWhyItIsRefused() throws Exception {
        try (Stage stage = new Stage()) {
            stage.producer("other", PATTERN);
            stage.producer("closed", "--test-pattern", "640x360@50", "--memory", "host", "--allow-user", "65533");
            Await.until(
                    () -> "both producers listen",
                    () -> Files.exists(stage.socketOf("other")) && Files.exists(stage.socketOf("closed")));
            Files.createSymbolicLink(stage.socketOf("cam"), stage.socketOf("other"));
            assertEquals(
                    "WRONG_KEY",
                    failure(verifier(stage, address, "stdin=ignore")).text("code"));
            assertEquals(
                    "NOT_ALLOWED",
                    failure(verifier(stage, address, "key=closed", "stdin=ignore"))
                            .text("code"));
            assertEquals(
                    "TOO_MANY_CREDITS",
                    failure(verifier(stage, address, "key=other", "credits=64", "stdin=ignore"))
                            .text("code"));
        }
    }

    @Test
    void anotherMajorVersionIsAClearError() throws Exception {
        String error = "2800000007000000" + "01000800" + "4355465202000000" + "0e000400" + "02000000" + "0f001000"
                + HexFormat.of().formatHex("it speaks 2.0 xx".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        String welcome = "0c00000002000000" + "01000800" + "4355465202000000";
        for (String answer : List.of(error, welcome)) {
            try (Stage stage = new Stage();
                    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
                server.bind(UnixDomainSocketAddress.of(stage.socketOf("cam")));
                Child subscriber = verifier(stage, address, "stdin=ignore");
                try (SocketChannel client = server.accept()) {
                    ByteBuffer hello = ByteBuffer.allocate(1024);
                    assertTrue(client.read(hello) > 8);
                    assertEquals(1, hello.get(4), "HELLO");
                    client.write(ByteBuffer.wrap(HexFormat.of().parseHex(answer)));
                    assertEquals("VERSION_MISMATCH", failure(subscriber).text("code"), subscriber::toString);
                    ByteBuffer last = ByteBuffer.allocate(1024);
                    boolean says = client.read(last) > 8;
                    assertEquals(answer.equals(welcome), says, "only who finds the mismatch says ERROR");
                    assertEquals(says ? 7 : 0, last.get(4), "ERROR");
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void readsGpuMemoryOfTheStandInDriver(String memory) throws Exception {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElse(""));
        Path library = StandInDriver.build();
        Map<String, String> environment =
                Map.of("LD_LIBRARY_PATH", library.getParent().toString(), "CUFRAMES_STANDIN_GPUS", "2");
        Launch launch = Launch.PLAIN.with(environment).with("-Dcuframes.cuda.library=" + library);
        try (Stage stage = new Stage()) {
            Child producer = gpuProducer(stage, launch, memory);
            List<Child> subscribers = List.of(
                    verifier(stage, address, environment, "policy=latest", "release=stream", "hold=5"),
                    verifier(stage, thread, environment, "policy=fifo:3", "release=stream", "wait=poll"),
                    verifier(stage, address, environment, "policy=latest", "gpu=1"));
            subscribers.forEach(CppBindingTest::awaitFrames);
            Child deferred = stage.run(
                    "deferred release",
                    List.of(address.toString(), "deferred", "key=cam", "run-dir=" + stage.runDirectory()),
                    environment);
            assertEquals(0, deferred.awaitExit(), deferred::toString);
            assertEquals(
                    "MEMORY_UNREACHABLE",
                    failure(verifier(stage, address, "use-gpus=false")).text("code"));
            producer.kill();
            gpuProducer(stage, launch, memory);
            for (Child subscriber : subscribers) {
                Report after = subscriber.await("progress", report -> report.number("reconnects") == 1);
                assertEquals(memory, after.text("memory"));
                end(subscriber);
            }
        }
    }

    private static Child gpuProducer(Stage stage, Launch launch, String memory) throws IOException {
        return stage.start(
                "producer",
                io.github.cuframes.producer.cli.Main.class,
                launch,
                List.of(
                        "--key",
                        "cam",
                        "--run-dir",
                        stage.runDirectory().toString(),
                        "--test-pattern",
                        "320x240@50",
                        "--memory",
                        memory));
    }

    /** What C++ downloads is what Java does, frame by frame. */
    @Test
    void checksumsAreThoseOfTheJavaSubscriber() throws Exception {
        try (Stage stage = new Stage()) {
            Path java = Files.createTempFile("cuframes-sums", ".java");
            Path cpp = Files.createTempFile("cuframes-sums", ".cpp");
            stage.producer(
                    "cam",
                    "--input",
                    Checkout.clip("pattern-1080p-h264").toString(),
                    "--memory",
                    "host",
                    "--wait-for-subscribers",
                    "2");
            List<String> options =
                    List.of("key=cam", "run-dir=" + stage.runDirectory(), "policy=lossless", "frames=10");
            List<Child> subscribers = List.of(
                    stage.start(
                            "Java",
                            io.github.cuframes.tests.gpu.ChecksumSubscriber.class,
                            with(options, "file=" + java)),
                    stage.run(
                            "C++",
                            with(with(List.of(address.toString(), "checksum"), options), "file=" + cpp),
                            Map.of()));
            for (Child subscriber : subscribers) {
                assertEquals(0, subscriber.awaitExit(), subscriber::toString);
            }
            assertNotEquals(0, Files.size(cpp));
            assertEquals(Files.readAllLines(java), Files.readAllLines(cpp));
            Files.delete(java);
            Files.delete(cpp);
        }
    }

    private static List<String> with(List<String> some, List<String> more) {
        List<String> all = new ArrayList<>(some);
        all.addAll(more);
        return all;
    }

    private static List<String> with(List<String> some, String more) {
        return with(some, List.of(more));
    }
}
