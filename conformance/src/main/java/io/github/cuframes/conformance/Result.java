package io.github.cuframes.conformance;

/**
 * A line of the report.
 *
 * @param clause what was checked
 * @param verdict what was found
 * @param expected what should have been seen; empty unless it failed
 * @param seen what was seen instead, or why it was skipped
 * @param millis how long it took
 */
public record Result(Document.Clause clause, Verdict verdict, String expected, String seen, long millis) {}
