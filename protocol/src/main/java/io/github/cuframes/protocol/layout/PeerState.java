package io.github.cuframes.protocol.layout;

import java.util.Optional;

/**
 * A connection as the publisher sees it. The numbers are those of the wire.
 *
 * <pre>
 *   CONNECTED --HELLO is right, WELCOME sent-----------------&gt; GREETED
 *   CONNECTED --HELLO of an observer, WELCOME sent-----------&gt; OBSERVING
 *   GREETED   --ACK------------------------------------------&gt; ACTIVE
 *   CONNECTED, GREETED --deadline passed---------------------&gt; GONE (ERROR sent)
 *   any --BYE, end of stream, or a breach of the protocol----&gt; GONE (leases end)
 * </pre>
 *
 * <p>Frames are delivered in ACTIVE only.
 */
public enum PeerState {
    /** The socket is there, nothing was said. */
    CONNECTED(1),
    /** It was told where the memory is. */
    GREETED(2),
    /** It has mapped the memory and gets frames. */
    ACTIVE(3),
    /** It reads counters and gets no frames. */
    OBSERVING(4),
    /** The connection has ended. */
    GONE(5);

    private final int code;

    PeerState(int code) {
        this.code = code;
    }

    /** The number on the wire. */
    public int code() {
        return code;
    }

    /** The state with a wire number, or nothing for a number that this version does not know. */
    public static Optional<PeerState> ofCode(int code) {
        return code > 0 && code <= values().length ? Optional.of(values()[code - 1]) : Optional.empty();
    }

    /** Whether there is an edge from this state to that one. */
    public boolean canBecome(PeerState next) {
        return switch (this) {
            case CONNECTED -> next == GREETED || next == OBSERVING || next == GONE;
            case GREETED -> next == ACTIVE || next == GONE;
            case ACTIVE, OBSERVING -> next == GONE;
            case GONE -> false;
        };
    }
}
