package io.github.cuframes.tests.faults;

/** A step showed what must not be. */
final class StepFailure extends Exception {

    private static final long serialVersionUID = 1;

    StepFailure(String what) {
        super(what);
    }
}
