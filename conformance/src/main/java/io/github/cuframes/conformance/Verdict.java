package io.github.cuframes.conformance;

/** What a check found. */
public enum Verdict {
    /** The peer keeps to the clause, as far as the suite can see. */
    PASS,
    /** It does not. */
    FAIL,
    /** It could not be found out; the reason is said. */
    SKIP
}
