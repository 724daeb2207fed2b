package io.github.cuframes.producer.record;

/**
 * What a recorder does.
 *
 * <pre>
 *   from                 to          when
 *   WAITING              RECORDING   a key frame came
 *   RECORDING            WAITING     the connection is over, or the next segment is due
 *   WAITING, RECORDING   FAILED      a segment could not be written
 *   FAILED               WAITING     some time has passed
 *   any but CLOSED       CLOSED      closed by its owner
 * </pre>
 */
public enum RecorderState {
    /** No segment is open; the next begins with the next key frame. */
    WAITING,
    /** A segment is open. */
    RECORDING,
    /** The last segment could not be written; packets are dropped for a while. */
    FAILED,
    /** Over. Final. */
    CLOSED;

    boolean canBecome(RecorderState next) {
        return switch (this) {
            case WAITING -> next != WAITING;
            case RECORDING -> next != RECORDING;
            case FAILED -> next == WAITING || next == CLOSED;
            case CLOSED -> false;
        };
    }
}
