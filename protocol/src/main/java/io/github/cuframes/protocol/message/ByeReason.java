package io.github.cuframes.protocol.message;

/** Why a peer leaves in good order. The numbers are those of the wire and are never reused. */
public enum ByeReason {
    /** A number that this version does not know. */
    UNKNOWN(0),
    /** It is being closed. */
    CLOSING(1),
    /** The source has come to its end; there will be no more frames. */
    END_OF_STREAM(2);

    private final int code;

    ByeReason(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The reason with a wire number, {@link #UNKNOWN} for one that this version does not know. */
    public static ByeReason ofCode(int code) {
        return code > 0 && code < values().length ? values()[code] : UNKNOWN;
    }
}
