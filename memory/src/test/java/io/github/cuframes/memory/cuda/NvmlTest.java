package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.memory.TestProcess;
import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.standin.StandInNvml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a process is told by a management library, or without one; a JVM has one for its lifetime. */
class NvmlTest {

    @TempDir
    private Path files;

    /** Prints what a program is told. */
    static final class Ask {
        private Ask() {}

        public static void main(String[] arguments) throws IOException {
            StringBuilder text = new StringBuilder();
            text.append(Nvml.unavailable().orElse("available")).append('\n');
            Nvml.Reading reading = Nvml.read();
            text.append(reading.gpus().size()).append('\n');
            reading.gpus().forEach(gpu -> text.append(gpu).append('\n'));
            reading.problems().forEach(problem -> text.append(problem).append('\n'));
            System.out.write(text.toString().getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }

    private static List<String> ask(String library, Map<String, String> environment)
            throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        try (TestProcess process =
                new TestProcess(environment, List.of("-Dcuframes.nvml.library=" + library), Ask.class)) {
            for (String line = process.line(); line != null; line = process.line()) {
                lines.add(line);
            }
            assertEquals(0, process.status());
        }
        return lines;
    }

    private String standIn() throws IOException, InterruptedException {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElse(""));
        return StandInNvml.build(files).toString();
    }

    @Test
    void aMissingLibraryIsASentence() throws Exception {
        List<String> lines = ask("libcuframes-absent-ml.so.1", Map.of());
        assertEquals(2, lines.size(), lines.toString());
        assertTrue(lines.get(0).contains("libcuframes-absent-ml.so.1: cannot open shared object file"), lines.get(0));
        assertEquals("0", lines.get(1));
    }

    @Test
    void eachGpuTellsWhatItCan() throws Exception {
        assertEquals(
                List.of(
                        "available",
                        "2",
                        "Usage[uuid=" + StandInNvml.WHOLE + ", decoderPercent=OptionalInt[37],"
                                + " memoryUsed=OptionalLong[1234567890], memoryTotal=OptionalLong[85899345920]]",
                        "Usage[uuid=" + StandInNvml.DIVIDED + ", decoderPercent=OptionalInt.empty,"
                                + " memoryUsed=OptionalLong[2469135780], memoryTotal=OptionalLong[171798691840]]",
                        "nvmlDeviceGetHandleByIndex_v2(2): GPU is lost (15)"),
                ask(standIn(), Map.of()));
    }

    @Test
    void aLibraryThatDoesNotStartIsASentence() throws Exception {
        String library = standIn();
        assertEquals(
                List.of(library + " does not start: nvmlInit_v2: Driver Not Loaded (9)", "0"),
                ask(library, Map.of(StandInNvml.START, "9")));
    }
}
