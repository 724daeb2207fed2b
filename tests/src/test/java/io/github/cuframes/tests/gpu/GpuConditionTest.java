package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;

class GpuConditionTest {

    @Test
    void withoutGpuTestsAreSkippedWithTheReason() {
        ConditionEvaluationResult result = GpuCondition.decide(Optional.of("no driver"), false);
        assertTrue(result.isDisabled());
        assertEquals(Optional.of("no driver"), result.getReason());
    }

    @Test
    void withoutGpuTestsFailWhereItIsRequired() {
        IllegalStateException failure =
                assertThrows(IllegalStateException.class, () -> GpuCondition.decide(Optional.of("no driver"), true));
        assertTrue(failure.getMessage().startsWith("no driver; "), failure.getMessage());
    }

    @Test
    void withGpuTestsRun() {
        assertFalse(GpuCondition.decide(Optional.empty(), true).isDisabled());
        assertFalse(GpuCondition.decide(Optional.empty(), false).isDisabled());
    }
}
