package io.github.cuframes.benchmarks;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.decode.FilterGraph;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/**
 * Some of a {@link PlainDecoder}'s frames made smaller by the filter that a rendition would use, and dropped. One thread, but
 * for {@link #scaled()}.
 */
final class PlainScaler implements AutoCloseable {

    private final FilterGraph graph;
    private final AVFrame small;
    private final double share;
    private double credit = 1;
    private volatile long scaled;

    /**
     * Makes the filter's code ready, which takes seconds the first time on a GPU.
     *
     * @param size null to leave frames as large as they are
     * @param device FFmpeg's GPU, on which the frames are; null for host memory
     * @param base seconds of a tick of the frames' time stamps
     * @param rate of the frames
     * @param fps how many of them to take in a second
     */
    PlainScaler(Size size, AVBufferRef device, Rational base, Rational rate, int fps) throws IOException {
        share = rate.isKnown() ? Math.min(1, fps / rate.toDouble()) : 1;
        small = av_frame_alloc();
        graph = size == null
                ? null
                : new FilterGraph(
                        (device != null ? "scale_cuda=" : "scale=") + size.width() + ":" + size.height(), device);
        if (graph != null) {
            graph.begin(base, rate);
            graph.warmUp();
        }
    }

    /** Takes a frame, or leaves it out; it stays the caller's. */
    void take(AVFrame frame) throws IOException {
        if (credit < 1) {
            credit += share;
            return;
        }
        credit += share - 1;
        if (graph == null) {
            scaled = scaled + 1; // one thread writes
            return;
        }
        graph.push(frame);
        while (graph.pull(small)) {
            scaled = scaled + 1;
            av_frame_unref(small);
        }
    }

    /** Frames made so far. Any thread. */
    long scaled() {
        return scaled;
    }

    @Override
    public void close() {
        if (graph != null) {
            graph.close();
        }
        av_frame_free(small);
    }
}
