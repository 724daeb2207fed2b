package io.github.cuframes.memory.cuda;

import java.io.IOException;
import java.util.function.Consumer;

/** What is to happen when one call in a row fails: nothing stays behind, and the first failure is the one that is told. */
final class Cleanup {

    /** Makes something. */
    interface Maker<T, E extends IOException> {
        T make() throws E;
    }

    /** Ends something. */
    interface Step {
        void run() throws CudaException;
    }

    private Cleanup() {}

    /**
     * Makes something, then ends what was begun for that.
     *
     * @param end runs whether the making succeeds or not
     * @param undo takes back what was made, where the end fails
     */
    static <T, E extends IOException> T making(Maker<T, E> maker, Step end, Consumer<T> undo) throws E, CudaException {
        T made;
        try {
            made = maker.make();
        } catch (IOException | RuntimeException e) {
            after(e, end);
            throw e;
        }
        try {
            end.run();
        } catch (CudaException e) {
            after(e, () -> undo.accept(made));
            throw e;
        }
        return made;
    }

    /** Cleans up after a failure, which also tells what fails now. */
    static void after(Exception failure, Step step) {
        try {
            step.run();
        } catch (CudaException | RuntimeException e) {
            failure.addSuppressed(e);
        }
    }
}
