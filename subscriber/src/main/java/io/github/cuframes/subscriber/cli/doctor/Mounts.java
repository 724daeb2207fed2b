package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The table of mounted file systems, of {@code /proc/self/mountinfo}. */
final class Mounts {

    private static final int POINT = 4;
    private static final int OPTIONS = 5;

    /** A mounted file system and its options here. */
    record Mount(Path point, Set<String> options) {}

    private final List<Mount> mounts = new ArrayList<>();

    Mounts(Machine machine) throws IOException {
        for (String line : machine.lines("/proc/self/mountinfo")) {
            String[] fields = line.split(" ");
            if (fields.length > OPTIONS) {
                mounts.add(new Mount(
                        Path.of(unescape(fields[POINT])), Set.copyOf(Arrays.asList(fields[OPTIONS].split(",")))));
            }
        }
    }

    /** Blanks, tabs, line ends and backslashes stand there as octal numbers. */
    private static String unescape(String text) {
        return text.replace("\\040", " ")
                .replace("\\011", "\t")
                .replace("\\012", "\n")
                .replace("\\134", "\\");
    }

    /** The mount that a path lies on: of those that contain it the deepest, and there the latest. */
    Optional<Mount> of(Path path) {
        Mount found = null;
        for (Mount mount : mounts) {
            if (path.startsWith(mount.point())
                    && (found == null
                            || mount.point().getNameCount() >= found.point().getNameCount())) {
                found = mount;
            }
        }
        return Optional.ofNullable(found);
    }
}
