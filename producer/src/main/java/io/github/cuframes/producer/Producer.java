package io.github.cuframes.producer;

import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.PacketTap;
import io.github.cuframes.producer.publish.PacketCounters;
import io.github.cuframes.producer.publish.PacketPublisher;
import io.github.cuframes.producer.publish.PacketSubscriberCounters;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherCounters;
import io.github.cuframes.producer.publish.SubscriberCounters;
import io.github.cuframes.producer.watch.Watchdog;
import io.github.cuframes.protocol.layout.SourceState;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes one camera, file or test pattern and publishes its frames to local processes.
 *
 * <pre>{@code
 * try (Producer producer = Producer.builder("cam1").input("rtsp://camera/stream").open()) {
 *     producer.awaitEnd(Duration.ofHours(1));
 * }
 * }</pre>
 *
 * <p>Frames flow from {@link ProducerBuilder#open()} on, on threads of its own. A live source that is lost is connected
 * again, while subscribers keep their connection. Any thread may call any method.
 */
public final class Producer implements AutoCloseable {

    private static final Duration CLOSE_TIMEOUT = Duration.ofMillis(1_500);

    private static final Logger LOG = LoggerFactory.getLogger(Producer.class);

    private final FramePlace place;
    private final Streams streams;
    private final Publisher publisher;
    private final FrameSource source;
    private final ProducerListener listener;
    private final List<PacketTap> taps;
    private final CompletableFuture<SourceState> end = new CompletableFuture<>();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final Watchdog.Watched control = this::checkControl;
    private final long controlTimeoutNanos;
    private volatile SourceState state = SourceState.CONNECTING;
    private volatile IOException lastFailure;

    // the watchdog's
    private long controlTicks = -1;
    private long controlSeen;

    Producer(ProducerBuilder options, FramePlace place) throws IOException {
        this.place = place;
        LOG.info("{}: frames live in {}", options.key(), place);
        listener = options.listener();
        taps = options.taps();
        controlTimeoutNanos = options.callTimeout().toNanos();
        streams = options.streams(place);
        publisher = streams.main();
        streams.sourceState(SourceState.CONNECTING);
        FrameSource made = null;
        try {
            made = options.source(streams, place, this::changed);
            if (options.waitsForNobody()) {
                made.start();
            }
        } catch (IOException | RuntimeException e) {
            streams.close();
            throw e;
        }
        source = made;
        Watchdog.shared().add(control);
        if (!options.waitsForNobody()) {
            Thread starter =
                    new Thread(() -> startWith(options.waitForSubscribers()), "cuframes-start-" + publisher.key());
            starter.setDaemon(true);
            starter.start();
        }
    }

    /** Ends by itself when the publishers are closed. */
    private void startWith(List<Integer> subscribers) {
        try {
            if (streams.awaitSubscribers(subscribers)) {
                source.start();
            }
        } catch (IOException e) {
            changed(SourceState.FAILED, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does: the thread is ours
        }
    }

    /**
     * Starts a producer's configuration.
     *
     * @param key the stream's name, {@code [A-Za-z0-9._-]{1,64}}
     */
    public static ProducerBuilder builder(String key) {
        return new ProducerBuilder(key);
    }

    /** Called by the source's thread; nothing here waits for that thread. */
    private void changed(SourceState next, IOException cause) {
        state = next;
        if (cause != null) {
            lastFailure = cause;
        }
        try {
            streams.sourceState(next);
            listener.stateChanged(next, cause);
            if (next == SourceState.ENDED) {
                streams.end();
            } else if (cause instanceof HangException) {
                streams.closeBeside();
            } else if (next == SourceState.FAILED) {
                streams.close();
            }
        } finally { // nobody is to wait for ever because a listener failed
            if (next == SourceState.ENDED) {
                end.complete(next);
            } else if (next == SourceState.FAILED) {
                end.completeExceptionally(cause);
            }
        }
    }

    /** The thread that serves the subscribers closes frame memory, which may hang in the driver. */
    private void checkControl(long nanos) {
        if (end.isDone() || closed.get()) {
            Watchdog.shared().remove(control);
            return;
        }
        long ticks = streams.controlTicks();
        if (ticks != controlTicks) {
            controlTicks = ticks;
            controlSeen = nanos;
        } else if (nanos - controlSeen >= controlTimeoutNanos) {
            changed(
                    SourceState.FAILED,
                    new HangException("the thread that serves the subscribers hangs or has ended: the process has to be"
                            + " started again"));
        }
    }

    /**
     * A number that grows while the threads work that serve the subscribers; for whoever tells a supervisor that this process
     * is well.
     */
    public long controlTicks() {
        return streams.controlTicks();
    }

    /** The stream's name. */
    public String key() {
        return publisher.key();
    }

    /** What the source does. */
    public SourceState state() {
        return state;
    }

    /** Why the source was last lost or failed, also when it streams again; empty if it never was. */
    public Optional<IOException> lastFailure() {
        return Optional.ofNullable(lastFailure);
    }

    /** What has been published in the main stream and what it takes. */
    public PublisherCounters counters() {
        return publisher.counters();
    }

    /** Those who subscribe now. */
    public List<SubscriberCounters> subscribers() {
        return publisher.subscribers();
    }

    /** The packets that are offered beside the frames; empty where none are. */
    public Optional<PacketCounters> packetCounters() {
        return publisher.packets().map(PacketPublisher::counters);
    }

    /** Those who subscribe to packets now, in processes of their own or in this one. */
    public List<PacketSubscriberCounters> packetSubscribers() {
        return publisher.packets().map(PacketPublisher::subscribers).orElse(List.of());
    }

    /** Those who get its packets in this process, such as a {@link io.github.cuframes.producer.record.Recorder}. */
    public List<PacketTap> taps() {
        return taps;
    }

    /** What was read and decoded; empty for a test pattern, which is neither. */
    public Map<IngestCounter, Long> sourceCounters() {
        return source.counters();
    }

    /** What the renditions have published, in the order in which they were asked for. */
    public List<RenditionCounters> renditions() {
        List<RenditionCounters> all = new ArrayList<>();
        for (Publisher rendition : streams.renditions()) {
            all.add(new RenditionCounters(
                    rendition.key(),
                    rendition.counters(),
                    rendition.subscribers(),
                    source.renditionCounters(all.size())));
        }
        return all;
    }

    /**
     * Waits for the source to come to its end.
     *
     * @return false if it has not in time, or was closed
     * @throws IOException why the source failed for good
     */
    public boolean awaitEnd(Duration timeout) throws IOException, InterruptedException {
        try {
            return end.get(timeout.toMillis(), TimeUnit.MILLISECONDS) == SourceState.ENDED;
        } catch (TimeoutException e) {
            return false;
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw new IOException("the source failed: " + e.getCause(), e.getCause());
        }
    }

    /** Whether {@link #close()} was called. */
    public boolean isClosed() {
        return closed.get();
    }

    /** Stops the source, takes leave of the subscribers and frees everything, in two seconds at most. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        // the source first, since it writes into slots of the publishers; it may just be waiting for a subscriber
        streams.stopWaiting();
        boolean ended = source.stop(CLOSE_TIMEOUT);
        if (streams.close(CLOSE_TIMEOUT.toMillis()) && ended) {
            place.close(); // else a thread may still use the GPU
        }
        end.complete(SourceState.CONNECTING);
    }
}
