package io.github.cuframes.memory.transport;

/**
 * Who is at the other end of a connection, as the kernel noted it when the connection was made (SO_PEERCRED).
 *
 * @param pid the process as this side's namespace numbers it; 0 if it is not visible from here
 * @param uid the user
 * @param gid the primary group
 */
public record PeerCredentials(long pid, long uid, long gid) {}
