package io.github.cuframes.conformance.subscriber;

import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Suite;
import java.util.List;
import java.util.stream.Stream;

/** All checks of subscribers. */
public final class SubscriberSuite {

    /** The checks. */
    public static final Suite<SubscriberUnderTest> INSTANCE = new Suite<>("subscriber", checks());

    private SubscriberSuite() {}

    private static List<Check<SubscriberUnderTest>> checks() {
        return Stream.of(GreetingChecks.all(), MemoryChecks.all(), DeliveryChecks.all())
                .flatMap(List::stream)
                .toList();
    }
}
