package io.github.cuframes.conformance;

/** A clause cannot be checked here; the message is the reason, and says what would help if something does. */
public final class Skipped extends Exception {

    private static final long serialVersionUID = 1;

    /** Notes why. */
    public Skipped(String reason) {
        super(reason);
    }
}
