package io.github.cuframes.protocol.message;

import java.util.Optional;

/** What a client wants. The numbers are those of the wire and are never reused. */
public enum Role {
    /** Frames. */
    SUBSCRIBER(1),
    /** Counters only. */
    OBSERVER(2),
    /** Encoded packets. */
    PACKETS(3);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    /** The role with a wire number, or nothing for a number that this version does not know. */
    static Optional<Role> ofCode(int code) {
        return code > 0 && code <= values().length ? Optional.of(values()[code - 1]) : Optional.empty();
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }
}
