package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.subscriber.cli.Main;
import io.github.cuframes.tests.Child;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.Timeout;

/** What {@code doctor} finds. */
@GpuTest
@Timeout(60)
class DoctorGpuTest {

    @Test
    void doctorIsContent(TestReporter reporter) throws Exception {
        JsonNode found = findings(Platform.GPU, reporter);
        JsonNode codecs = found.path("gpus").path(0).path("codecs");
        assertTrue(codecs.size() > 0, found::toPrettyString);
    }

    static JsonNode findings(Platform platform, TestReporter reporter) throws Exception {
        try (GpuStage stage = new GpuStage(platform)) {
            Child doctor = stage.start(
                    "doctor",
                    Main.class,
                    stage.launch(),
                    List.of("doctor", "--json", "--run-dir=" + stage.runDirectory()));
            int status = doctor.awaitExit();
            String text = String.join("\n", doctor.output());
            reporter.publishEntry("doctor --json", text);
            assertEquals(0, status, doctor::toString);
            JsonNode found = new ObjectMapper().readTree(text);
            assertTrue(found.path("usable").asBoolean(), text);
            assertTrue(found.path("gpus").size() > 0, text);
            List<String> memory = new ArrayList<>();
            found.path("memory").forEach(kind -> memory.add(kind.asText()));
            assertTrue(memory.containsAll(List.of("host", "cuda", "cuda-ipc")), text);
            return found;
        }
    }
}
