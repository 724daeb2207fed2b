package io.github.cuframes.protocol.message;

/** What a client wants. The numbers are those of the wire and are never reused. */
public enum Role {
    /** Frames. */
    SUBSCRIBER(1),
    /** Counters only. */
    OBSERVER(2);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }
}
