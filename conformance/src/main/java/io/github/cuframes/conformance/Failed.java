package io.github.cuframes.conformance;

/** A peer did something else than a clause says. */
public final class Failed extends Exception {

    private static final long serialVersionUID = 1;

    private final String expected;
    private final String seen;

    /** Notes what was to happen, and what happened. */
    public Failed(String expected, String seen) {
        super("expected " + expected + "; seen: " + seen);
        this.expected = expected;
        this.seen = seen;
    }

    /** Throws if something does not hold. */
    public static void unless(boolean holds, String expected, Object seen) throws Failed {
        if (!holds) {
            throw new Failed(expected, String.valueOf(seen));
        }
    }

    /** Throws if two numbers differ. */
    public static void unlessEqual(String what, long expected, long seen) throws Failed {
        unless(expected == seen, what + " " + expected, Long.toString(seen));
    }

    /** The same in a case that is to be named. */
    public Failed in(String situation) {
        return new Failed(situation + ": " + expected, seen);
    }

    /** What the clause says. */
    public String expected() {
        return expected;
    }

    /** What the peer did. */
    public String seen() {
        return seen;
    }
}
