package io.github.cuframes.tests.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.tests.Await;
import io.github.cuframes.tests.Child;
import io.github.cuframes.tests.Launch;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Some steps of the harness, as in every build; {@code scripts/faults} and {@code scripts/soak} take many more. */
@Tag("slow")
class FaultsTest {

    /** Recoveries are judged where the machine is known: here only what was seen, and what grew. */
    private static final String NO_LIMIT_OF_TIME = "600000";

    private static final Set<Fault> ALL = EnumSet.allOf(Fault.class);

    private static String run(int expected, String... arguments) throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        int status = Faults.run(arguments, new PrintStream(bytes, true, StandardCharsets.UTF_8));
        String said = bytes.toString(StandardCharsets.UTF_8);
        assertEquals(expected, status, said);
        return said;
    }

    @Test
    void nobodyIsHurtByTheFaultsOfOthers() throws Exception {
        String steps = System.getProperty("cuframes.faults.steps", "40");
        String minutes = System.getProperty("cuframes.faults.minutes");
        run(
                0,
                minutes == null ? "--steps" : "--minutes",
                minutes == null ? steps : minutes,
                "--seed",
                System.getProperty("cuframes.seed", "1"),
                "--allowance",
                NO_LIMIT_OF_TIME,
                minutes == null ? "--no-rtsp" : "--quiet");
    }

    @Test
    void aPlanFollowsFromItsSeed() {
        List<Step> plan =
                IntStream.range(1, 200).mapToObj(i -> Step.of(7, i, ALL)).toList();
        assertEquals(
                plan, IntStream.range(1, 200).mapToObj(i -> Step.of(7, i, ALL)).toList());
        assertNotEquals(
                plan, IntStream.range(1, 200).mapToObj(i -> Step.of(8, i, ALL)).toList());
        assertEquals(
                plan.get(41).random().nextLong(), Step.of(7, 42, ALL).random().nextLong());
    }

    @Test
    void wrongOptionsAreRefused() throws Exception {
        run(2, "--sed", "7");
        run(2, "--memory", "paper");
        run(2, "--only", "meteorite");
        run(2, "--driver", "real");
        run(0, "--help");
    }

    @Test
    void oneThatIsToldToEndLeavesNothingBehind(@TempDir Path directory) throws Exception {
        Launch launch = Launch.PLAIN.with("-Djava.io.tmpdir=" + directory);
        List<String> arguments = List.of("--no-rtsp", "--cameras", "1", "--subscribers", "1", "--steps", "100000");
        try (Child harness = Child.start("harness", Faults.class, launch, arguments)) {
            Await.until(() -> "a step; " + harness, () -> harness.output().stream()
                    .anyMatch(line -> line.startsWith("step 1 ")));
            List<ProcessHandle> actors = harness.descendants();
            assertFalse(actors.isEmpty());
            harness.signal("TERM");
            harness.awaitExit();
            Await.until(
                    () -> "the end of all; " + harness, () -> actors.stream().noneMatch(ProcessHandle::isAlive));
        }
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, "cuframes-faults*")) {
            assertFalse(left.iterator().hasNext(), "a directory is left in " + directory);
        }
        assertFalse(Files.readString(Path.of("/proc/mounts")).contains(directory.toString()));
    }

    @Test
    void whatHarnessesCameToIsPutTogether(@TempDir Path directory) throws Exception {
        Path first = directory.resolve("first");
        Path second = directory.resolve("second");
        results(1, List.of(), List.of(3_000_000L, 1_000_000L)).write(first);
        assertEquals(results(1, List.of(), List.of(3_000_000L, 1_000_000L)), Results.read(first));
        results(2, List.of("FAILED step 7:\n  torn"), List.of(9_000_000L)).write(second);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);

        assertTrue(FaultsSummary.print(List.of(first), out));
        bytes.reset();
        assertFalse(FaultsSummary.print(List.of(first, second, directory.resolve("third")), out));

        String said = bytes.toString(StandardCharsets.UTF_8);
        assertTrue(
                said.contains("| all | 20 | 0 | 0 | 4 | 60 | 200 | 0 | 3.0 | 9.0 | 9.0 | 1 | 0 | 0 | 0 | 0 |"), said);
        assertTrue(said.contains("- skipped 4 times: no root"), said);
        assertTrue(said.contains("- seed 2: FAILED step 7:; torn"), said);
        assertTrue(said.contains("BROKE OFF"), said);
    }

    private static Results results(long seed, List<String> found, List<Long> recoveries) {
        Map<String, Long> counts = new LinkedHashMap<>();
        for (String none : List.of(
                "failed", "late", "violations", "unexplained", "direct", "rss", "descriptors", "threads", "vram")) {
            counts.put(none, 0L);
        }
        counts.putAll(
                Map.of("seed", seed, "steps", 10L, "skipped", 2L, "seconds", 60L, "verified", 100L, "heap", 1024L));
        return new Results("host memory", counts, Map.of("no root", 2), found, recoveries);
    }
}
