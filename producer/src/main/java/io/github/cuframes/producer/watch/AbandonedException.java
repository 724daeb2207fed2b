package io.github.cuframes.producer.watch;

/**
 * A native call has returned after it was given up. Whoever sees this has been replaced: he frees what is his and ends,
 * without publishing anything or telling anybody.
 */
public final class AbandonedException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    AbandonedException(NativeCall call) {
        super(call.description() + " has returned after it was given up");
    }
}
