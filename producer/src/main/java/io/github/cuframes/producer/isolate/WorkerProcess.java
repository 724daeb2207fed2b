package io.github.cuframes.producer.isolate;

/** A worker's process. Any thread may call any method; none waits. */
public interface WorkerProcess {

    /** Its process id. */
    long pid();

    /** Whether it has not ended. */
    boolean isAlive();

    /** Once it has ended: its exit status, or 128 and the signal that ended it. */
    int exitStatus();

    /** Heartbeats received so far. */
    long beats();

    /** Whether frames came, by its heartbeats. */
    boolean hasPublished();

    /** What it said of a native call that hangs; null if it said nothing of the kind. */
    String hang();

    /** Asks it to end (SIGTERM). */
    void terminate();

    /** Ends it (SIGKILL). */
    void kill();
}
