package io.github.cuframes.producer;

import java.io.IOException;

/**
 * A native call hangs, and this process cannot get over it by itself: it has to end, and be started again by whoever
 * supervises it. Closing what it uses may hang as well.
 */
public final class HangException extends IOException {

    private static final long serialVersionUID = 1L;

    HangException(String message) {
        super(message);
    }
}
