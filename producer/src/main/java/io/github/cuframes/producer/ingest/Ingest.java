package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.decode.Decoder;
import io.github.cuframes.producer.decode.FilterGraph;
import io.github.cuframes.producer.decode.FrameFacts;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.decode.FrameWriters;
import io.github.cuframes.producer.decode.SlotWriter;
import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.AbandonedException;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.time.Duration;
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
 * <p>The thread makes the writer, the decoder and the filter, uses them and frees them, in this order: decoder, frames, filter,
 * writer. FFmpeg's buffers may come back on another thread, where somebody else holds a frame.
 *
 * <p>A frame costs about 640 bytes of garbage, measured with H.264 of 720p and HEVC decoded into slots by OpenJDK 17:
 * JavaCPP's wrappers of pointers that FFmpeg hands out and the record of a lent slot.
 *
 * <p>All methods may be called by any thread.
 */
public final class Ingest implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Ingest.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(2);

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

    private volatile IngestState state = IngestState.IDLE;
    private volatile IOException failure;
    private volatile Source source;

    // the thread's
    private final FrameInfo info = new FrameInfo();
    private final Continuity continuity = new Continuity();
    private AVPacket packet;
    private AVFrame frame;
    private AVFrame filtered;
    private FrameWriter writer;
    private FilterGraph filter;
    private boolean hasStreamed;
    private boolean discontinuity;
    private int lost;

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
        this.backoff = new Backoff(options.firstRetry(), options.longestRetry(), new SplittableRandom());
        this.watch = new CallWatch(options.callLimits());
        this.calls = new WatchedCalls(watch);
        this.taps = new PacketTaps(options.taps(), options.source().url());
        Ffmpeg.load();
        thread = new Thread(
                this::run, "cuframes-ingest-" + options.source().url().host());
        thread.setDaemon(true);
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
        writer = writers.open(options.filter() != null);
        writer.watch(watch);
        if (options.filter() != null) {
            filtered = Ffmpeg.require(av_frame_alloc(), "av_frame_alloc");
            filter = new FilterGraph(options.filter(), writer.device());
            filter.warmUp();
        }
    }

    private void free() {
        if (frame != null) {
            av_frame_free(frame);
        }
        if (packet != null) {
            av_packet_free(packet);
        }
        if (filtered != null) {
            av_frame_free(filtered);
        }
        if (filter != null) {
            filter.close();
        }
        if (writer != null) {
            writer.close();
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
            if (filter == null) {
                writer.begin(current.timeBase(), current.frameRate());
            } else {
                filter.begin(current.timeBase(), current.frameRate()); // the writer, when it is known what comes out
            }
            Decoder decoder = calls.openDecoder(current, options, writer);
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
            breakOff();
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
                    breakOff();
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

    /** The next frame does not go on from the one before. */
    private void breakOff() {
        discontinuity = true;
        continuity.restart();
    }

    private void decode(Source current, Decoder decoder) throws IOException {
        counters.increment(IngestCounter.PACKETS);
        counters.add(IngestCounter.BYTES, packet.size());
        taps.packet(packet, current.captureNanos());
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
        drainFilter();
    }

    private void receive(Decoder decoder, Rational timeBase) throws IOException {
        while (true) {
            switch (calls.receive(decoder, frame)) {
                case FRAME -> decoded(timeBase);
                case DAMAGED -> damaged();
                default -> {
                    return;
                }
            }
        }
    }

    private void damaged() {
        counters.increment(IngestCounter.DECODE_ERRORS);
        lost++;
    }

    private void decoded(Rational timeBase) throws IOException {
        counters.increment(IngestCounter.DECODED);
        if (filter == null) {
            publish(frame, timeBase);
            return;
        }
        if (filter.isChangedBy(frame)) {
            drainFilter();
        }
        calls.push(filter, frame);
        av_frame_unref(frame);
        publishFiltered();
    }

    private void drainFilter() throws IOException {
        if (filter != null) {
            calls.end(filter);
            publishFiltered();
        }
    }

    private void publishFiltered() throws IOException {
        while (calls.pull(filter, filtered)) {
            writer.begin(filter.outputTimeBase(), filter.outputRate()); // does nothing if both are what they were
            publish(filtered, filter.outputTimeBase());
        }
    }

    private void publish(AVFrame frame, Rational timeBase) throws IOException {
        FrameFacts.tell(frame, timeBase, info.reset());
        long captured = Decoder.tagOf(frame);
        if (captured != 0) {
            info.captureNanos(captured);
        }
        if (continuity.isBrokenBy(info.ptsNanos()) || discontinuity) {
            discontinuity = true; // until a frame that says so is published
            info.flag(FrameFlag.DISCONTINUITY);
        }
        FrameWriter.Outcome outcome = writer.publish(frame, info.lostBefore(lost));
        av_frame_unref(frame);
        if (outcome == FrameWriter.Outcome.NO_SLOT) {
            counters.increment(IngestCounter.DROPPED_NO_SLOT);
            lost++;
            return;
        }
        count(outcome);
        lost = 0;
        discontinuity = false;
        backoff.reset();
    }

    private boolean isUploaded(FrameWriter.Outcome outcome) {
        return outcome == FrameWriter.Outcome.UPLOADED
                || outcome == FrameWriter.Outcome.CONVERTED && writer.device() != null
                || filter != null && filter.isUploading();
    }

    private void count(FrameWriter.Outcome outcome) {
        counters.increment(IngestCounter.PUBLISHED);
        if (outcome != FrameWriter.Outcome.IN_PLACE) {
            counters.increment(IngestCounter.COPIED);
        }
        if (outcome == FrameWriter.Outcome.CONVERTED) {
            counters.increment(IngestCounter.CONVERTED);
        }
        if (isUploaded(outcome)) {
            counters.increment(IngestCounter.UPLOADED);
        }
        if (FrameFlag.CORRUPT.in(info.flags())) {
            counters.increment(IngestCounter.CORRUPT);
        }
        if (FrameFlag.DISCONTINUITY.in(info.flags())) {
            counters.increment(IngestCounter.GAPS);
        }
    }
}
