package io.github.cuframes.producer.publish;

/**
 * One subscriber of packets as its publisher sees it at one moment. What it has read counts from when the publisher looks: at each
 * packet, and twice a second.
 *
 * @param id number of its connection in this publisher's life, from 1
 * @param name what it calls itself, fit for a terminal
 * @param pid its process id in the publisher's namespace, 0 if it cannot be seen from there
 * @param uid its user id in the publisher's namespace
 * @param delivered packets written into its page
 * @param skipped packets that were not, up to the next keyframe for which there was room
 * @param lastSequence the last packet delivered, 0 before the first
 * @param unreadBytes bytes of its page that it has not given back yet
 * @param pageBytes bytes that its page has room for
 * @param lastSeenNanos {@link System#nanoTime()} when it last read something, 0 before it was ready for packets
 */
public record PacketSubscriberCounters(
        long id,
        String name,
        long pid,
        long uid,
        long delivered,
        long skipped,
        long lastSequence,
        long unreadBytes,
        long pageBytes,
        long lastSeenNanos) {}
