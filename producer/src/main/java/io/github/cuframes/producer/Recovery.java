package io.github.cuframes.producer;

import java.util.EnumSet;
import java.util.Set;

/**
 * What a camera's owner does about hung calls.
 *
 * <pre>
 *   from      to         when
 *   NEW       WATCHING   started
 *   WATCHING  BACKOFF    a call was given up, and its reader abandoned with all that it has
 *   WATCHING  GIVEN_UP   likewise, but too many hang already, memory cannot be allocated any more, or the input is
 *                        one that must not be read twice
 *   BACKOFF   WATCHING   it is time: another reader was started
 *   all       CLOSED     stopped
 * </pre>
 */
enum Recovery {
    /** Made, not started. */
    NEW,
    /** A reader is at work, or came to its end by itself. */
    WATCHING,
    /** The next reader will be started when the wait is over. */
    BACKOFF,
    /** Nothing more can be done in this process. Final but for {@link #CLOSED}. */
    GIVEN_UP,
    /** Stopped by its owner. Final. */
    CLOSED;

    private Set<Recovery> successors() {
        return switch (this) {
            case NEW -> EnumSet.of(WATCHING, CLOSED);
            case WATCHING -> EnumSet.of(BACKOFF, GIVEN_UP, CLOSED);
            case BACKOFF -> EnumSet.of(WATCHING, CLOSED);
            case GIVEN_UP -> EnumSet.of(CLOSED);
            default -> EnumSet.noneOf(Recovery.class);
        };
    }

    /** Whether the diagram has this edge. */
    boolean canBecome(Recovery next) {
        return successors().contains(next);
    }
}
