package io.github.cuframes.tests;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;

/** Latencies, collections and allocated bytes between two moments. For one thread; {@link #add} allocates nothing. */
final class Window {

    private static final List<GarbageCollectorMXBean> COLLECTORS = ManagementFactory.getGarbageCollectorMXBeans();
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final long[] nanos = new long[1 << 16];
    private int count;
    private long collections;
    private long allocated;

    Window() {
        begin();
    }

    /** Forgets what was. */
    void begin() {
        count = 0;
        collections = collections();
        allocated = allocatedHere();
    }

    void add(long latencyNanos) {
        nanos[count % nanos.length] = latencyNanos;
        count++;
    }

    /** Does not count what was allocated since then, as told by {@link #allocatedHere()}. */
    void exclude(long since) {
        allocated += allocatedHere() - since;
    }

    /** Bytes that this thread has allocated since its start; allocates nothing. */
    static long allocatedHere() {
        return THREADS.getCurrentThreadAllocatedBytes();
    }

    /** Garbage collections of this JVM since its start. */
    static long collections() {
        long sum = 0;
        for (GarbageCollectorMXBean collector : COLLECTORS) {
            sum += collector.getCollectionCount();
        }
        return sum;
    }

    /** Bytes that a thread has allocated since its start. */
    static long allocatedBy(long threadId) {
        return THREADS.getThreadAllocatedBytes(threadId);
    }

    /** The window as pairs: frames, p50, p99 and max in microseconds, collections, bytes allocated by this thread. */
    String end() {
        long bytes = allocatedHere() - allocated;
        long collected = collections() - collections;
        long[] sorted = Arrays.copyOf(nanos, Math.min(count, nanos.length));
        Arrays.sort(sorted);
        return "frames=" + count + " p50=" + micros(sorted, 0.5) + " p99=" + micros(sorted, 0.99) + " max="
                + micros(sorted, 1) + " collections=" + collected + " bytes=" + bytes;
    }

    private static long micros(long[] sorted, double quantile) {
        return sorted.length == 0 ? 0 : sorted[(int) Math.min(sorted.length - 1, sorted.length * quantile)] / 1000;
    }
}
