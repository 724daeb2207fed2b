package io.github.cuframes.memory;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * How much memory there is to be had before the kernel ends processes for want of it. It has to be asked: shared memory
 * beyond a container's limit is not refused, the one who asks for it is killed.
 *
 * @param bytes what is free, or held by caches that the kernel gives up; at least 0
 * @param limitedBy what sets the bound, for messages
 */
public record AvailableMemory(long bytes, String limitedBy) {

    private static final Pattern BLANKS = Pattern.compile("\\s+");
    private static final long KIB = 1024;

    /** Version one says so by a number that no machine reaches. */
    private static final long NO_LIMIT = 1L << 62;

    /** As of now, in this process's control group and those above it. */
    public static AvailableMemory now() throws IOException {
        return below(Path.of("/"));
    }

    /**
     * As of now, by the files of a machine.
     *
     * @param root what stands for {@code /}
     */
    public static AvailableMemory below(Path root) throws IOException {
        AvailableMemory least = ofMachine(root.resolve("proc/meminfo"));
        for (String line : lines(root.resolve("proc/self/cgroup"))) {
            String[] parts = line.split(":", 3);
            if (parts.length == 3 && parts[0].equals("0")) {
                least = ofGroups(root.resolve("sys/fs/cgroup"), parts[2], Version.TWO, least);
            } else if (parts.length == 3 && List.of(parts[1].split(",")).contains("memory")) {
                least = ofGroups(root.resolve("sys/fs/cgroup/memory"), parts[2], Version.ONE, least);
            }
        }
        return least;
    }

    /** The names that the two kinds of control groups have for the same things. */
    private enum Version {
        ONE("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "total_active_file"),
        TWO("memory.max", "memory.current", "inactive_file", "active_file");

        private final String limit;
        private final String usage;
        private final List<String> caches;

        Version(String limit, String usage, String... caches) {
            this.limit = limit;
            this.usage = usage;
            this.caches = List.of(caches);
        }
    }

    private static AvailableMemory ofMachine(Path file) throws IOException {
        List<String> lines = lines(file);
        if (lines.isEmpty()) {
            return new AvailableMemory(Long.MAX_VALUE, "nothing that is known");
        }
        return new AvailableMemory(
                KIB * (field(lines, "MemAvailable:") + field(lines, "SwapFree:")), "this machine's memory");
    }

    /** The tightest of a group and those above it; where the path is another namespace's, what can be seen of them. */
    private static AvailableMemory ofGroups(Path top, String group, Version version, AvailableMemory least)
            throws IOException {
        Path path = top.resolve(group.substring(1)).normalize();
        if (!path.startsWith(top)) {
            path = top;
        }
        AvailableMemory found = least;
        while (path.startsWith(top)) {
            AvailableMemory here = ofGroup(path, version);
            if (here.bytes < found.bytes) {
                found = here;
            }
            path = path.getParent();
        }
        return found;
    }

    private static AvailableMemory ofGroup(Path group, Version version) throws IOException {
        List<String> limit = lines(group.resolve(version.limit));
        List<String> usage = lines(group.resolve(version.usage));
        if (limit.isEmpty() || usage.isEmpty() || isNone(limit.get(0))) {
            return new AvailableMemory(Long.MAX_VALUE, "");
        }
        long bytes = Long.parseLong(limit.get(0)) - Long.parseLong(usage.get(0));
        List<String> statistics = lines(group.resolve("memory.stat"));
        for (String cache : version.caches) {
            bytes += field(statistics, cache);
        }
        return new AvailableMemory(
                Math.max(0, bytes),
                "the memory limit of " + limit.get(0) + " bytes in " + group.resolve(version.limit));
    }

    private static boolean isNone(String limit) {
        return limit.equals("max") || Long.parseLong(limit) > NO_LIMIT;
    }

    private static long field(List<String> lines, String name) {
        for (String line : lines) {
            String[] words = BLANKS.split(line);
            if (words[0].equals(name)) {
                return Long.parseLong(words[1]);
            }
        }
        return 0;
    }

    private static List<String> lines(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (FileSystemException e) {
            return List.of(); // what is not there, or not shown, is no bound that is known
        }
    }
}
