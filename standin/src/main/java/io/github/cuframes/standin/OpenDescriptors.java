package io.github.cuframes.standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Test code: what this process has open of memory, sockets, pipes and files, to show that something leaves none behind.
 *
 * <p>Left out is what the JVM opens by itself at any time: jars as classes are loaded, and files of {@code /proc} and
 * {@code /sys}, where it reads its container's limits. Thread-safe.
 */
public final class OpenDescriptors {

    /** How long {@link #assertNothingNew} lets other threads close what they have open. */
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);

    private final Map<String, Long> open;

    private OpenDescriptors(Map<String, Long> open) {
        this.open = open;
    }

    /**
     * What is open now.
     *
     * @throws IOException if {@code /proc/self/fd} cannot be read
     */
    public static OpenDescriptors now() throws IOException {
        Map<String, Long> open = new TreeMap<>();
        List<Path> numbers;
        try (Stream<Path> listed = Files.list(Path.of("/proc/self/fd"))) {
            numbers = listed.toList();
        }
        for (Path number : numbers) {
            try {
                String target = Files.readSymbolicLink(number).toString();
                if (!target.endsWith(".jar") && !target.startsWith("/proc/") && !target.startsWith("/sys/")) {
                    open.merge(target.replaceFirst(":\\[\\d+]$", ""), 1L, Long::sum);
                }
            } catch (NoSuchFileException e) {
                continue; // closed since it was listed, as that of the listing itself
            }
        }
        return new OpenDescriptors(open);
    }

    /**
     * Waits until nothing is open any more that was not open when this was taken.
     *
     * @param after what was done in between, for the error
     * @throws AssertionError with what is new, if it is still open after 20 seconds
     * @throws IOException if {@code /proc/self/fd} cannot be read
     */
    public void assertNothingNew(String after) throws IOException {
        long begin = System.nanoTime();
        Map<String, Long> more = more(now().open);
        while (!more.isEmpty()) {
            if (System.nanoTime() - begin > PATIENCE_NANOS) {
                throw new AssertionError("open after " + after + ", and not before: " + more);
            }
            Thread.onSpinWait();
            more = more(now().open);
        }
    }

    private Map<String, Long> more(Map<String, Long> later) {
        Map<String, Long> more = new TreeMap<>();
        later.forEach((target, count) -> {
            long added = count - open.getOrDefault(target, 0L);
            if (added > 0) {
                more.put(target, added);
            }
        });
        return more;
    }

    @Override
    public String toString() {
        return open.toString();
    }
}
