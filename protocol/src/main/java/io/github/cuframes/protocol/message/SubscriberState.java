package io.github.cuframes.protocol.message;

/**
 * A subscriber as it sees itself. The numbers are those of {@code docs/protocol.md}; they are not sent.
 *
 * <pre>
 *   DISCONNECTED --time to try-----------------------------------&gt; CONNECTING
 *   CONNECTING   --accepted--------------------------------------&gt; HANDSHAKE
 *   CONNECTING   --refused or not there--------------------------&gt; DISCONNECTED
 *   HANDSHAKE    --WELCOME mapped, ACK sent----------------------&gt; STREAMING
 *   HANDSHAKE    --socket ended or deadline passed---------------&gt; DISCONNECTED
 *   STREAMING    --socket ended or BYE, and queue empty----------&gt; DISCONNECTED
 *   HANDSHAKE, STREAMING --ERROR that trying again does not mend-&gt; REFUSED
 *   any but CLOSED --closed by its user--------------------------&gt; CLOSED
 * </pre>
 */
public enum SubscriberState {
    /** There is no connection. */
    DISCONNECTED(1),
    /** The socket is being connected. */
    CONNECTING(2),
    /** HELLO was sent. */
    HANDSHAKE(3),
    /** Frames come, or will as soon as the source has any. */
    STREAMING(4),
    /** The publisher said no, and asking again would not help. */
    REFUSED(5),
    /** Closed by its user. */
    CLOSED(6);

    private final int code;

    SubscriberState(int code) {
        this.code = code;
    }

    /** The number in the document. */
    public int code() {
        return code;
    }

    /** Whether there is an edge from this state to that one. */
    public boolean canBecome(SubscriberState next) {
        return switch (this) {
            case DISCONNECTED -> next == CONNECTING || next == CLOSED;
            case CONNECTING -> next == HANDSHAKE || next == DISCONNECTED || next == CLOSED;
            case HANDSHAKE -> next == STREAMING || next == DISCONNECTED || next == REFUSED || next == CLOSED;
            case STREAMING -> next == DISCONNECTED || next == REFUSED || next == CLOSED;
            case REFUSED -> next == CLOSED;
            case CLOSED -> false;
        };
    }
}
