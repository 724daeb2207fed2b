package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.TestProcess;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A process that finds no driver, or no driver's functions, is told so in a sentence. */
class CudaWithoutDriverTest {

    /** Prints what a program is told. */
    static final class Ask {
        private Ask() {}

        public static void main(String[] arguments) throws IOException {
            StringBuilder text = new StringBuilder();
            text.append(Cuda.unavailable().orElse("available")).append('\n');
            text.append(Cuda.unavailable().orElse("available")).append('\n');
            text.append(Cuda.devices()).append('\n');
            try {
                text.append(Cuda.device("0"));
            } catch (CudaUnavailableException e) {
                text.append(e.getMessage());
            }
            System.out.write(text.append('\n').toString().getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        }
    }

    /** What it is told, each time the same. */
    private static String ask(String library, Map<String, String> environment)
            throws IOException, InterruptedException {
        List<String> lines = new ArrayList<>();
        try (TestProcess process =
                new TestProcess(environment, List.of("-Dcuframes.cuda.library=" + library), Ask.class)) {
            for (String line = process.line(); line != null; line = process.line()) {
                lines.add(line);
            }
            assertEquals(0, process.status());
        }
        assertEquals(List.of(lines.get(0), lines.get(0), "[]", lines.get(0)), lines);
        return lines.get(0);
    }

    @Test
    void aMissingLibraryIsASentence() throws Exception {
        String why = ask("libcuframes-absent.so.1", Map.of());
        assertTrue(why.startsWith("no usable CUDA driver ("), why);
        assertTrue(why.contains("libcuframes-absent.so.1: cannot open shared object file"), why);
        assertTrue(why.contains("install NVIDIA's driver"), why);
    }

    @Test
    void aLibraryWithoutTheFunctionsIsASentence() throws Exception {
        String why = ask("libc.so.6", Map.of()); // stands for a driver that is much too old
        assertTrue(why.contains("undefined symbol: cu"), why);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                StandInDriver.VERSION + "|11080|CUDA 11.8, and cuframes needs 12.0; update the driver to 525 or later",
                StandInDriver.GPUS
                        + "|0|does not start: CUDA_ERROR_NO_DEVICE (100), no device is detected; see whether nvidia-smi",
                StandInDriver.FAIL + "|cuInit:0:999|does not start: CUDA_ERROR_UNKNOWN (999)",
                StandInDriver.FAIL + "|cuDriverGetVersion:0:999|does not tell its version: CUDA_ERROR_UNKNOWN (999)",
                StandInDriver.FAIL + "|cuDeviceGetCount:0:2|does not count the GPUs: CUDA_ERROR_OUT_OF_MEMORY (2)",
            })
    void aDriverThatCannotBeUsedIsASentence(String variable, String value, String text) throws Exception {
        Assumptions.assumeTrue(StandInDriver.unavailable().isEmpty(), "no stand-in driver");
        String why = ask(StandInDriver.build().toString(), Map.of(variable, value));
        assertTrue(why.contains(text), why);
    }
}
