package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.pattern.FrameCode;
import io.github.cuframes.subscriber.DeliveryPolicy;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberException;
import io.github.cuframes.subscriber.SubscriberStatistics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A subscriber on a thread of its own that reads the number in every frame and whether one is missing. Connects when there is
 * somebody to connect to. Any thread may ask.
 */
final class Follower implements AutoCloseable {

    private static final Duration POLL = Duration.ofMillis(100);

    private final String key;
    private final Path runDirectory;
    private final DeliveryPolicy policy;
    private final List<String> reports = new CopyOnWriteArrayList<>();
    private final FrameVerifier verifier;
    private final Thread thread;
    private volatile boolean leaving;
    private volatile long received;
    private volatile long missing;
    private volatile long epochs;
    private volatile long generations;
    private volatile long first;
    private volatile SubscriberStatistics statistics;

    /**
     * Follows a stream.
     *
     * @param depth of its queue
     * @param wrap frames of the clip that is played over and over; 0 for the test pattern
     */
    Follower(Path runDirectory, String key, int depth, long wrap) {
        this(runDirectory, key, DeliveryPolicy.fifo(depth), wrap);
    }

    /** Follows a stream in another way than by a queue. */
    Follower(Path runDirectory, String key, DeliveryPolicy policy, long wrap) {
        RunDirectory.requireKey(key);
        this.key = key;
        this.runDirectory = runDirectory;
        this.policy = policy;
        verifier = new FrameVerifier(-1, wrap, reports::add);
        thread = new Thread(this::run, "follower-" + key);
        thread.setDaemon(true);
        thread.start();
    }

    private void run() {
        try (Subscriber subscriber = Subscriber.builder(key)
                .runDirectory(runDirectory)
                .policy(policy)
                .connectTimeout(Await.DEADLINE)
                .connect()) {
            long sequence = 0;
            long epoch = 0;
            int generation = 0;
            while (!leaving) {
                try (Frame frame = subscriber.next(POLL)) {
                    if (frame != null) {
                        long code = FrameCode.read(frame.plane(0), 0, frame.pitch(0), frame.width(), frame.height());
                        verifier.next(code, frame.epoch(), frame.sequence(), frame.breaksStream());
                        if (frame.epoch() != epoch) {
                            epochs++;
                        } else if (frame.sequence() != sequence + 1) {
                            missing += frame.sequence() - sequence - 1;
                        }
                        if (frame.epoch() != epoch || frame.generation() != generation) {
                            generations++;
                        }
                        if (received == 0) {
                            first = frame.sequence();
                        }
                        epoch = frame.epoch();
                        generation = frame.generation();
                        sequence = frame.sequence();
                        statistics = subscriber.statistics();
                        received++;
                    }
                }
            }
        } catch (SubscriberException e) {
            reports.add("failed " + e.getMessage());
        }
    }

    long received() {
        return received;
    }

    /** Publishers that it had frames of. */
    long epochs() {
        return epochs;
    }

    /** The number of the first frame that it had. */
    long first() {
        return first;
    }

    /** Waits for so many frames more. */
    void awaitMore(long frames) {
        long wanted = received + frames;
        Await.until(() -> wanted + " frames; " + this, () -> received >= wanted);
    }

    /** Whether each frame since its first came, as it was made, over one connection and from the same memory. */
    void assertUnbroken() {
        assertEquals(0, missing, this::toString);
        assertEquals(1, epochs, this::toString);
        assertEquals(1, generations, this::toString);
        assertEquals(0, verifier.violations(), this::toString);
        assertEquals(0, statistics.dropped(), this::toString);
        assertEquals(0, statistics.reconnects(), this::toString);
    }

    @Override
    public void close() {
        leaving = true;
        Await.until(() -> "its thread ends; " + this, () -> !thread.isAlive());
    }

    @Override
    public String toString() {
        return key + ": received " + received + " from " + first + " on, missing " + missing + ", epochs " + epochs
                + ", generations " + generations + ", " + statistics + ", "
                + reports;
    }
}
