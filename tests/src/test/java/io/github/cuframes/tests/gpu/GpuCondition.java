package io.github.cuframes.tests.gpu;

import io.github.cuframes.memory.cuda.Cuda;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Whether there is a GPU for a {@link GpuTest}. The only place that decides it. */
final class GpuCondition implements ExecutionCondition {

    static final String REQUIRE = "CUFRAMES_REQUIRE_GPU";

    // the kernel driver's: a library alone may be a stand-in for tests without a GPU
    private static final Path DEVICE = Path.of("/dev/nvidiactl");

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        return decide(missing(), "1".equals(System.getenv(REQUIRE)));
    }

    /** What is missing for CUDA on a real GPU, with the remedy; empty if nothing is. */
    private static Optional<String> missing() {
        if (!Files.exists(DEVICE)) {
            return Optional.of("no NVIDIA GPU: there is no " + DEVICE + "; run this where nvidia-smi lists one");
        }
        return Cuda.unavailable();
    }

    /**
     * Runs, skips or fails a test.
     *
     * @throws IllegalStateException if something is missing that is required
     */
    static ConditionEvaluationResult decide(Optional<String> missing, boolean required) {
        if (missing.isEmpty()) {
            return ConditionEvaluationResult.enabled("there is a GPU");
        }
        if (required) {
            throw new IllegalStateException(missing.get() + "; or unset " + REQUIRE + " to skip tests that need a GPU");
        }
        return ConditionEvaluationResult.disabled(missing.get());
    }
}
