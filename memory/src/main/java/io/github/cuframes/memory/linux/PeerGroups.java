package io.github.cuframes.memory.linux;

import java.io.IOException;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;

/** The groups of the process at the other end of a Unix socket, as the kernel noted them when it connected. */
public final class PeerGroups {

    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERGROUPS = 59;
    private static final int FEW = 64;

    private PeerGroups() {}

    /** The supplementary groups; the primary one need not be among them. Linux 4.13 or later. */
    public static Set<Long> of(int socket) throws IOException {
        int[] groups = new int[FEW];
        while (true) {
            int[] bytes = {groups.length * Integer.BYTES};
            int[] room = groups;
            try {
                LibC.call(
                        "a socket cannot be asked for its peer's groups",
                        () -> LibC.getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, room, bytes));
                return Arrays.stream(groups, 0, bytes[0] / Integer.BYTES)
                        .mapToObj(Integer::toUnsignedLong)
                        .collect(Collectors.toUnmodifiableSet());
            } catch (LibC.ErrnoException e) {
                if (e.errno() != LibC.ERANGE || bytes[0] <= groups.length * Integer.BYTES) {
                    throw e;
                }
                groups = new int[bytes[0] / Integer.BYTES];
            }
        }
    }
}
