package io.github.cuframes.protocol.frame;

import java.util.Optional;

/** Which frames a subscriber gets when it cannot take them all. The numbers are those of the wire. */
public enum DeliveryMode {
    /** The newest at the moment it asks; older ones are skipped. */
    LATEST(1),
    /** In order, up to a depth; what comes when the queue is full is dropped. */
    FIFO(2),
    /** In order, all of them: the source waits. */
    LOSSLESS(3);

    private final int code;

    DeliveryMode(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The mode with a wire number, or nothing for a number that this version does not know. */
    public static Optional<DeliveryMode> ofCode(int code) {
        return code > 0 && code <= values().length ? Optional.of(values()[code - 1]) : Optional.empty();
    }
}
