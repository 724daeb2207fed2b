package io.github.cuframes.producer.ingest;

import java.util.EnumSet;
import java.util.Set;

/**
 * Where a camera's reader stands.
 *
 * <pre>
 *   from         to           when
 *   IDLE         CONNECTING   started
 *   CONNECTING   STREAMING    the first packet came
 *   CONNECTING   ENDED        there was none in the file
 *   CONNECTING   WAITING      it failed in a way that may pass, and may be tried again
 *   STREAMING    WAITING      the connection was lost
 *   STREAMING    ENDED        the file is at its end
 *   WAITING      CONNECTING   the backoff is over
 *   CONNECTING, STREAMING, WAITING   FAILED   it failed for good
 *   all but ABANDONED   CLOSED       stopped
 *   IDLE, CONNECTING, STREAMING, WAITING   ABANDONED   a native call did not return
 * </pre>
 */
public enum IngestState {
    /** Made, not started. */
    IDLE,
    /** Resolving, connecting, probing; no packet yet. */
    CONNECTING,
    /** Packets come. */
    STREAMING,
    /** The connection failed or was lost; the next attempt comes when the backoff is over. */
    WAITING,
    /** The input came to its end, and everything in it was published. Final but for {@link #CLOSED}. */
    ENDED,
    /** It can't go on; the cause was handed to the listener. Final but for {@link #CLOSED}. */
    FAILED,
    /** Stopped by its owner. Final. */
    CLOSED,
    /** Left to itself by its owner, because a native call did not return; told to nobody. Final. */
    ABANDONED;

    private Set<IngestState> successors() {
        return switch (this) {
            case IDLE -> EnumSet.of(CONNECTING, CLOSED, ABANDONED);
            case CONNECTING -> EnumSet.of(STREAMING, WAITING, ENDED, FAILED, CLOSED, ABANDONED);
            case STREAMING -> EnumSet.of(WAITING, ENDED, FAILED, CLOSED, ABANDONED);
            case WAITING -> EnumSet.of(CONNECTING, FAILED, CLOSED, ABANDONED);
            case ENDED, FAILED -> EnumSet.of(CLOSED);
            default -> EnumSet.noneOf(IngestState.class);
        };
    }

    /** Whether the diagram has this edge. */
    public boolean canBecome(IngestState next) {
        return successors().contains(next);
    }

    /** Whether the reader has come to its end, one way or the other. */
    public boolean isOver() {
        return this == ENDED || this == FAILED || this == CLOSED || this == ABANDONED;
    }
}
