package io.github.cuframes.benchmarks;

import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/**
 * What a process has of the machine's means at one moment.
 *
 * @param heap bytes of live objects, after a collection
 * @param direct bytes of direct and mapped buffers
 * @param resident bytes of the process that are in memory, the GPU's not among them
 * @param descriptors open file descriptors
 * @param threads live threads, the JVM's own among them
 */
record Use(long heap, long direct, long resident, long descriptors, long threads) {

    private static final int COLLECTIONS = 2;
    private static final long CLEANING_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final String RESIDENT = "VmRSS:";
    private static final String THREADS = "Threads:";

    /** Of this process. Collects garbage, and waits for what is freed behind it: buffers. */
    static Use ofThisProcess() throws IOException {
        for (int i = 0; i < COLLECTIONS; i++) {
            System.gc();
            Machine.awaitTime(System.nanoTime() + CLEANING_NANOS);
        }
        long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        long descriptors;
        try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
            descriptors = open.count();
        }
        return new Use(heap, direct, status(RESIDENT) * 1024, descriptors, status(THREADS));
    }

    private static long status(String field) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
            return lines.filter(line -> line.startsWith(field))
                    .map(line -> line.substring(field.length()).strip().split(" ")[0])
                    .mapToLong(Long::parseLong)
                    .findFirst()
                    .orElseThrow(() -> new IOException("/proc/self/status has no " + field));
        }
    }

    String toLine() {
        return LongStream.of(heap, direct, resident, descriptors, threads)
                .mapToObj(Long::toString)
                .collect(Collectors.joining(" "));
    }

    static Use ofLine(String line) {
        long[] values =
                Arrays.stream(line.split(" ")).mapToLong(Long::parseLong).toArray();
        return new Use(values[0], values[1], values[2], values[3], values[4]);
    }
}
