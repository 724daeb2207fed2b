package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_unref;

import io.github.cuframes.producer.decode.Decoder;
import io.github.cuframes.producer.decode.FilterGraph;
import io.github.cuframes.producer.decode.FrameFacts;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * One stream that a decoder's frames are published as: some are left out, the others go through a filter or not, and a
 * writer publishes them. Frames are only read here, so that several outputs may be given the same one. Belongs to the
 * decoding thread.
 */
final class Output implements AutoCloseable {

    private final FrameWriter writer;
    private final WatchedCalls calls;
    private final IngestCounters counters;
    private final Thinner thinner;
    private final FilterGraph filter;
    private final AVFrame filtered;
    private final FrameInfo info = new FrameInfo();
    private final Continuity arriving = new Continuity();
    private final Continuity leaving = new Continuity();
    private boolean discontinuity;
    private int lost;

    /**
     * Makes the filter, which compiles its kernels on a GPU.
     *
     * @param writer closed with this, also if this fails
     * @param graph null for none
     * @param rate null for all frames
     * @throws IOException if the graph cannot be used
     */
    Output(FrameWriter writer, String graph, Rational rate, WatchedCalls calls, IngestCounters counters)
            throws IOException {
        this.writer = writer;
        this.calls = calls;
        this.counters = counters;
        this.thinner = rate == null ? null : new Thinner(rate);
        this.filtered = graph == null ? null : av_frame_alloc();
        if (graph != null && filtered == null) {
            writer.close();
            throw new OutOfMemoryError("av_frame_alloc");
        }
        this.filter = graph == null ? null : new FilterGraph(graph, writer.device());
        try {
            if (filter != null) {
                filter.warmUp();
            }
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    FrameWriter writer() {
        return writer;
    }

    /** What the decoder's frames are stamped with, and how many there are a second. */
    void begin(Rational base, Rational rate) {
        Rational left = thinner == null ? rate : thinner.rateOf(rate);
        if (filter == null) {
            writer.begin(base, left);
        } else {
            filter.begin(base, left); // the writer, when it is known what comes out
        }
    }

    /** The next frame does not go on from the one before. */
    void breakOff() {
        discontinuity = true;
        arriving.restart();
        leaving.restart();
        if (thinner != null) {
            thinner.restart();
        }
    }

    /** Frames were left out that nobody wanted: the next one is a break and due, and nothing before it counts as lost. */
    void resume() {
        breakOff();
        lost = 0;
    }

    /** A frame that would have come is lost. */
    void lose() {
        lost++;
    }

    /** Whether {@link #takes} would say yes; changes nothing. */
    boolean wants(long ptsNanos) {
        return thinner == null || thinner.wants(ptsNanos);
    }

    /** Whether a frame is due here; else it is left out, and counted. */
    boolean takes(long ptsNanos) {
        if (thinner == null) {
            return true;
        }
        if (arriving.isBrokenBy(ptsNanos)) { // seen here, as the distances between frames that are left are longer
            discontinuity = true;
            thinner.restart();
        }
        if (thinner.take(ptsNanos)) {
            return true;
        }
        leaveOut();
        return false;
    }

    /** A frame is not due. */
    void leaveOut() {
        counters.increment(IngestCounter.THINNED);
    }

    /**
     * Publishes a frame, or what the filter has made so far.
     *
     * @param frame still the caller's; its pts becomes its best-effort time stamp
     */
    void offer(AVFrame frame, Rational timeBase) throws IOException {
        if (filter == null) {
            publish(frame, timeBase);
            return;
        }
        if (filter.isChangedBy(frame)) {
            drain();
        }
        calls.push(filter, frame);
        publishFiltered();
    }

    /** Publishes what the filter still holds. */
    void drain() throws IOException {
        if (filter != null) {
            calls.end(filter);
            publishFiltered();
        }
    }

    /** Drops what the filter holds, so that it is made anew. */
    void forget() {
        if (filter != null) {
            filter.forget();
            av_frame_unref(filtered);
        }
    }

    private void publishFiltered() throws IOException {
        while (calls.pull(filter, filtered)) {
            writer.begin(filter.outputTimeBase(), filter.outputRate()); // does nothing if both are what they were
            publish(filtered, filter.outputTimeBase());
            av_frame_unref(filtered);
        }
    }

    private void publish(AVFrame frame, Rational timeBase) throws IOException {
        FrameFacts.tell(frame, timeBase, info.reset());
        long captured = Decoder.tagOf(frame);
        if (captured != 0) {
            info.captureNanos(captured);
        }
        if (thinner != null && info.durationNanos() > 0) {
            info.durationNanos(Math.max(info.durationNanos(), thinner.intervalNanos()));
        }
        if (leaving.isBrokenBy(info.ptsNanos()) || discontinuity) {
            discontinuity = true; // until a frame that says so is published
            info.flag(FrameFlag.DISCONTINUITY);
        }
        FrameWriter.Outcome outcome = writer.publish(frame, info.lostBefore(lost));
        if (outcome == FrameWriter.Outcome.NO_SLOT) {
            counters.increment(IngestCounter.DROPPED_NO_SLOT);
            lost++;
            return;
        }
        count(outcome);
        lost = 0;
        discontinuity = false;
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

    /** Frees filter and writer, whose frames have come back then. */
    @Override
    public void close() {
        if (filtered != null) {
            av_frame_free(filtered);
        }
        if (filter != null) {
            filter.close();
        }
        writer.close();
    }
}
