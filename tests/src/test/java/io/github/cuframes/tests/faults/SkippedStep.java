package io.github.cuframes.tests.faults;

/** A step cannot be taken here, for the reason given. */
final class SkippedStep extends Exception {

    private static final long serialVersionUID = 1;

    SkippedStep(String reason) {
        super(reason);
    }
}
