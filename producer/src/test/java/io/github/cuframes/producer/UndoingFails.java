package io.github.cuframes.producer;

import io.github.cuframes.standin.StandInControl;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Map;

/**
 * A process in which the driver refuses, one after the other, the calls that give something back. What it keeps is lost; the
 * producer comes to its end all the same. Arguments: run directory, clip, where to report.
 */
final class UndoingFails {

    private static final int OUT_OF_MEMORY = 2;
    private static final int MOST = 12;

    private UndoingFails() {}

    public static void main(String[] arguments) throws Exception {
        Path report = Path.of(arguments[2]);
        StandInControl control = StandInControl.load();
        live(arguments);
        Map<String, Long> called = control.called();
        for (String function : GpuProducerTest.UNDOING) {
            long calls = called.getOrDefault(function, 0L);
            for (int i = 0; i < Math.min(calls, MOST); i++) {
                // the first calls and the last: some of the many between are alike
                int nth = i < MOST / 2 ? i + 1 : (int) (calls - Math.min(calls, MOST) + i + 1);
                control.reset();
                control.fail(function, nth, OUT_OF_MEMORY);
                tell(report, function + " " + nth + " of " + calls);
                tell(report, live(arguments));
            }
        }
        tell(report, "all came to an end");
    }

    private static void tell(Path report, String line) throws IOException {
        Files.writeString(report, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private static String live(String[] arguments) throws InterruptedException {
        try (Producer producer = Producer.builder("cam")
                .publish(publisher -> publisher.runDirectory(Path.of(arguments[0])))
                .input(arguments[1])
                .memory(Memory.CUDA)
                .open()) {
            if (!producer.awaitEnd(Duration.ofSeconds(20))) {
                throw new AssertionError("neither ended nor failed");
            }
            return "ended";
        } catch (IOException e) {
            return e.getMessage();
        }
    }
}
