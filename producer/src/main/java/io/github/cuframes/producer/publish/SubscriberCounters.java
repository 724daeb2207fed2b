package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.DeliveryMode;

/**
 * One subscriber as its publisher sees it at one moment. What it has given back counts from when the publisher looks: at each
 * frame, when the subscriber asks for one, and twice a second.
 *
 * @param id number of its connection in this publisher's life, from 1
 * @param name what it calls itself, fit for a terminal
 * @param pid its process id in the publisher's namespace, 0 if it cannot be seen from there
 * @param uid its user id in the publisher's namespace
 * @param mode how frames are chosen
 * @param credits frames that it may have at a time
 * @param delivered frames delivered
 * @param released frames given back
 * @param dropped frames not delivered, because it had as many as it may have
 * @param held frames delivered and not given back
 * @param lastSequence the last frame delivered, 0 before the first
 * @param lastSeenNanos {@link System#nanoTime()} when it last did something, 0 before it was ready for frames
 * @param releaseNanos from delivery to return, summed over the frames given back
 */
public record SubscriberCounters(
        long id,
        String name,
        long pid,
        long uid,
        DeliveryMode mode,
        int credits,
        long delivered,
        long released,
        long dropped,
        int held,
        long lastSequence,
        long lastSeenNanos,
        long releaseNanos) {}
