package io.github.cuframes.memory.transport;

import java.util.Set;

/**
 * Who is at the other end of a connection, as the kernel noted it when the connection was made (SO_PEERCRED,
 * SO_PEERGROUPS). Users and groups that this side's namespace does not have are shown as one, 65534 as a rule.
 *
 * @param pid the process as this side's namespace numbers it; 0 if it is not visible from here
 * @param uid the user
 * @param gid the primary group
 * @param groups all groups, the primary one among them
 */
public record PeerCredentials(long pid, long uid, long gid, Set<Long> groups) {

    /** Copies the set. */
    public PeerCredentials {
        groups = Set.copyOf(groups);
    }
}
