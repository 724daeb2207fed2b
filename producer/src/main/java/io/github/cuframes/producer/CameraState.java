package io.github.cuframes.producer;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * Where a camera of a {@link ProducerGroup} stands.
 *
 * <pre>
 *   from                                to            when
 *   STARTING                            CONNECTING    its key and memory are there; the source is being reached
 *   STARTING, CONNECTING, RECONNECTING  STREAMING     frames come
 *   CONNECTING, STREAMING               RECONNECTING  a live source was lost, maybe just as it was reached
 *   CONNECTING, RECONNECTING            itself        another attempt failed
 *   STARTING to RECONNECTING            RETRYING      it could not be opened, or failed, and is opened again after a wait
 *   RETRYING                            STARTING      the wait is over
 *   STARTING to RECONNECTING            ENDED         a file that is played once has come to its end
 *   STARTING to RECONNECTING            FAILED        trying again does not help
 *   all but CLOSED                      CLOSED        it was removed or changed, or the group closed
 * </pre>
 */
public enum CameraState {
    /** Its producer is being opened. */
    STARTING,
    /** Its source has not been reached yet. */
    CONNECTING,
    /** Frames come. */
    STREAMING,
    /** Its source was lost and is tried again; subscribers stay connected. */
    RECONNECTING,
    /** It has no producer at the moment; another is opened after a wait. */
    RETRYING,
    /** A file was played to its end. */
    ENDED,
    /** It is given up: a native call hangs, a file broke off in the middle, or its settings cannot work. */
    FAILED,
    /** It is no longer the group's. Final. */
    CLOSED;

    private Set<CameraState> successors() {
        return switch (this) {
            case STARTING -> EnumSet.of(CONNECTING, STREAMING, RETRYING, ENDED, FAILED, CLOSED);
            case CONNECTING -> EnumSet.of(CONNECTING, STREAMING, RECONNECTING, RETRYING, ENDED, FAILED, CLOSED);
            case STREAMING -> EnumSet.of(RECONNECTING, RETRYING, ENDED, FAILED, CLOSED);
            case RECONNECTING -> EnumSet.of(RECONNECTING, STREAMING, RETRYING, ENDED, FAILED, CLOSED);
            case RETRYING -> EnumSet.of(STARTING, CLOSED);
            case ENDED, FAILED -> EnumSet.of(CLOSED);
            default -> EnumSet.noneOf(CameraState.class);
        };
    }

    /** Whether the diagram has this edge. */
    public boolean canBecome(CameraState next) {
        return successors().contains(next);
    }

    /** Whether nothing more happens to the camera by itself. */
    public boolean isOver() {
        return this == ENDED || this == FAILED || this == CLOSED;
    }

    /** What users call it. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
