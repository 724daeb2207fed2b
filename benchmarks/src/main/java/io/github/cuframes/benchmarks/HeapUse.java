package io.github.cuframes.benchmarks;

import com.sun.management.ThreadMXBean;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.List;

/**
 * What has been allocated, and collected, up to a moment.
 *
 * @param bytes allocated on the Java heap by the threads looked at
 * @param collections of the whole process
 */
record HeapUse(long bytes, long collections) {

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final List<GarbageCollectorMXBean> COLLECTORS = ManagementFactory.getGarbageCollectorMXBeans();

    /** Of the calling thread. */
    static HeapUse ofThisThread() {
        return new HeapUse(
                THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()), collected());
    }

    /** Of all threads that live and whose names begin like this. */
    static HeapUse ofThreads(String prefix) {
        long sum = 0;
        long[] ids = THREADS.getAllThreadIds();
        ThreadInfo[] threads = THREADS.getThreadInfo(ids);
        for (int i = 0; i < ids.length; i++) {
            if (threads[i] != null && threads[i].getThreadName().startsWith(prefix)) {
                sum += Math.max(0, THREADS.getThreadAllocatedBytes(ids[i]));
            }
        }
        return new HeapUse(sum, collected());
    }

    private static long collected() {
        long sum = 0;
        for (GarbageCollectorMXBean collector : COLLECTORS) {
            sum += Math.max(0, collector.getCollectionCount());
        }
        return sum;
    }

    HeapUse since(HeapUse earlier) {
        return new HeapUse(bytes - earlier.bytes, collections - earlier.collections);
    }
}
