package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.PacketStreams;
import io.github.cuframes.producer.ingest.PacketTap;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records a camera's packets as they came, video and sound, from the connection that is decoded.
 *
 * <pre>{@code
 * try (Recorder recorder = Recorder.open(RecordOptions.of(Path.of("/srv/video"), "cam1"));
 *         Producer producer = Producer.builder("cam1").input("rtsp://camera/stream").tap(recorder).open()) {
 *     producer.awaitEnd(Duration.ofHours(1));
 * }
 * }</pre>
 *
 * <p>A segment begins with a key frame: the first of a connection, the first after {@link RecordOptions#segment()}, and one that
 * brings other parameter sets. A thread of its own writes. If the disk is too slow, packets are dropped up to a key frame; if
 * it is full, the oldest segment is deleted where anything may be; if it cannot be written, recording pauses for ten seconds.
 * The camera's frames flow on in any case. {@link RecorderState} has the states.
 *
 * <p>Any thread may call any method.
 */
public final class Recorder implements PacketTap, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Recorder.class);

    /** Half a minute of 16 Mbit/s. */
    private static final long QUEUE_BYTES = 64L << 20;

    private static final int QUEUE_PACKETS = 8192;
    private static final Duration RETRY = Duration.ofSeconds(10);
    private static final Duration ENFORCE = Duration.ofSeconds(30);

    /** While nothing comes, the clock is looked at so often: it is the wall's, which may be set. */
    private static final long IDLE_MILLIS = 1_000;

    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(1);

    private final RecordOptions options;
    private final Clock clock;
    private final SegmentStore store;
    private final PacketQueue queue = new PacketQueue(QUEUE_BYTES, QUEUE_PACKETS);
    private final Thread thread;
    private final AtomicLong segments = new AtomicLong();
    private final AtomicLong packets = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong dropped = new AtomicLong();
    private final AtomicLong deleted = new AtomicLong();
    private final AtomicLong errors = new AtomicLong();
    private volatile RecorderState state = RecorderState.WAITING;

    /** The reading thread's; -1 while nothing is connected. */
    private int videoIndex = -1;

    // the writer thread's
    private RecordedStreams streams;
    private SegmentWriter segment;
    private long segmentBytes;
    private byte[] sets;
    private Instant failedAt;
    private Instant enforcedAt = Instant.EPOCH;

    private Recorder(RecordOptions options, Clock clock) {
        this.options = options;
        this.clock = clock;
        this.store = new SegmentStore(options, clock);
        thread = new Thread(this::run, "cuframes-record-" + options.key());
        thread.setDaemon(true);
    }

    /**
     * Makes the camera's directory and waits for packets.
     *
     * @throws IOException if the directory cannot be written to; says why and what to do
     */
    public static Recorder open(RecordOptions options) throws IOException {
        return open(options, Clock.systemUTC());
    }

    /** The same with a clock for names and ages. */
    public static Recorder open(RecordOptions options, Clock clock) throws IOException {
        Ffmpeg.load();
        Recorder recorder = new Recorder(Objects.requireNonNull(options), Objects.requireNonNull(clock));
        recorder.store.prepare();
        recorder.thread.start();
        return recorder;
    }

    @Override
    public boolean wantsAudio() {
        return true;
    }

    @Override
    public void connected(PacketStreams connection) {
        videoIndex = connection.video().index();
        queue.put(new PacketQueue.Entry(null, new RecordedStreams(connection)));
    }

    @Override
    public void packet(AVPacket packet, long captureNanos) {
        boolean key = packet.stream_index() == videoIndex && (packet.flags() & AV_PKT_FLAG_KEY) != 0;
        if (queue.offer(packet.size(), key, () -> av_packet_clone(packet)) == PacketQueue.Offer.OVERFLOW) {
            LOG.warn("{}: the disk is too slow: packets up to a key frame are not recorded", options.key());
        }
    }

    @Override
    public void disconnected() {
        queue.put(PacketQueue.Entry.DISCONNECTED);
    }

    /** What it does. */
    public RecorderState state() {
        return state;
    }

    /** What it has done. */
    public RecorderCounters counters() {
        return new RecorderCounters(
                segments.get(),
                packets.get(),
                bytes.get(),
                dropped.get() + queue.dropped(),
                deleted.get(),
                errors.get());
    }

    private void run() {
        try {
            enforce();
            long patience = options.mayDelete() ? IDLE_MILLIS : 0;
            boolean open = true;
            while (open) {
                if (queue.await(patience)) {
                    open = handle(queue.take());
                }
                enforceIfDue(); // also while packets come and cannot be written
                deleted.set(store.deleted());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody does: the thread is ours
        } finally {
            over();
            become(RecorderState.CLOSED);
        }
    }

    private void become(RecorderState next) {
        if (!state.canBecome(next)) {
            throw new IllegalStateException("no way from " + state + " to " + next);
        }
        state = next;
    }

    /** Whether there may be more. */
    private boolean handle(PacketQueue.Entry entry) {
        if (entry == null) {
            return false;
        }
        AVPacket packet = entry.packet();
        if (packet == null) {
            over();
            streams = entry.connected();
            return true;
        }
        try {
            record(packet);
        } catch (IOException | RuntimeException e) {
            failed(e);
        } finally {
            av_packet_free(packet);
        }
        return true;
    }

    /** The connection is over. */
    private void over() {
        try {
            endSegment();
        } catch (IOException | RuntimeException e) {
            failed(e);
        }
        if (streams != null) {
            streams.close();
            streams = null;
        }
    }

    private void record(AVPacket packet) throws IOException {
        boolean video =
                streams != null && packet.stream_index() == streams.video().index();
        boolean audio = streams != null
                && streams.audio() != null
                && packet.stream_index() == streams.audio().index();
        if (!video && !audio) {
            return; // sound that no container carries
        }
        if (video && (packet.flags() & AV_PKT_FLAG_KEY) != 0) {
            atKeyFrame(packet);
        }
        if (segment == null) {
            dropped.incrementAndGet();
            return;
        }
        write(packet, video);
    }

    private void enforceIfDue() {
        Duration since = Duration.between(enforcedAt, clock.instant());
        if (since.isNegative() || since.compareTo(ENFORCE) >= 0) {
            enforce();
        }
    }

    private void enforce() {
        enforcedAt = clock.instant();
        store.enforce(segment == null ? null : segment.path());
    }

    private void atKeyFrame(AVPacket packet) throws IOException {
        byte[] found = ParameterSets.of(streams.video().parameters(), packet);
        boolean changed = found != null && !Arrays.equals(found, sets);
        if (segment != null
                && (changed && sets != null
                        || segment.hasLasted(options.segment().toNanos() / 1000, packet))) {
            endSegment();
        }
        if (changed) {
            sets = found;
        }
        if (segment == null && mayTry()) {
            if (sets != null && found != null) {
                ParameterSets.apply(sets, streams.video().parameters(), packet);
            }
            beginSegment(packet);
        }
    }

    private boolean mayTry() {
        if (state == RecorderState.FAILED) {
            Duration since = Duration.between(failedAt, clock.instant());
            if (!since.isNegative() && since.compareTo(RETRY) < 0) {
                return false;
            }
            become(RecorderState.WAITING);
        }
        return true;
    }

    private void beginSegment(AVPacket packet) throws IOException {
        long start = SegmentWriter.timeOf(packet);
        Instant now = clock.instant();
        Path file = store.next(streams.container().extension());
        segment =
                new SegmentWriter(file, streams, start == AV_NOPTS_VALUE ? 0 : start, now, () -> store.makeRoom(file));
        segmentBytes = 0;
        segments.incrementAndGet();
        become(RecorderState.RECORDING);
        enforce();
    }

    private void write(AVPacket packet, boolean video) throws IOException {
        SegmentWriter.Outcome outcome = segment.write(packet, video);
        count();
        if (outcome == SegmentWriter.Outcome.WRITTEN) {
            packets.incrementAndGet();
            return;
        }
        dropped.incrementAndGet();
        if (outcome == SegmentWriter.Outcome.WENT_BACK) {
            LOG.warn("{}: the camera's time went back: the next segment begins at the next key frame", options.key());
            endSegment();
        }
    }

    private void count() {
        bytes.addAndGet(segment.written() - segmentBytes);
        segmentBytes = segment.written();
    }

    private void endSegment() throws IOException {
        if (segment == null) {
            return;
        }
        try {
            segment.close();
        } finally {
            count();
        }
        LOG.info("{}: recorded {}", options.key(), segment.path());
        segment = null;
        become(RecorderState.WAITING);
        enforce();
    }

    /** What is complete of the segment stays. */
    private void failed(Exception cause) {
        errors.incrementAndGet();
        failedAt = clock.instant();
        LOG.error(
                "{}: cannot record: {}; frames flow on, and recording is tried again in {} s. Check the space and the"
                        + " permissions of {}",
                options.key(),
                cause instanceof IOException ? cause.getMessage() : cause,
                RETRY.toSeconds(),
                store.directory());
        if (segment != null) {
            try {
                segment.discard();
            } catch (IOException e) {
                LOG.error("{}: {} ends with a broken fragment: {}", options.key(), segment.path(), e.getMessage());
            }
            segment = null;
        }
        if (state != RecorderState.FAILED) {
            become(RecorderState.FAILED);
        }
    }

    /** Writes what is waiting and ends the segment, for which it has a second; after the producer was closed. */
    @Override
    public void close() {
        queue.close(); // any number of times: whoever calls second waits, too, since the process may end after it
        try {
            thread.join(CLOSE_TIMEOUT.toMillis());
            if (thread.isAlive()) {
                LOG.warn("{}: the disk is too slow to end the recording; its last fragment may be lost", options.key());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
