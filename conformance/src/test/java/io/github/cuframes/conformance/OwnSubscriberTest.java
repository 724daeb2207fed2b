package io.github.cuframes.conformance;

import io.github.cuframes.conformance.subscriber.SubscriberSuite;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Our own subscriber keeps to every clause that can be checked. */
class OwnSubscriberTest {

    @Test
    void keepsToEveryClause() throws Exception {
        List<Result> results =
                SubscriberSuite.INSTANCE.run(new OwnSubscriber(Duration.ofSeconds(8)), Set.of(), 4, result -> {});
        OwnPublisherTest.assertVerdicts(results, Set.of("slab-file")); // its mappings are among the suite's own
    }
}
