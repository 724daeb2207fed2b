package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.message.ErrorCode;
import java.util.Optional;

/**
 * There is no publisher, it said no, or it broke the protocol. The message is one sentence with the stream's key, what is
 * wrong and what to do. Unchecked, since a reader in its loop can rarely do better than end.
 */
public final class SubscriberException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** What the publisher said, or was told, or null. */
    private final ErrorCode code;

    SubscriberException(String message, ErrorCode code, Throwable cause) {
        super(message, cause);
        this.code = code;
    }

    /** What the publisher said or was told; empty if it was not there, or is gone. */
    public Optional<ErrorCode> code() {
        return Optional.ofNullable(code);
    }
}
