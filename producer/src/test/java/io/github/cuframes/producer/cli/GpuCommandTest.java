package io.github.cuframes.producer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.TestClip;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a process, with the stand-in driver and with none: its exit status, and one sentence on stderr. */
class GpuCommandTest extends StandInTest {

    private static final String STAND_IN = System.getProperty("cuframes.cuda.library");
    private static final String ABSENT = "libcuframes-absent.so.1";

    @TempDir
    Path directory;

    private record Result(int status, String err) {
        /** The lines that are not from the log. */
        List<String> sentences() {
            return err.lines()
                    .filter(line -> line.startsWith("cuframes-producer: "))
                    .toList();
        }
    }

    private Result run(String library, String failures, String... options) throws Exception {
        Path clip = directory.resolve("clip.mp4");
        if (!Files.exists(clip)) {
            TestClip.h264(320, 240).write(clip, 5);
        }
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dcuframes.cuda.library=" + library,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.addAll(
                List.of(Main.class.getName(), "--key=cam", "--run-dir=" + directory.resolve("run"), "--input=" + clip));
        command.addAll(Arrays.asList(options));
        Path err = directory.resolve("err");
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(err.toFile());
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD);
        if (failures != null) {
            builder.environment().put("CUFRAMES_STANDIN_FAIL", failures);
        }
        Process process = builder.start();
        assertTrue(process.waitFor(50, TimeUnit.SECONDS));
        return new Result(process.exitValue(), Files.readString(err, StandardCharsets.UTF_8));
    }

    private static void assertFailed(Result result, String why, String remedy) {
        assertEquals(1, result.status, result.err);
        assertEquals(1, result.sentences().size(), result.err);
        String sentence = result.sentences().get(0);
        assertTrue(sentence.contains(why) && sentence.contains(remedy), sentence);
    }

    @Test
    void withoutADriverCudaFailsAndAutoDoesNot() throws Exception {
        assertFailed(
                run(ABSENT, null, "--memory=cuda"),
                ABSENT + ": cannot open shared object file",
                "install NVIDIA's driver");
        Result auto = run(ABSENT, null);
        assertEquals(0, auto.status, auto.err);
        assertTrue(auto.err.contains("frames live in host memory (no usable CUDA driver"), auto.err);
    }

    @Test
    void theGpuIsUsedByItselfAndAsNamed() throws Exception {
        Result auto = run(STAND_IN, null);
        assertEquals(0, auto.status, auto.err);
        assertTrue(auto.err.contains("frames live in cuda memory of GPU 0 ("), auto.err);
        assertTrue(auto.err.contains("decoded in software and uploaded"), auto.err);
        assertFailed(run(STAND_IN, null, "--gpu=7"), "there is no GPU \"7\"", "this process sees [0 (");
        Result filtered = run(STAND_IN, null, "--memory=cuda", "--filter=fps=often");
        assertFailed(filtered, "the filter \"fps=often\" cannot be used", "see https://ffmpeg.org/ffmpeg-filters.html");
    }

    @Test
    void aGpuWithoutMemoryIsSaidSo() throws Exception {
        assertFailed(run(STAND_IN, "cuMemCreate:1:2", "--memory=cuda"), "cuMemCreate", "use fewer or smaller frames");
    }
}
