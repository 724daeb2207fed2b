package io.github.cuframes.producer.ingest;

import java.util.EnumSet;
import java.util.Set;

/**
 * Where a camera's reader stands.
 *
 * <pre>
 *  IDLE ──start──▶ CONNECTING ──first packet──▶ STREAMING ──end of a file──▶ ENDED
 *                    │  ▲  │                      │    │
 *                    │  │  └──no use to retry─────│────┴──no use to retry──▶ FAILED
 *                    │  │ wait is over            │
 *                    │ WAITING ◀──connection lost─┘
 *                    │  ▲
 *                    └──┘ failed, may pass           each of them ──stop──▶ CLOSED
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
    CLOSED;

    private Set<IngestState> successors() {
        return switch (this) {
            case IDLE -> EnumSet.of(CONNECTING, CLOSED);
            case CONNECTING -> EnumSet.of(STREAMING, WAITING, ENDED, FAILED, CLOSED);
            case STREAMING -> EnumSet.of(WAITING, ENDED, FAILED, CLOSED);
            case WAITING -> EnumSet.of(CONNECTING, FAILED, CLOSED);
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
        return this == ENDED || this == FAILED || this == CLOSED;
    }
}
