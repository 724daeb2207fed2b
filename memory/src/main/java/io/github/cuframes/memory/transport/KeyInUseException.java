package io.github.cuframes.memory.transport;

import java.io.IOException;
import java.nio.file.Path;

/** A live producer has the socket that was to be bound. */
public final class KeyInUseException extends IOException {

    private static final long serialVersionUID = 1;

    KeyInUseException(Path socket) {
        super("the key is in use by a live producer (" + socket + "); stop it or choose another key");
    }
}
