package io.github.cuframes.subscriber.cli.top;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import io.github.cuframes.protocol.message.Printable;
import java.util.Locale;

/**
 * A subscriber as its publisher shows it.
 *
 * @param id number of its connection
 * @param name what it calls itself
 * @param pid process id, as the publisher sees it; 0 if it does not
 * @param uid user id, as the publisher sees it
 * @param mode {@code latest}, {@code fifo:N}, {@code lossless}, or {@code packets} of one who gets those
 * @param fps frames a second delivered to it, null where that cannot be said yet
 * @param lag frames between the last that was delivered to it and the newest; null for one who gets packets
 * @param held frames that it has
 * @param credits frames that it may have
 * @param delivered frames delivered to it
 * @param dropped frames not delivered, because it had as many as it may have
 * @param lastSeenMillis time since it last gave a frame back or asked for one, null if it never did
 */
public record SubscriberRow(
        long id,
        String name,
        int pid,
        long uid,
        String mode,
        Double fps,
        Long lag,
        int held,
        int credits,
        long delivered,
        long dropped,
        Long lastSeenMillis) {

    /** Reads it; null if the slot is free, or changes hands meanwhile. */
    static SubscriberRow of(Ring ring, SubscriberSlot slot, Sample now, Sample before) {
        long id = slot.id();
        long last = slot.lastSequence();
        long seen = slot.lastSeenNanos();
        SubscriberRow row = new SubscriberRow(
                id,
                Printable.of(slot.name(), SubscriberSlot.NAME_SIZE),
                slot.pid(),
                Integer.toUnsignedLong(slot.uid()),
                mode(slot),
                now.framesPerSecond(before, id),
                slot.mode()
                        .map(mode -> last == 0 ? 0 : Math.max(0, ring.newestSequence() - last))
                        .orElse(null),
                slot.held(),
                slot.credits(),
                slot.delivered(),
                slot.dropped(),
                seen == 0 ? null : StreamRow.millisBetween(seen, System.nanoTime()));
        return id == 0 || slot.id() != id ? null : row;
    }

    private static String mode(SubscriberSlot slot) {
        return slot.mode()
                .map(mode ->
                        mode.name().toLowerCase(Locale.ROOT) + (mode == DeliveryMode.FIFO ? ":" + slot.depth() : ""))
                .orElse("packets"); // who gets no frames has no mode
    }
}
