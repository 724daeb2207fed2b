package io.github.cuframes.producer.publish;

/**
 * A publisher at one moment.
 *
 * @param published frames published so far
 * @param lostNoSlot frames that no slot was free for
 * @param copied frames that were copied into their slot
 * @param discontinuities frames that did not follow from the one before
 * @param newestNanos {@link System#nanoTime()} when the newest frame was published, 0 before the first and while
 *     frames are left out because nobody subscribes
 * @param generation the current generation, 0 before the first
 * @param slots slots of the current generation
 * @param slotsInUse slots that somebody holds, of earlier generations too
 * @param memoryBytes bytes of all frame memory
 * @param subscribers subscribers connected
 */
public record PublisherCounters(
        long published,
        long lostNoSlot,
        long copied,
        long discontinuities,
        long newestNanos,
        int generation,
        int slots,
        int slotsInUse,
        long memoryBytes,
        int subscribers) {}
