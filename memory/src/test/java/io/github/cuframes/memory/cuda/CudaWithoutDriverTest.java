package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

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

    private static List<String> ask(String library) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-Dcuframes.cuda.library=" + library,
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"))));
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
        }
        command.add(Ask.class.getName());
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> lines = process.inputReader().lines().toList();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue());
        return lines;
    }

    @Test
    void aMissingLibraryIsASentence() throws Exception {
        List<String> lines = ask("libcuframes-absent.so.1");
        assertTrue(lines.get(0).startsWith("no usable CUDA driver ("), lines.get(0));
        assertTrue(lines.get(0).contains("libcuframes-absent.so.1: cannot open shared object file"), lines.get(0));
        assertEquals(List.of(lines.get(0), lines.get(0), "[]", lines.get(0)), lines);
    }

    @Test
    void aLibraryWithoutTheFunctionsIsASentence() throws Exception {
        List<String> lines = ask("libc.so.6"); // stands for a driver that is too old
        assertTrue(lines.get(0).contains("undefined symbol: cu"), lines.get(0));
        assertEquals(List.of(lines.get(0), lines.get(0), "[]", lines.get(0)), lines);
    }
}
