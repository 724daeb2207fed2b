package io.github.cuframes.subscriber.cli.top;

import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SubscriberSlot;
import java.util.HashMap;
import java.util.Map;

/**
 * The counters of a ring that rates are made of, at one moment.
 *
 * @param nanos {@link System#nanoTime()}
 * @param epoch the publisher's life
 * @param newest sequence number of the newest frame
 * @param delivered frames delivered to each subscriber, by its id
 */
record Sample(long nanos, long epoch, long newest, Map<Long, Long> delivered) {

    static Sample of(Ring ring, long nanos) {
        Map<Long, Long> delivered = new HashMap<>();
        for (int i = 0; i < ring.subscriberCapacity(); i++) {
            SubscriberSlot slot = ring.subscriber(i);
            long id = slot.id();
            if (id != 0) {
                delivered.put(id, slot.delivered());
            }
        }
        return new Sample(nanos, ring.epoch(), ring.newestSequence(), delivered);
    }

    /** Frames a second since an earlier sample; null if that cannot be said. */
    Double framesPerSecond(Sample before) {
        return before == null || before.epoch != epoch ? null : rate(newest, before.newest, before);
    }

    /** Frames a second delivered to a subscriber since an earlier sample; null if that cannot be said. */
    Double framesPerSecond(Sample before, long subscriber) {
        Long then = before == null || before.epoch != epoch ? null : before.delivered.get(subscriber);
        Long now = delivered.get(subscriber);
        return then == null || now == null ? null : rate(now, then, before);
    }

    private Double rate(long now, long then, Sample before) {
        long elapsed = nanos - before.nanos;
        return elapsed <= 0 ? null : Math.max(0, now - then) * 1e9 / elapsed;
    }
}
