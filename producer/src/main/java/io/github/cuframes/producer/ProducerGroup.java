package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.Backoff;
import io.github.cuframes.producer.ingest.Clock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many cameras in one process, none of which matters to the others.
 *
 * <pre>{@code
 * try (ProducerGroup group = ProducerGroup.builder().listener((before, now) -> show(now)).build()) {
 *     group.apply(GroupConfig.of(Map.of("cam1", CameraSettings.builder().input("rtsp://camera/stream").build())));
 *     ...
 * }
 * }</pre>
 *
 * <p>A camera that cannot be opened or fails is tried again, after half a second at first and every 15 seconds in the end; a
 * file that is played once is left when it has ended. {@link #apply} may come again at any time and touches only what differs.
 * Cameras on one GPU share its primary context. Any thread may call any method.
 */
public final class ProducerGroup implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ProducerGroup.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofMillis(1_900);

    private final Builder options;
    private final Object changed = new Object();
    private volatile boolean closed;

    /** Replaced, never changed, under this object's lock. */
    private volatile Map<String, ManagedCamera> cameras = Map.of();

    private ProducerGroup(Builder options) {
        this.options = options;
    }

    /** A group as by default. */
    public static Builder builder() {
        return new Builder();
    }

    /** How a group works. Not thread-safe. */
    public static final class Builder {
        private GroupListener listener = (before, now) -> {};
        private Duration firstRetry = Duration.ofMillis(500);
        private Duration longestRetry = Duration.ofSeconds(15);
        private Clock clock = Clock.SYSTEM;

        private Builder() {}

        /** Who hears what becomes of the cameras. */
        public Builder listener(GroupListener groupListener) {
            listener = Objects.requireNonNull(groupListener);
            return this;
        }

        /**
         * The waits before a camera is opened again.
         *
         * @param first the first, shortened at random by up to a half; doubled for each after it; half a second by default
         * @param longest 15 seconds by default; a camera that streamed for so long starts over with the first
         */
        public Builder retries(Duration first, Duration longest) {
            firstRetry = first;
            longestRetry = longest;
            return this;
        }

        Builder clock(Clock time) {
            clock = time;
            return this;
        }

        /** A group without cameras. */
        public ProducerGroup build() {
            return new ProducerGroup(this);
        }
    }

    /**
     * What {@link #apply} did, by key.
     *
     * @param added were not there
     * @param changed were closed and started with other settings
     * @param removed were closed
     * @param unchanged were not touched
     */
    public record Changes(List<String> added, List<String> changed, List<String> removed, List<String> unchanged) {

        /** Whether nothing was done. */
        public boolean isEmpty() {
            return added.isEmpty() && changed.isEmpty() && removed.isEmpty();
        }

        @Override
        public String toString() {
            return "added " + added + ", changed " + changed + ", removed " + removed + ", " + unchanged.size()
                    + " untouched";
        }
    }

    /**
     * Has these cameras and no others. Those whose settings are the same are not touched; those that go or change are closed,
     * all at the same time, before the new ones are started. They open on threads of their own: whether they could be is what
     * {@link #cameras()} and the listener say.
     *
     * @throws IllegalStateException if the group is closed
     */
    public synchronized Changes apply(GroupConfig config) {
        if (closed) {
            throw new IllegalStateException("the group is closed");
        }
        Map<String, ManagedCamera> old = cameras;
        Map<String, ManagedCamera> next = new LinkedHashMap<>();
        List<ManagedCamera> starting = new ArrayList<>();
        List<ManagedCamera> leaving = new ArrayList<>(old.values());
        Changes changes = new Changes(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        config.cameras().forEach((key, settings) -> {
            ManagedCamera camera = old.get(key);
            if (camera != null && camera.isAs(settings, config.runDirectory())) {
                leaving.remove(camera);
                changes.unchanged.add(key);
            } else {
                (camera == null ? changes.added : changes.changed).add(key);
                camera = make(key, settings, config.runDirectory());
                starting.add(camera);
            }
            next.put(key, camera);
        });
        old.keySet().stream().filter(key -> !next.containsKey(key)).forEach(changes.removed::add);
        close(leaving, System.nanoTime() + CLOSE_TIMEOUT.toNanos());
        if (!closed) { // meanwhile
            cameras = Collections.unmodifiableMap(next);
            starting.forEach(ManagedCamera::start);
        }
        return changes;
    }

    private ManagedCamera make(String key, CameraSettings settings, Path runDirectory) {
        Backoff backoff = new Backoff(options.firstRetry, options.longestRetry, new SplittableRandom());
        return new ManagedCamera(
                key, settings, runDirectory, backoff, options.longestRetry, options.clock, this::cameraChanged);
    }

    private void cameraChanged(CameraState before, CameraStatus now) {
        try {
            options.listener.cameraChanged(before, now);
        } catch (RuntimeException e) {
            LOG.error("a listener failed when it heard of {}", now, e);
        }
        if (now.state().isOver()) {
            synchronized (changed) {
                changed.notifyAll();
            }
        }
    }

    /** All cameras, in the order of the configuration. */
    public List<CameraStatus> cameras() {
        return cameras.values().stream().map(ManagedCamera::status).toList();
    }

    /** One camera; nothing if there is none with the key. */
    public Optional<CameraStatus> camera(String key) {
        return Optional.ofNullable(cameras.get(key)).map(ManagedCamera::status);
    }

    /** A camera's producer, for its counters; the group closes it. Nothing while it has none. */
    public Optional<Producer> producer(String key) {
        return Optional.ofNullable(cameras.get(key)).map(ManagedCamera::producer);
    }

    /** Whether there are cameras, and all have ended or failed for good. */
    public boolean isOver() {
        Collection<ManagedCamera> all = cameras.values();
        return !all.isEmpty()
                && all.stream().allMatch(camera -> camera.status().state().isOver());
    }

    /** Waits until {@link #isOver()}, or the group is closed; false if that takes longer. */
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        long deadline = System.nanoTime() + timeout.toNanos();
        synchronized (changed) {
            while (!closed && !isOver()) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    return false;
                }
                TimeUnit.NANOSECONDS.timedWait(changed, left);
            }
        }
        return true;
    }

    /** Whether {@link #close()} was called. */
    public boolean isClosed() {
        return closed;
    }

    /** Closes all cameras at the same time, in two seconds at most. What hangs longer is left to itself. */
    @Override
    public void close() {
        closed = true;
        long deadline = System.nanoTime() + CLOSE_TIMEOUT.toNanos();
        cameras.values().forEach(ManagedCamera::stop); // at once, also while apply() waits for others
        synchronized (this) {
            close(cameras.values(), deadline);
        }
        synchronized (changed) {
            changed.notifyAll();
        }
    }

    private static void close(Collection<ManagedCamera> leaving, long deadline) {
        leaving.forEach(ManagedCamera::stop);
        try {
            for (ManagedCamera camera : leaving) {
                if (!camera.awaitClosed(deadline)) {
                    LOG.warn("{} has not closed in time and is left to itself", camera.status());
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
