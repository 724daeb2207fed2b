package io.github.cuframes.producer.publish;

/**
 * The packets of a publisher at one moment.
 *
 * @param published packets so far
 * @param tooLarge of them, those that no page has room for, and that nobody got
 * @param readers subscribers of packets
 * @param memoryBytes bytes of their pages
 */
public record PacketCounters(long published, long tooLarge, int readers, long memoryBytes) {}
