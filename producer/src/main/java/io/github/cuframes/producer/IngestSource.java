package io.github.cuframes.producer;

import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.ingest.Backoff;
import io.github.cuframes.producer.ingest.Ingest;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.IngestCounters;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.IngestState;
import io.github.cuframes.producer.ingest.RenditionOptions;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.Watchdog;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A camera or file, and its way out of native calls that hang.
 *
 * <p>A thread that hangs in C cannot be ended. So its reader is abandoned: all that it has stays allocated, the slots that it
 * may still write to are never used again, and another reader takes its place, with memory of a new generation. The
 * subscribers stay connected meanwhile. If the call returns after all, its thread frees what it has. {@link Recovery} has the
 * states.
 *
 * <p>The watchdog's thread does all this; every other method may be called by any thread.
 */
final class IngestSource implements FrameSource, Watchdog.Watched {

    private static final Logger LOG = LoggerFactory.getLogger(IngestSource.class);

    /** Allocating slots takes milliseconds. */
    private static final Duration FENCE_PATIENCE = Duration.ofSeconds(2);

    /**
     * What a source is made of.
     *
     * @param key the camera, for the log
     * @param writers makes the writers of a reader, which write into the slots that it is given
     * @param renditions streams beside the main one
     * @param maxHung how many calls may hang at a time before the source fails with a {@link HangException}
     * @param restartable whether the input may be read again from its beginning; false for a file that is to come once
     */
    record Parts(
            String key,
            IngestOptions options,
            SlotSource slots,
            Function<SlotSource, FrameWriters> writers,
            List<Rendition> renditions,
            int maxHung,
            boolean restartable) {}

    /** What a rendition is made of. */
    record Rendition(RenditionOptions options, SlotSource slots) {}

    /** One reader with the slots that only it may use, of all its streams; and what it counts for each rendition. */
    private record Life(Ingest ingest, List<FencedSlots> slots, List<IngestCounters> renditions) {}

    private final Parts parts;
    private final ProducerListener listener;
    private final Watchdog watchdog;
    private final Backoff backoff;
    private volatile boolean hasStreamed;

    // guarded by this
    private final List<Life> hung = new ArrayList<>();
    private final Map<IngestCounter, Long> before = new EnumMap<>(IngestCounter.class);
    private final List<Map<IngestCounter, Long>> renditionsBefore = new ArrayList<>();
    private Recovery recovery = Recovery.NEW;
    private Life life;
    private long restartAt;

    IngestSource(Parts parts, Watchdog watchdog, ProducerListener listener) {
        this.parts = parts;
        this.listener = listener;
        this.watchdog = watchdog;
        this.backoff =
                new Backoff(parts.options().firstRetry(), parts.options().longestRetry(), new SplittableRandom());
        parts.renditions().forEach(rendition -> renditionsBefore.add(new EnumMap<>(IngestCounter.class)));
        this.life = newLife();
    }

    private Life newLife() {
        FencedSlots main = new FencedSlots(parts.slots());
        Ingest ingest = new Ingest(parts.options(), parts.writers().apply(main), this::changed);
        Life made = new Life(ingest, new ArrayList<>(List.of(main)), new ArrayList<>());
        for (Rendition rendition : parts.renditions()) {
            FencedSlots slots = new FencedSlots(rendition.slots());
            made.slots.add(slots);
            made.renditions.add(ingest.add(rendition.options(), slots));
        }
        made.slots.forEach(slots -> slots.watch(ingest.watch()));
        return made;
    }

    private void changed(IngestState from, IngestState to, IOException cause) {
        switch (to) {
            case CONNECTING -> {
                if (!hasStreamed) {
                    listener.stateChanged(SourceState.CONNECTING, null);
                }
            }
            case STREAMING -> {
                hasStreamed = true;
                listener.stateChanged(SourceState.STREAMING, null);
            }
            case WAITING -> listener.stateChanged(lost(), cause);
            case ENDED -> listener.stateChanged(SourceState.ENDED, null);
            case FAILED -> listener.stateChanged(SourceState.FAILED, cause);
            default -> LOG.debug("from {} to {}", from, to);
        }
    }

    private SourceState lost() {
        return hasStreamed ? SourceState.RECONNECTING : SourceState.CONNECTING;
    }

    @Override
    public synchronized void start() {
        if (recovery == Recovery.NEW) { // it may be closed already
            become(Recovery.WATCHING);
            life.ingest.start();
            watchdog.add(this);
        }
    }

    private void become(Recovery next) {
        if (!recovery.canBecome(next)) {
            throw new IllegalStateException("no way from " + recovery + " to " + next);
        }
        recovery = next;
    }

    @Override
    public void check(long nanos) {
        IOException lostTo = null;
        boolean over = false;
        synchronized (this) {
            if (recovery == Recovery.WATCHING && life.ingest.watch().isOverdue(nanos)) {
                String what = life.ingest.watch().describe(nanos);
                if (life.ingest.watch().abandon()) {
                    lostTo = abandon(what, nanos);
                    over = recovery == Recovery.GIVEN_UP;
                }
            } else if (recovery == Recovery.BACKOFF && nanos - restartAt >= 0) {
                restart();
            }
        }
        if (lostTo != null) { // not under the lock: who listens may close the source
            listener.stateChanged(over ? SourceState.FAILED : lost(), lostTo);
        }
    }

    /** Returns what to tell the listener. */
    private IOException abandon(String what, long nanos) {
        life.ingest.abandon();
        hung.removeIf(one -> !one.ingest.isAlive());
        hung.add(life);
        before.merge(IngestCounter.HANGS, 1L, Long::sum);
        String call = what.lines().findFirst().orElse(what);
        String refusal = refusal();
        if (refusal != null) {
            LOG.error("{}: {}", parts.key(), what);
            become(Recovery.GIVEN_UP);
            return new HangException(call + "; " + refusal);
        }
        if (life.ingest.counters().get(IngestCounter.PUBLISHED) > 0) {
            backoff.reset();
        }
        long wait = backoff.nextNanos();
        restartAt = nanos + wait;
        become(Recovery.BACKOFF);
        LOG.error(
                "{}: {}\nit is given up, with all that it uses; calls that hang now: {}; the camera is started again in {} ms",
                parts.key(),
                what,
                hung.size(),
                wait / 1_000_000);
        return new IOException(call + " and was given up");
    }

    /** Why there is no way on in this process; null if there is. */
    private String refusal() {
        if (hung.size() > parts.maxHung()) {
            return hung.size() + " calls hang by now, more than the " + parts.maxHung()
                    + " that are put up with: the process has to be started again";
        }
        if (!parts.restartable()) {
            return "a file is not started over in the middle; start the producer again";
        }
        return revokeSlots() ? null : "nobody else can allocate memory meanwhile: the process has to be started again";
    }

    private boolean revokeSlots() {
        boolean revoked = true;
        for (FencedSlots slots : life.slots) {
            revoked &= slots.revoke(FENCE_PATIENCE); // waits for the one at most in which the reader hangs
        }
        return revoked;
    }

    private void restart() {
        add(life.ingest.counters(), before);
        for (int i = 0; i < renditionsBefore.size(); i++) {
            add(life.renditions.get(i), renditionsBefore.get(i));
        }
        life = newLife();
        become(Recovery.WATCHING);
        (hasStreamed ? life.ingest.resume() : life.ingest).start();
    }

    private static void add(IngestCounters counted, Map<IngestCounter, Long> sums) {
        for (IngestCounter counter : IngestCounter.values()) {
            sums.merge(counter, counted.get(counter), Long::sum);
        }
    }

    @Override
    public boolean stop(Duration timeout) {
        Ingest last;
        boolean ended;
        boolean abandoned;
        synchronized (this) {
            if (recovery != Recovery.CLOSED) {
                become(Recovery.CLOSED);
            }
            last = life.ingest;
            abandoned = hung.contains(life);
            hung.removeIf(one -> !one.ingest.isAlive());
            ended = hung.isEmpty();
        }
        watchdog.remove(this);
        if (abandoned) {
            return ended;
        }
        try {
            if (last.stop(timeout)) {
                return ended;
            }
            LOG.warn(
                    "{}: the source is still in a system call after {} ms and is left to itself",
                    parts.key(),
                    timeout.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    @Override
    public synchronized Map<IngestCounter, Long> counters() {
        Map<IngestCounter, Long> counters = new EnumMap<>(before);
        add(life.ingest.counters(), counters);
        return counters;
    }

    @Override
    public synchronized Map<IngestCounter, Long> renditionCounters(int rendition) {
        Map<IngestCounter, Long> counters = new EnumMap<>(renditionsBefore.get(rendition));
        add(life.renditions.get(rendition), counters);
        counters.keySet().retainAll(IngestCounter.OF_RENDITIONS);
        return counters;
    }
}
