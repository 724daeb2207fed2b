package io.github.cuframes.conformance.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.NotChecked;
import io.github.cuframes.conformance.Result;
import io.github.cuframes.conformance.Suite;
import io.github.cuframes.conformance.Verdict;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What both commands have: choosing clauses, running them and reporting. */
abstract class SuiteCommand<T> implements Callable<Integer> {

    @Spec
    CommandSpec spec;

    @Option(
            names = "--clause",
            paramLabel = "ID",
            split = ",",
            description = "Check this clause only; may be repeated.")
    private List<String> clauses = List.of();

    @Option(names = "--list", description = "List the clauses of docs/protocol.md, check nothing.")
    private boolean list;

    @Option(names = "--json", description = "One object instead of a table.")
    private boolean json;

    @Option(
            names = "--patience",
            paramLabel = "S",
            defaultValue = "10",
            description = "Seconds to wait for what must come; default ${DEFAULT-VALUE}.")
    private double patienceSeconds;

    /** The checks. */
    abstract Suite<T> suite();

    /** How many checks run at a time. */
    abstract int atOnce();

    /** What is checked, ready. */
    abstract T open() throws Exception;

    /** Ends what {@link #open} started. */
    void close() {
        out().flush();
    }

    final Duration patience() {
        if (!(patienceSeconds >= 0.1 && patienceSeconds <= 3600)) {
            throw new IllegalArgumentException("--patience takes 0.1 to 3600 seconds, not " + patienceSeconds);
        }
        return Duration.ofMillis((long) (patienceSeconds * 1000));
    }

    @Override
    public Integer call() throws Exception {
        if (list) {
            return list();
        }
        suite().select(clauses);
        List<Result> results;
        try {
            results = suite().run(open(), Set.copyOf(clauses), atOnce(), json ? result -> {} : this::print);
        } finally {
            close();
        }
        Map<Verdict, Long> counts =
                results.stream().collect(Collectors.groupingBy(Result::verdict, Collectors.counting()));
        if (json) {
            printJson(results, counts);
        } else {
            out().printf(
                            "%d clauses: %d passed, %d failed, %d skipped; %d more cannot be checked from outside, see --list%n",
                            results.size(),
                            counts.getOrDefault(Verdict.PASS, 0L),
                            counts.getOrDefault(Verdict.FAIL, 0L),
                            counts.getOrDefault(Verdict.SKIP, 0L),
                            NotChecked.REASONS.size());
        }
        return counts.containsKey(Verdict.FAIL) ? Main.FAILED : Main.DONE;
    }

    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private void print(Result result) {
        out().printf(
                        Locale.ROOT,
                        "%-4s %-24s %-5s %7.2f s  %s%n",
                        result.verdict(),
                        result.clause().id(),
                        result.clause().section(),
                        result.millis() / 1000.0,
                        result.clause().sentence());
        switch (result.verdict()) {
            case FAIL -> {
                out().println("     expected: " + result.expected());
                out().println("     seen:     " + result.seen());
            }
            case SKIP -> out().println("     reason:   " + result.seen());
            default -> out().flush();
        }
    }

    private int list() {
        Set<String> checked =
                suite().checks().stream().map(check -> check.clause()).collect(Collectors.toSet());
        for (Document.Clause clause : Document.PROTOCOL.clauses()) {
            String reason = NotChecked.REASONS.get(clause.id());
            String how = checked.contains(clause.id())
                    ? "checked"
                    : reason != null ? "not checkable from outside: " + reason : "about the other side";
            out().printf("%-24s %-5s %s%n     %s%n", clause.id(), clause.section(), how, clause.sentence());
        }
        return Main.DONE;
    }

    private void printJson(List<Result> results, Map<Verdict, Long> counts) throws IOException {
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("side", suite().side());
        report.put("protocol", Document.PROTOCOL.version());
        report.put("passed", counts.getOrDefault(Verdict.PASS, 0L));
        report.put("failed", counts.getOrDefault(Verdict.FAIL, 0L));
        report.put("skipped", counts.getOrDefault(Verdict.SKIP, 0L));
        List<Map<String, Object>> rows = new ArrayList<>();
        for (Result result : results) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("clause", result.clause().id());
            row.put("section", result.clause().section());
            row.put("sentence", result.clause().sentence());
            row.put("verdict", result.verdict().name());
            row.put("expected", result.expected().isEmpty() ? null : result.expected());
            row.put("seen", result.verdict() == Verdict.FAIL ? result.seen() : null);
            row.put("reason", result.verdict() == Verdict.SKIP ? result.seen() : null);
            row.put("millis", result.millis());
            rows.add(row);
        }
        report.put("clauses", rows);
        out().println(new ObjectMapper()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .writeValueAsString(report));
    }
}
