package io.github.cuframes.conformance;

/**
 * How a clause is checked on one side.
 *
 * @param clause the id in {@code docs/protocol.md}
 * @param phase when it runs
 * @param steps what is done; returns where the peer keeps to the clause
 * @param <T> what it is given: the peer and the means to talk to it
 */
public record Check<T>(String clause, Phase phase, Steps<T> steps) {

    /** When a check runs. */
    public enum Phase {
        /** One after the other. */
        NORMAL,
        /** It waits for seconds: beside the others. */
        SLOW,
        /** It disturbs others of its kind: when all others are done. */
        ALONE
    }

    /** What is done. */
    @FunctionalInterface
    public interface Steps<T> {
        /**
         * Checks.
         *
         * @throws Failed if the peer does not keep to the clause
         * @throws Skipped if that cannot be found out here
         * @throws Exception if the suite itself, or the connection, fails: counted as a failure
         */
        void run(T subject) throws Exception;
    }

    /** A check that runs in turn. */
    public static <T> Check<T> of(String clause, Steps<T> steps) {
        return new Check<>(clause, Phase.NORMAL, steps);
    }

    /** A check that waits for seconds. */
    public static <T> Check<T> slow(String clause, Steps<T> steps) {
        return new Check<>(clause, Phase.SLOW, steps);
    }

    /** A check that wants the peer for itself. */
    public static <T> Check<T> alone(String clause, Steps<T> steps) {
        return new Check<>(clause, Phase.ALONE, steps);
    }

    /** The same check in another phase. */
    public Check<T> in(Phase other) {
        return new Check<>(clause, other, steps);
    }

    Result perform(T subject) {
        Document.Clause said = Document.PROTOCOL.clause(clause);
        long begin = System.nanoTime();
        try {
            steps.run(subject);
            return new Result(said, Verdict.PASS, "", "", millis(begin));
        } catch (Skipped e) {
            return new Result(said, Verdict.SKIP, "", e.getMessage(), millis(begin));
        } catch (Failed e) {
            return new Result(said, Verdict.FAIL, e.expected(), e.seen(), millis(begin));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return new Result(said, Verdict.SKIP, "", "interrupted", millis(begin));
        } catch (Exception e) {
            return new Result(said, Verdict.FAIL, "a peer that can be talked to", e.toString(), millis(begin));
        }
    }

    private static long millis(long begin) {
        return (System.nanoTime() - begin) / 1_000_000;
    }
}
