package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * What a process holds, as it sees itself.
 *
 * @param heap bytes of the heap after a collection
 * @param direct bytes of direct buffers
 * @param sockets descriptors that are sockets
 * @param shared descriptors of files without a name: rings, pages, slabs
 * @param other all other descriptors, some of which the JVM opens when it likes
 * @param threads of Java
 * @param rss resident bytes
 * @param vram bytes of the stand-in's memory that the process has allocated or mapped
 */
record Resources(long heap, long direct, long sockets, long shared, long other, long threads, long rss, long vram) {

    static final Resources NONE = new Resources(0, 0, 0, 0, 0, 0, 0, 0);

    private static final String ROLLUP_RSS = "VmRSS:";

    /** Of this process, after a garbage collection. */
    static Resources ofThisProcess() throws IOException {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        long heap = runtime.totalMemory() - runtime.freeMemory();
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        long sockets = 0;
        long shared = 0;
        long other = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path descriptor : descriptors) {
                String target = target(descriptor);
                if (target.startsWith("socket:")) {
                    sockets++;
                } else if (target.contains("(deleted)") || target.startsWith("/memfd:")) {
                    shared++;
                } else {
                    other++;
                }
            }
        }
        long threads = ManagementFactory.getThreadMXBean().getThreadCount();
        return new Resources(heap, direct, sockets, shared, other, threads, residentBytes(), mappedVram());
    }

    /** Where a descriptor leads; empty if it was closed meanwhile. */
    static String target(Path descriptor) throws IOException {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    private static long residentBytes() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith(ROLLUP_RSS)) {
                return Long.parseLong(line.replaceAll("\\D", "")) << 10;
            }
        }
        return 0;
    }

    /** The stand-in's device memory lies in memfds of this name, of this process or imported. */
    private static long mappedVram() throws IOException {
        long bytes = 0;
        for (String line : Files.readAllLines(Path.of("/proc/self/maps"))) {
            if (line.contains("/memfd:") && line.contains("standin")) {
                int dash = line.indexOf('-');
                long from = Long.parseUnsignedLong(line.substring(0, dash), 16);
                bytes += Long.parseUnsignedLong(line.substring(dash + 1, line.indexOf(' ')), 16) - from;
            }
        }
        return bytes;
    }

    /** The same, but no more descriptors of sockets and shared memory and no more VRAM than another. */
    Resources atMost(Resources other) {
        return new Resources(
                heap,
                direct,
                Math.min(sockets, other.sockets),
                Math.min(shared, other.shared),
                this.other,
                threads,
                rss,
                Math.min(vram, other.vram));
    }

    /** Each less that of another. */
    Resources minus(Resources other) {
        return new Resources(
                heap - other.heap,
                direct - other.direct,
                sockets - other.sockets,
                shared - other.shared,
                this.other - other.other,
                threads - other.threads,
                rss - other.rss,
                vram - other.vram);
    }

    /** Of each the greater one. */
    Resources max(Resources other) {
        return new Resources(
                Math.max(heap, other.heap),
                Math.max(direct, other.direct),
                Math.max(sockets, other.sockets),
                Math.max(shared, other.shared),
                Math.max(this.other, other.other),
                Math.max(threads, other.threads),
                Math.max(rss, other.rss),
                Math.max(vram, other.vram));
    }

    /** The line that {@link #of} reads. */
    String line() {
        return "resources heap=" + heap + " direct=" + direct + " sockets=" + sockets + " shared=" + shared + " other="
                + other + " threads=" + threads + " rss=" + rss + " vram=" + vram;
    }

    static Resources of(Report report) {
        return new Resources(
                report.number("heap"),
                report.number("direct"),
                report.number("sockets"),
                report.number("shared"),
                report.number("other"),
                report.number("threads"),
                report.number("rss"),
                report.number("vram"));
    }
}
