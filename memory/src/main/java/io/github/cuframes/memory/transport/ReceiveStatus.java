package io.github.cuframes.memory.transport;

/** What {@link ControlConnection#receive} found. */
public enum ReceiveStatus {
    /** A message: type, body and descriptors can be asked for until the next call. */
    MESSAGE,
    /** No whole message within the time given; what came of one is kept. */
    NOTHING,
    /** The peer closed the connection, or is dead. */
    END
}
