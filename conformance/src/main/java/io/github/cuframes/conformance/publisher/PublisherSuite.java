package io.github.cuframes.conformance.publisher;

import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Suite;
import java.util.List;
import java.util.stream.Stream;

/** All checks of publishers. */
public final class PublisherSuite {

    /** The checks. */
    public static final Suite<PublisherUnderTest> INSTANCE = new Suite<>("publisher", checks());

    private PublisherSuite() {}

    private static List<Check<PublisherUnderTest>> checks() {
        return Stream.of(
                        GreetingChecks.all(),
                        SharedMemoryChecks.all(),
                        DeliveryChecks.all(),
                        PacketChecks.all(),
                        LifeChecks.all())
                .flatMap(List::stream)
                .toList();
    }
}
