package io.github.cuframes.memory.transport;

import java.io.IOException;

/** The peer sent what is no message; the connection is of no further use. */
public final class FramingException extends IOException {

    private static final long serialVersionUID = 1;

    FramingException(String message) {
        super(message);
    }
}
