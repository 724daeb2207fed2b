package io.github.cuframes.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.conformance.publisher.PublisherSuite;
import io.github.cuframes.conformance.subscriber.SubscriberSuite;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The clauses of {@code docs/protocol.md}, the suite's checks, and what {@code docs/conformance.md} says of them. */
class ClausesTest {

    private static Set<String> checked() {
        Set<String> checked = new TreeSet<>();
        PublisherSuite.INSTANCE.checks().forEach(check -> checked.add(check.clause()));
        SubscriberSuite.INSTANCE.checks().forEach(check -> checked.add(check.clause()));
        return checked;
    }

    @Test
    void everyClauseIsCheckedOrHasAReason() {
        Set<String> known = new TreeSet<>(checked());
        known.addAll(NotChecked.REASONS.keySet());
        assertEquals(
                Document.PROTOCOL.clauses().stream()
                        .map(Document.Clause::id)
                        .collect(Collectors.toCollection(TreeSet::new)),
                known);
        NotChecked.REASONS.keySet().forEach(clause -> assertFalse(checked().contains(clause), clause));
    }

    @Test
    void sentencesAreWhole() {
        for (Document.Clause clause : Document.PROTOCOL.clauses()) {
            assertTrue(clause.sentence().length() >= 20, clause.toString());
            assertFalse(clause.sentence().contains("<a"), clause.toString());
            assertFalse(clause.section().isEmpty(), clause.toString());
        }
        assertEquals(
                "Unknown bits MUST be ignored.",
                Document.PROTOCOL.clause("unknown-flags").sentence());
        assertEquals("2.3", Document.PROTOCOL.clause("unknown-flags").section());
        assertEquals(
                "7 | TOO_MANY_CREDITS | more than one subscriber may have",
                Document.PROTOCOL.clause("too-many-credits").sentence());
    }

    @Test
    void thePageListsWhatIsNotChecked() throws Exception {
        String page = Files.readString(Path.of(System.getProperty("basedir", "."), "..", "docs", "conformance.md"));
        TreeMap<String, String> listed = new TreeMap<>();
        Matcher row = Pattern.compile("(?m)^\\| \\[`([a-z0-9-]+)`]\\(protocol\\.md#([a-z0-9-]+)\\) \\| (.*) \\|$")
                .matcher(page);
        while (row.find()) {
            assertEquals(row.group(1), row.group(2));
            listed.put(row.group(1), row.group(3));
        }
        assertEquals(new TreeMap<>(NotChecked.REASONS), listed);
    }

    @Test
    void aClauseThatIsNotThereIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> PublisherSuite.INSTANCE.select(Set.of("no-such-clause")));
        IllegalArgumentException other =
                assertThrows(IllegalArgumentException.class, () -> SubscriberSuite.INSTANCE.select(Set.of("golden")));
        assertTrue(other.getMessage().contains(NotChecked.REASONS.get("golden")), other.getMessage());
    }
}
