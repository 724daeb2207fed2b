package io.github.cuframes.conformance;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * The checks of one side, and those clauses that it cannot see.
 *
 * @param side "publisher" or "subscriber"
 * @param checks one for each clause that can be checked on this side
 * @param <T> what checks are given
 */
public record Suite<T>(String side, List<Check<T>> checks) {

    /** Checks that each clause is one of the page and has one check. */
    public Suite {
        checks = List.copyOf(checks);
        Map<String, Check<T>> seen = new LinkedHashMap<>();
        for (Check<T> check : checks) {
            Document.PROTOCOL.clause(check.clause());
            if (seen.put(check.clause(), check) != null) {
                throw new IllegalStateException("two checks of " + check.clause() + " for a " + side);
            }
        }
    }

    /** The checks of some clauses, or of all if none is named. */
    public List<Check<T>> select(Collection<String> clauses) {
        List<String> order =
                Document.PROTOCOL.clauses().stream().map(Document.Clause::id).toList();
        for (String clause : clauses) {
            if (checks.stream().noneMatch(check -> check.clause().equals(clause))) {
                throw new IllegalArgumentException("there is no check of clause " + clause + " for a " + side + ": "
                        + (order.contains(clause)
                                ? NotChecked.REASONS.getOrDefault(clause, "it is about the other side")
                                : "no such clause")
                        + "; see --list");
            }
        }
        return checks.stream()
                .filter(check -> clauses.isEmpty() || clauses.contains(check.clause()))
                .sorted((one, other) -> Integer.compare(order.indexOf(one.clause()), order.indexOf(other.clause())))
                .toList();
    }

    /**
     * Runs checks.
     *
     * @param atOnce how many may run at a time, beside the slow ones
     * @param listener told each result when it is there, in the page's order within a phase
     */
    public List<Result> run(T subject, Collection<String> clauses, int atOnce, Consumer<Result> listener)
            throws InterruptedException {
        List<Check<T>> selected = select(clauses);
        ExecutorService slow = Executors.newCachedThreadPool(Suite::thread);
        ExecutorService normal = Executors.newFixedThreadPool(atOnce, Suite::thread);
        List<Result> results = new ArrayList<>();
        try {
            Map<Check<T>, Future<Result>> running = new LinkedHashMap<>();
            for (Check<T> check : selected) {
                if (check.phase() != Check.Phase.ALONE) {
                    ExecutorService pool = check.phase() == Check.Phase.SLOW ? slow : normal;
                    running.put(check, pool.submit(() -> check.perform(subject)));
                }
            }
            for (Check.Phase phase : List.of(Check.Phase.NORMAL, Check.Phase.SLOW)) {
                for (Map.Entry<Check<T>, Future<Result>> entry : running.entrySet()) {
                    if (entry.getKey().phase() == phase) {
                        add(results, entry.getValue().get(), listener);
                    }
                }
            }
            for (Check<T> check : selected) {
                if (check.phase() == Check.Phase.ALONE) {
                    add(results, check.perform(subject), listener);
                }
            }
            return results;
        } catch (ExecutionException e) {
            throw new IllegalStateException("the suite failed", e.getCause());
        } finally {
            slow.shutdownNow();
            normal.shutdownNow();
        }
    }

    private static void add(List<Result> results, Result result, Consumer<Result> listener) {
        results.add(result);
        listener.accept(result);
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "check");
        thread.setDaemon(true);
        return thread;
    }
}
