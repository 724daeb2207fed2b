package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.decode.Decoder;
import io.github.cuframes.producer.decode.FilterGraph;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.decode.SlotWriter;
import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.AbandonedException;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one camera or file, decodes it and publishes its frames, on one thread; reconnects by itself.
 *
 * <p>{@link IngestState} has the states. When a connection is lost, what the decoder still holds is published first.
 * The first frame of the next connection carries {@link FrameFlag#DISCONTINUITY}; the slots stay what they are if its
 * geometry is the same. Damaged packets are counted and decoding goes on, from the next key frame if need be.
 *
 * <p>With a {@link FilterGraph}, frames go through it between decoder and writer: what it still holds is published before it is
 * made anew for frames of another size, and before a connection ends. Its frames have the filter's time base and rate.
 *
 * <p>A decoded frame is published in the main stream first, and then given to each rendition, which reads it where it is.
 *
 * <p>The thread makes the writers, the decoder and the filters, uses them and frees them, in this order: decoder, frames,
 * renditions, filter, writer. FFmpeg's buffers may come back on another thread, where somebody else holds a frame.
 *
 * <p>A frame costs about 640 bytes of garbage, measured with H.264 of 720p and HEVC decoded into slots by OpenJDK 17:
 * JavaCPP's wrappers of pointers that FFmpeg hands out and the record of a lent slot.
 *
 * <p>All methods may be called by any thread.
 */
public final class Ingest implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Ingest.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

    /** For a camera that is back within seconds, as most are: a subscriber then waits for half a second and the connecting. */
    private static final int QUICK_RETRIES = 8;

    private final IngestOptions options;
    private final FrameWriters writers;
    private final IngestListener listener;
    private final Clock clock;
    private final Backoff backoff;
    private final IngestCounters counters = new IngestCounters();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final CountDownLatch over = new CountDownLatch(1);
    private final CallWatch watch;
    private final WatchedCalls calls;
    private final PacketTaps taps;
    private final Thread thread;
    /** Not changed once the thread is started. */
    private final List<Outputs.Rendition> renditions = new ArrayList<>();

    private volatile IngestState state = IngestState.IDLE;
    private volatile IOException failure;
    private volatile Source source;

    // the thread's
    private AVPacket packet;
    private AVFrame frame;
    private Outputs outputs;
    private boolean hasStreamed;

    /** A reader that is not started, of frames in host memory. */
    public Ingest(IngestOptions options, SlotSource slots, IngestListener listener) {
        this(options, slots, listener, Clock.SYSTEM);
    }

    /** The same with a clock for pacing and for the waits between attempts. */
    public Ingest(IngestOptions options, SlotSource slots, IngestListener listener, Clock clock) {
        this(options, filtered -> new SlotWriter(slots, !filtered), listener, clock);
        Objects.requireNonNull(slots, "slots");
    }

    /** A reader that is not started, with a writer for the memory that its frames are to lie in. */
    public Ingest(IngestOptions options, FrameWriters writers, IngestListener listener) {
        this(options, writers, listener, Clock.SYSTEM);
    }

    Ingest(IngestOptions options, FrameWriters writers, IngestListener listener, Clock clock) {
        this.options = options;
        this.writers = Objects.requireNonNull(writers, "writers");
        this.listener = Objects.requireNonNull(listener, "listener");
        this.clock = clock;
        this.backoff = new Backoff(options.firstRetry(), options.longestRetry(), QUICK_RETRIES, new SplittableRandom());
        this.watch = new CallWatch(options.callLimits());
        this.calls = new WatchedCalls(watch);
        this.taps = new PacketTaps(options.taps(), options.source().url());
        Ffmpeg.load();
        thread = new Thread(
                this::run, "cuframes-ingest-" + options.source().url().host());
        thread.setDaemon(true);
    }

    /**
     * Before the start: also publishes what a rendition makes of the frames.
     *
     * @param slots its own, in the same kind of memory as those of the main stream
     * @return what it counts: {@link IngestCounter#OF_RENDITIONS}
     */
    public IngestCounters add(RenditionOptions rendition, SlotSource slots) {
        IngestCounters counted = new IngestCounters();
        renditions.add(new Outputs.Rendition(rendition, Objects.requireNonNull(slots, "slots"), counted));
        return counted;
    }

    /**
     * Before the start: says that this goes on with what another one began, so that its first frame is a break, and a source
     * that cannot be reached is tried again.
     */
    public Ingest resume() {
        hasStreamed = true;
        return this;
    }

    /** Starts the thread; once. */
    public void start() {
        thread.start();
    }

    /** Where it stands. */
    public IngestState state() {
        return state;
    }

    /** Why it is {@link IngestState#FAILED}, or was last {@link IngestState#WAITING}; null if it never was. */
    public IOException failure() {
        return failure;
    }

    /** What it counted. */
    public IngestCounters counters() {
        return counters;
    }

    /** Waits until it is over: ended, failed or closed. False if that takes longer. */
    public boolean awaitEnd(Duration timeout) throws InterruptedException {
        return over.await(timeout.toNanos(), java.util.concurrent.TimeUnit.NANOSECONDS);
    }

    /** The thread's native calls, for whoever watches them. */
    public CallWatch watch() {
        return watch;
    }

    /**
     * Leaves the thread to itself, which is in a native call that its {@link #watch()} has given up: everything that the call
     * may use stays as it is. If it returns, the thread frees all that is its own and ends; nothing more is published or
     * told.
     */
    public void abandon() {
        state = IngestState.ABANDONED;
        taps.revoke();
        interrupt();
    }

    /** Whether the thread has not ended. */
    public boolean isAlive() {
        return thread.isAlive();
    }

    /**
     * Interrupts whatever it does and waits for the thread to end.
     *
     * @return false if it has not ended in time; it will when the system call it is in returns
     */
    public boolean stop(Duration timeout) throws InterruptedException {
        interrupt();
        thread.join(Math.max(1, timeout.toMillis()));
        return !thread.isAlive();
    }

    private void interrupt() {
        stop.countDown();
        Source current = source;
        if (current != null) {
            current.interrupt();
        }
    }

    /** Stops it, for which it has two seconds. */
    @Override
    public void close() {
        try {
            if (!stop(CLOSE_TIMEOUT)) {
                LOG.warn(
                        "{}: still busy after {} s, left to itself",
                        options.source().url(),
                        CLOSE_TIMEOUT.toSeconds());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        try {
            packet = Ffmpeg.require(av_packet_alloc(), "av_packet_alloc");
            frame = Ffmpeg.require(av_frame_alloc(), "av_frame_alloc");
            calls.setUp(this::setUp);
            connectUntilOver();
        } catch (AbandonedException e) {
            LOG.warn("{}: {}; what it used is freed now", options.source().url(), e.getMessage());
        } catch (IOException e) {
            fail(e);
        } catch (RuntimeException | Error e) {
            LOG.error("{}: stopped by a fault", options.source().url(), e);
            fail(new IOException("stopped by a fault: " + e, e));
        } finally {
            try {
                free();
            } finally {
                over.countDown();
            }
        }
    }

    private void setUp() throws IOException {
        FrameWriter writer = writers.open(options.filter() != null);
        writer.watch(watch);
        outputs = new Outputs(options, writer, Outputs.mostHeld(renditions), calls, counters);
        for (Outputs.Rendition rendition : renditions) {
            outputs.add(rendition, watch, hasStreamed, clock);
        }
    }

    private void free() {
        if (frame != null) {
            av_frame_free(frame);
        }
        if (packet != null) {
            av_packet_free(packet);
        }
        if (outputs != null) {
            outputs.close();
        }
    }

    private void connectUntilOver() {
        boolean goOn = true;
        while (goOn) {
            become(IngestState.CONNECTING, null);
            try {
                connection();
                become(IngestState.ENDED, null);
                goOn = false;
            } catch (InputException e) {
                goOn = canRetry(e);
            } catch (IOException e) {
                fail(e);
                goOn = false;
            } finally {
                source = null;
            }
        }
    }

    private boolean canRetry(InputException e) {
        if (stop.getCount() == 0) {
            become(IngestState.CLOSED, null);
            return false;
        }
        if (hasStreamed ? !e.isRetryableOnceStreamed() : !(e.isRetryable() && options.retryFirst())) {
            fail(e);
            return false;
        }
        failure = e;
        become(IngestState.WAITING, e);
        try {
            if (!clock.await(stop, backoff.nextNanos())) {
                return true;
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt(); // the thread is ours: somebody wants it to end
        }
        become(IngestState.CLOSED, null);
        return false;
    }

    private void fail(IOException e) {
        if (state.isOver()) {
            return; // it was said already how it ended
        }
        failure = e;
        if (state == IngestState.IDLE) {
            become(IngestState.CONNECTING, null);
        }
        become(IngestState.FAILED, e);
    }

    private void become(IngestState next, IOException cause) {
        IngestState from = state;
        if (!from.canBecome(next)) {
            throw new IllegalStateException("no way from " + from + " to " + next);
        }
        state = next;
        try {
            listener.stateChanged(from, next, cause);
        } catch (RuntimeException e) {
            LOG.error("{}: the listener failed", options.source().url(), e);
        }
    }

    private void connection() throws IOException {
        Source current = new Source(options.source(), clock, watch, taps.wantAudio());
        try {
            source = current;
            if (stop.getCount() == 0) {
                current.interrupt(); // stop() may have come before it could see the source
            }
            calls.open(current);
            taps.connected(current);
            outputs.begin(current.timeBase(), current.frameRate());
            Decoder decoder = calls.openDecoder(current, options, outputs.writer());
            try {
                stream(current, decoder);
            } finally {
                calls.close(decoder);
                av_frame_unref(frame);
            }
        } finally {
            taps.disconnected();
            calls.close(current);
        }
    }

    private void stream(Source current, Decoder decoder) throws IOException {
        if (hasStreamed) {
            counters.increment(IngestCounter.RECONNECTS);
            outputs.breakOff();
        }
        try {
            Source.Read read = current.read(packet);
            become(IngestState.STREAMING, null);
            hasStreamed = true;
            while (read != Source.Read.END) {
                if (read == Source.Read.PACKET) {
                    decode(current, decoder);
                } else if (read == Source.Read.AUDIO) {
                    taps.packet(packet, 0);
                    av_packet_unref(packet);
                } else {
                    taps.disconnected();
                    drain(decoder, current.timeBase());
                    calls.flush(decoder);
                    outputs.breakOff();
                    taps.connected(current);
                }
                read = current.read(packet);
            }
        } catch (InputException e) {
            if (stop.getCount() != 0) {
                drain(decoder, current.timeBase());
            }
            throw e;
        }
        drain(decoder, current.timeBase());
    }

    private void decode(Source current, Decoder decoder) throws IOException {
        counters.increment(IngestCounter.PACKETS);
        counters.add(IngestCounter.BYTES, packet.size());
        taps.packet(packet, current.captureNanos());
        if (decoder.isIntraOnly()
                && packet.pts() != AV_NOPTS_VALUE
                && outputs.leavesOut(current.toNanos(packet.pts()))) {
            av_packet_unref(packet);
            return;
        }
        try {
            if (!calls.send(decoder, packet, current.captureNanos())) {
                damaged();
            }
        } finally {
            av_packet_unref(packet);
        }
        receive(decoder, current.timeBase());
    }

    private void drain(Decoder decoder, Rational timeBase) throws IOException {
        calls.send(decoder, null, 0);
        receive(decoder, timeBase);
        outputs.drain();
    }

    private void receive(Decoder decoder, Rational timeBase) throws IOException {
        while (true) {
            switch (calls.receive(decoder, frame)) {
                case FRAME -> decoded(timeBase);
                case DAMAGED -> damaged();
                default -> {
                    counters.add(IngestCounter.DECODE_NANOS, calls.takeDecodeNanos());
                    return;
                }
            }
        }
    }

    private void damaged() {
        counters.increment(IngestCounter.DECODE_ERRORS);
        outputs.lose();
    }

    private void decoded(Rational timeBase) throws IOException {
        counters.increment(IngestCounter.DECODED);
        backoff.reset();
        outputs.offer(frame, timeBase);
        av_frame_unref(frame);
    }
}
