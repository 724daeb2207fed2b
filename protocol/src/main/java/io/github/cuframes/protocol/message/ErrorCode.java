package io.github.cuframes.protocol.message;

/** Why a connection was refused or cut off. The numbers are those of the wire and are never reused. */
public enum ErrorCode {
    /** A number that this version does not know. */
    UNKNOWN(0),
    /** A message was malformed, out of order, or out of range. */
    PROTOCOL_VIOLATION(1),
    /** The major versions differ. */
    VERSION_MISMATCH(2),
    /** The publisher has another key. */
    WRONG_KEY(3),
    /** This user may not subscribe. */
    NOT_ALLOWED(4),
    /** The publisher has as many subscribers as it may have. */
    TOO_MANY_SUBSCRIBERS(5),
    /** The frames of one more subscriber do not fit into the memory that the publisher may use. */
    MEMORY_LIMIT(6),
    /** More credits were asked for than one subscriber may have. */
    TOO_MANY_CREDITS(7),
    /** The source is live and cannot wait. */
    LOSSLESS_REFUSED(8),
    /** The frames live where this subscriber cannot reach them. */
    MEMORY_UNREACHABLE(9),
    /** A deadline of the handshake passed. */
    HANDSHAKE_TIMEOUT(10),
    /** The peer did not read its messages, or held a lossless source for too long. */
    TOO_SLOW(11),
    /** Something failed on the side that says so. */
    INTERNAL(12),
    /** The stream has no packets, or none are offered. */
    NO_PACKETS(13);

    private final int code;

    ErrorCode(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The error with a wire number, {@link #UNKNOWN} for one that this version does not know. */
    public static ErrorCode ofCode(int code) {
        return code > 0 && code < values().length ? values()[code] : UNKNOWN;
    }
}
