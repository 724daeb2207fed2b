package io.github.cuframes.subscriber.cli.top;

import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SourceState;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A stream as its publisher shows it, or why it does not.
 *
 * @param key the stream's name
 * @param problem why nothing is known; null if the rest is
 * @param state what the source does; {@code silent} where the publisher shows no life
 * @param width pixels
 * @param height pixels
 * @param format of its pixels, null before the first frame
 * @param memory where its frames live, null before the first
 * @param fps frames a second published, null where that cannot be said yet
 * @param ageMillis time since the newest frame was published, null before the first
 * @param slotsInUse slots that somebody holds
 * @param slots slots that there are
 * @param memoryBytes bytes of frame memory
 * @param lost frames that no slot was free for
 * @param newestSequence number of the newest frame
 * @param generation of its memory
 * @param epoch the publisher's life
 * @param pid of the publisher, as that sees itself
 * @param subscribers those who get its frames
 */
public record StreamRow(
        String key,
        String problem,
        String state,
        int width,
        int height,
        String format,
        String memory,
        Double fps,
        Long ageMillis,
        int slotsInUse,
        int slots,
        long memoryBytes,
        long lost,
        long newestSequence,
        int generation,
        String epoch,
        int pid,
        List<SubscriberRow> subscribers) {

    /** A publisher shows twice a second that it lives, and at least every two seconds by the protocol. */
    private static final long SILENT_NANOS = TimeUnit.SECONDS.toNanos(3);

    static StreamRow unknown(String key, String problem) {
        return new StreamRow(key, problem, null, 0, 0, null, null, null, null, 0, 0, 0, 0, 0, 0, null, 0, List.of());
    }

    static StreamRow of(String key, Ring ring, Sample now, Sample before) {
        List<SubscriberRow> subscribers = new ArrayList<>();
        for (int i = 0; i < ring.subscriberCapacity(); i++) {
            SubscriberRow row = SubscriberRow.of(ring, ring.subscriber(i), now, before);
            if (row != null) {
                subscribers.add(row);
            }
        }
        boolean silent = now.nanos() - ring.heartbeatNanos() > SILENT_NANOS;
        return new StreamRow(
                key,
                null,
                silent ? "silent" : ring.sourceState().map(SourceState::label).orElse("unknown"),
                ring.width(),
                ring.height(),
                ring.format().map(PixelFormat::label).orElse(null),
                ring.memoryKind().map(MemoryKind::label).orElse(null),
                now.framesPerSecond(before),
                ring.newestSequence() == 0 ? null : millisBetween(ring.newestPublishNanos(), System.nanoTime()),
                ring.slotsInUse(),
                ring.slots(),
                ring.memoryBytes(),
                ring.lostNoSlot(),
                ring.newestSequence(),
                ring.generation(),
                Long.toUnsignedString(ring.epoch()),
                ring.publisherPid(),
                subscribers);
    }

    static long millisBetween(long from, long to) {
        return Math.max(0, TimeUnit.NANOSECONDS.toMillis(to - from));
    }
}
