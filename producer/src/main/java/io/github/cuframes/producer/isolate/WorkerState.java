package io.github.cuframes.producer.isolate;

import java.util.EnumSet;
import java.util.Set;

/**
 * Where a worker stands, as its supervisor sees it.
 *
 * <pre>
 *   from                        to         when
 *   NEW, WAITING                STARTING   its process was started
 *   NEW, WAITING                WAITING    it could not be started
 *   STARTING                    RUNNING    its first heartbeat came
 *   STARTING, RUNNING           KILLED     no heartbeat for too long, or it said that it hangs: SIGKILL
 *   STARTING, RUNNING, KILLED   WAITING    its process ended by a signal, or because it could not do its job
 *   all but the last four       FAILED     its arguments are wrong, or it was started too often
 *   STARTING, RUNNING           DONE       its process ended with status 0: the source ended, or somebody stopped it
 *   STARTING, RUNNING, KILLED   STOPPING   the supervisor is to end: SIGTERM, and SIGKILL if that does not help
 *   STOPPING                    STOPPED    its process has ended
 *   NEW, WAITING                STOPPED    the supervisor is to end, and there is no process
 * </pre>
 */
public enum WorkerState {
    /** Made. */
    NEW,
    /** The process runs, but has said nothing. */
    STARTING,
    /** Heartbeats come. */
    RUNNING,
    /** SIGKILL was sent, because it hangs; it has not ended. */
    KILLED,
    /** No process; it will be started again when the backoff is over. */
    WAITING,
    /** The process was told to end. */
    STOPPING,
    /** Ended, as it was told. Final. */
    STOPPED,
    /** Ended by itself with status 0. Final. */
    DONE,
    /** It cannot work, or was started too often. Final. */
    FAILED;

    private Set<WorkerState> successors() {
        return switch (this) {
            case NEW -> EnumSet.of(STARTING, WAITING, FAILED, STOPPED);
            case WAITING -> EnumSet.of(STARTING, WAITING, FAILED, STOPPED);
            case STARTING -> EnumSet.of(RUNNING, KILLED, WAITING, FAILED, DONE, STOPPING);
            case RUNNING -> EnumSet.of(KILLED, WAITING, FAILED, DONE, STOPPING);
            case KILLED -> EnumSet.of(WAITING, FAILED, STOPPING);
            case STOPPING -> EnumSet.of(STOPPED);
            default -> EnumSet.noneOf(WorkerState.class);
        };
    }

    /** Whether the diagram has this edge. */
    public boolean canBecome(WorkerState next) {
        return successors().contains(next);
    }

    /** Whether nothing more will happen. */
    public boolean isFinal() {
        return successors().isEmpty();
    }
}
