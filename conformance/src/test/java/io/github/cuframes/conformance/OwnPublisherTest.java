package io.github.cuframes.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.conformance.publisher.PublisherSuite;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Our own publisher keeps to every clause that can be checked. */
class OwnPublisherTest {

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    @Test
    void keepsToEveryClause() throws Exception {
        try (OwnPublisher publisher = new OwnPublisher(directory, PATIENCE, true)) {
            List<Result> results = PublisherSuite.INSTANCE.run(publisher, Set.of(), 1, result -> {});
            assertVerdicts(results, Set.of("lossless-refused", "mapping-stays"));
        }
    }

    @Test
    void refusesLosslessWhereItIsLive() throws Exception {
        try (OwnPublisher publisher = new OwnPublisher(directory, PATIENCE, false)) {
            List<Result> results =
                    PublisherSuite.INSTANCE.run(publisher, Set.of("lossless-refused", "lossless"), 1, result -> {});
            assertVerdicts(results, Set.of("lossless"));
        }
    }

    /** All pass, but for those that are skipped, which are exactly these. */
    static void assertVerdicts(List<Result> results, Set<String> skipped) {
        assertEquals(
                List.of(),
                results.stream()
                        .filter(result -> result.verdict() == Verdict.FAIL)
                        .toList());
        assertEquals(
                new TreeSet<>(skipped),
                results.stream()
                        .filter(result -> result.verdict() == Verdict.SKIP)
                        .map(result -> result.clause().id())
                        .collect(Collectors.toCollection(TreeSet::new)));
    }
}
