package io.github.cuframes.benchmarks;

import com.sun.management.GarbageCollectionNotificationInfo;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import javax.management.Notification;
import javax.management.NotificationEmitter;
import javax.management.openmbean.CompositeData;

/** The collections of garbage of this process, as the JVM tells of each; those that {@link Use} asks for are left out. Any thread. */
final class Pauses {

    private static final String ASKED_FOR = "System.gc()";

    private long collections;
    private long millis;
    private long longest;

    Pauses() {
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            if (collector instanceof NotificationEmitter emitter && stopsTheWorld(collector.getName())) {
                emitter.addNotificationListener((notification, none) -> collected(notification), null, null);
            }
        }
    }

    /** Newer JVMs have a bean for the time that collecting beside the program takes, in which nobody stands still. */
    private static boolean stopsTheWorld(String collector) {
        return !collector.contains("Concurrent") && !collector.contains("Cycles");
    }

    private synchronized void collected(Notification notification) {
        if (!notification.getType().equals(GarbageCollectionNotificationInfo.GARBAGE_COLLECTION_NOTIFICATION)) {
            return;
        }
        GarbageCollectionNotificationInfo info =
                GarbageCollectionNotificationInfo.from((CompositeData) notification.getUserData());
        if (!info.getGcCause().equals(ASKED_FOR)) {
            long took = info.getGcInfo().getDuration();
            collections++;
            millis += took;
            longest = Math.max(longest, took);
        }
    }

    /** The longest one is from now on one that is yet to come. */
    synchronized void forgetLongest() {
        longest = 0;
    }

    synchronized void addTo(Tally tally) {
        tally.add(Tally.Count.COLLECTIONS, collections)
                .add(Tally.Count.PAUSE_MILLIS, millis)
                .add(Tally.Count.LONGEST_PAUSE_MILLIS, longest);
    }
}
