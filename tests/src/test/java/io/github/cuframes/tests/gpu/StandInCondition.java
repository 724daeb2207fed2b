package io.github.cuframes.tests.gpu;

import io.github.cuframes.standin.StandInDriver;
import java.util.Optional;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips tests where the stand-in driver cannot be built. */
final class StandInCondition implements ExecutionCondition {

    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
        Optional<String> missing = StandInDriver.unavailable();
        return missing.isPresent()
                ? ConditionEvaluationResult.disabled(missing.get())
                : ConditionEvaluationResult.enabled("there is a compiler");
    }
}
