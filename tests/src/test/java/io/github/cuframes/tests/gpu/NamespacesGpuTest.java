package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Checkout;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Producer and subscriber in namespaces of their own and of different users, as two containers are. */
@GpuTest
@Timeout(120)
class NamespacesGpuTest {

    /** The first that is permitted is taken: a container may not mount a /proc. */
    private static final List<List<String>> WAYS = List.of(
            List.of("unshare", "--pid", "--ipc", "--mount", "--net", "--fork", "--kill-child", "--mount-proc"),
            List.of("unshare", "--pid", "--ipc", "--mount", "--net", "--fork", "--kill-child"));

    /** Nobody, as a rule. */
    private static final List<String> OTHER_USER =
            List.of("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups");

    /** Keeps pid 1 for itself, so that its command has another. */
    private static final List<String> NOT_THE_FIRST = List.of("sh", "-c", "\"$@\"; exit $?", "sh");

    private static final int FRAMES = 50;

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "host"})
    void namespacesAndUsersDiffer(String memory, TestReporter reporter) throws Exception {
        namespacesAndUsersDiffer(Platform.GPU, "h264-1080p", memory, reporter);
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuda", "cuda-ipc"})
    void bothAreTheFirstProcess(String memory, TestReporter reporter) throws Exception {
        bothAreTheFirstProcess(Platform.GPU, "h264-1080p", memory, reporter);
    }

    @Test
    void legacyHandlesBetweenDifferentPids(TestReporter reporter) throws Exception {
        List<String> unshare = permittedWay();
        read(Platform.GPU, "h264-1080p", "cuda-ipc", unshare, join(unshare, NOT_THE_FIRST), reporter);
    }

    static void namespacesAndUsersDiffer(Platform platform, String clip, String memory, TestReporter reporter)
            throws Exception {
        List<String> unshare = permittedWay();
        Optional<String> refusal = refusal(OTHER_USER, readable());
        assumeTrue(refusal.isEmpty(), () -> "no other user: " + refusal.orElseThrow());
        read(platform, clip, memory, unshare, join(unshare, OTHER_USER), reporter);
    }

    /** Pid 1 and pid 1: descriptors pass, legacy handles are refused, and it is said why and what helps. */
    static void bothAreTheFirstProcess(Platform platform, String clip, String memory, TestReporter reporter)
            throws Exception {
        List<String> unshare = permittedWay();
        if (memory.equals("cuda")) {
            read(platform, clip, memory, unshare, unshare, reporter);
            return;
        }
        try (Setting setting = new Setting(platform, clip, memory, unshare)) {
            Child subscriber = setting.subscriber(unshare);
            subscriber.await("failed", any -> true);
            String refusal = String.join("\n", subscriber.output());
            reporter.publishEntry("two processes with pid 1", refusal);
            assertTrue(refusal.contains("here 1,"), refusal);
            assertTrue(refusal.contains("--memory cuda"), refusal);
            assertEquals(1, subscriber.awaitExit());
            assertTrue(setting.producer.isAlive(), setting.producer::toString);
        }
    }

    private static void read(
            Platform platform,
            String clip,
            String memory,
            List<String> producerBy,
            List<String> subscriberBy,
            TestReporter reporter)
            throws Exception {
        boolean host = memory.equals("host"); // frames are decoded in software then
        int[] reference = References.of(clip, host ? PlainDecoder.Device.SOFTWARE : platform.decoder());
        try (Setting setting = new Setting(platform, clip, memory, producerBy)) {
            Child subscriber = setting.subscriber(subscriberBy);
            assertEquals(memory, GpuStage.summaryOf(subscriber).text("memory"));
            List<Received> received = setting.stage.received(subscriber);
            assertEquals(FRAMES, received.size());
            WriteProtectionGpuTest.assertIntact(reference, received);
            reporter.publishEntry(
                    memory, FRAMES + " frames equal; producer by " + producerBy + ", subscriber by " + subscriberBy);
        }
    }

    private static List<String> join(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    private static List<String> permittedWay() throws Exception {
        List<String> refusals = new ArrayList<>();
        for (List<String> way : WAYS) {
            Optional<String> refusal = refusal(way, List.of("true"));
            if (refusal.isEmpty()) {
                return way;
            }
            refusals.add(refusal.get());
        }
        assumeTrue(false, "no namespaces of one's own: " + refusals);
        throw new AssertionError("skipped before");
    }

    /** A command that fails, and names the file, if one cannot be read that a JVM of the tests needs. */
    private static List<String> readable() {
        List<String> command = new ArrayList<>(List.of(
                "sh", "-c", "for file; do [ -r \"$file\" ] || { echo \"it cannot read $file\"; exit 1; }; done", "sh"));
        command.add(System.getProperty("java.home") + "/bin/java");
        command.addAll(List.of(System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))
                .split(":")));
        return command;
    }

    /** Why a command cannot start another here; empty if it can. */
    private static Optional<String> refusal(List<String> command, List<String> other) throws Exception {
        try {
            Process process = new ProcessBuilder(join(command, other))
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            boolean ended = process.waitFor(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS);
            return ended && process.exitValue() == 0 ? Optional.empty() : Optional.of(command + ": " + output);
        } catch (IOException e) {
            return Optional.of(e.getMessage());
        }
    }

    /** A producer in namespaces of its own, and directories that another user can use too. */
    private static final class Setting implements AutoCloseable {

        private final GpuStage stage;
        /** Where the subscriber's JVM puts natives and its file. */
        private final Path open = Files.createTempDirectory("cuframes-gpu-open");

        private final Child producer;

        Setting(Platform platform, String clip, String memory, List<String> by) throws Exception {
            stage = new GpuStage(platform);
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
            Files.setPosixFilePermissions(stage.runDirectory(), PosixFilePermissions.fromString("rwxr-xr-x"));
            stage.openFiles();
            producer = stage.producer(
                    stage.launch().by(by),
                    "cam",
                    "--input",
                    Checkout.clip(clip).toString(),
                    "--loop",
                    "--memory",
                    memory,
                    "--socket-mode",
                    "0666",
                    "--wait-for-subscribers",
                    "1");
        }

        Child subscriber(List<String> by) throws Exception {
            Launch how = stage.launch()
                    .by(by)
                    .with(
                            "-Djava.io.tmpdir=" + open,
                            "-Djna.tmpdir=" + open,
                            "-Dorg.bytedeco.javacpp.cachedir=" + open);
            return stage.subscriber(how, "subscriber", "cam", "lossless", "frames=" + FRAMES);
        }

        @Override
        public void close() throws IOException {
            stage.close();
            try (Stream<Path> left = Files.walk(open)) {
                for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }
}
