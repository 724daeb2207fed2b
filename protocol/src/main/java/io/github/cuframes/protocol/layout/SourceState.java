package io.github.cuframes.protocol.layout;

import java.util.Locale;
import java.util.Optional;

/** What a publisher's source does, as observers see it in the ring. The numbers are those of the wire. */
public enum SourceState {
    /** The first connection to the source is being made. */
    CONNECTING(1),
    /** Frames come. */
    STREAMING(2),
    /** The source was lost and is being looked for. */
    RECONNECTING(3),
    /** The source has come to its end. */
    ENDED(4),
    /** The source failed for good. */
    FAILED(5);

    private final int code;

    SourceState(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The name as commands print it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The state with a wire number, or nothing for a number that this version does not know. */
    public static Optional<SourceState> ofCode(int code) {
        return code > 0 && code <= values().length ? Optional.of(values()[code - 1]) : Optional.empty();
    }
}
