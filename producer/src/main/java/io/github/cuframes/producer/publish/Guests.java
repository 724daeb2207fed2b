package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.linux.Accounts;
import io.github.cuframes.memory.transport.PeerCredentials;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Who of those that the socket's mode lets in may subscribe. Without names that is everybody; with names it is these users
 * and members of these groups and nobody else, neither root nor the publisher's own user.
 *
 * @param users uids
 * @param groups gids
 */
record Guests(Set<Long> users, Set<Long> groups) {

    Guests {
        users = Set.copyOf(users);
        groups = Set.copyOf(groups);
    }

    /** Looks up names; one that this machine does not know is an error. */
    static Guests of(List<String> userNames, List<String> groupNames) throws IOException {
        Set<Long> users = new HashSet<>();
        for (String name : userNames) {
            users.add(Accounts.user(name));
        }
        Set<Long> groups = new HashSet<>();
        for (String name : groupNames) {
            groups.add(Accounts.group(name));
        }
        return new Guests(users, groups);
    }

    boolean include(PeerCredentials peer) {
        return users.isEmpty() && groups.isEmpty()
                || users.contains(peer.uid())
                || peer.groups().stream().anyMatch(groups::contains);
    }
}
