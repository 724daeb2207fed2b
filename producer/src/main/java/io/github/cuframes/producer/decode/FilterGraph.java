package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avfilter.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.protocol.frame.Rational;
import org.bytedeco.ffmpeg.avfilter.AVBufferSrcParameters;
import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One of FFmpeg's filter graphs between a decoder and a {@link FrameWriter}: one picture in, any number out. It is built for
 * the first frame and anew when frames change. Where the slots are on a GPU, so is the graph: frames that were decoded in
 * software are uploaded first. Belongs to the decoding thread.
 */
public final class FilterGraph implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(FilterGraph.class);

    private static final int WARM_WIDTH = 1280;
    private static final int WARM_HEIGHT = 720;

    private final String description;
    private final AVBufferRef device;

    private AVFilterGraph graph;
    private AVFilterContext source;
    private AVFilterContext sink;
    private Rational timeBase = Rational.UNKNOWN;
    private Rational frameRate = Rational.UNKNOWN;

    // what the graph was built for
    private int format;
    private int width;
    private int height;
    private long framesContext;

    /**
     * A graph that is built when the first frame comes.
     *
     * @param description in FFmpeg's language, such as {@code scale_cuda=1280:720}
     * @param device FFmpeg's GPU that the graph works on, referenced for as long as the graph lives; null for host memory
     */
    public FilterGraph(String description, AVBufferRef device) {
        Ffmpeg.loadFilters();
        this.description = description;
        this.device = device == null ? null : av_buffer_ref(device);
    }

    /** What the frames to come are stamped with. */
    public void begin(Rational base, Rational rate) {
        if (!base.equals(timeBase) || !rate.equals(frameRate)) {
            free();
        }
        timeBase = base;
        frameRate = rate;
    }

    /**
     * Builds a graph of a usual size and forgets it: the first use of a GPU filter on a machine compiles its kernels, for
     * seconds, which is better done before frames are due.
     *
     * @throws DecodeException if the description is wrong
     */
    public void warmUp() throws DecodeException {
        if (device == null) {
            return;
        }
        AVBufferRef frames = av_hwframe_ctx_alloc(device);
        try (AVFrame likeness = av_frame_alloc()) {
            AVHWFramesContext described = new AVHWFramesContext(frames.data());
            described
                    .format(AV_PIX_FMT_CUDA)
                    .sw_format(AV_PIX_FMT_NV12)
                    .width(WARM_WIDTH)
                    .height(WARM_HEIGHT);
            int code = av_hwframe_ctx_init(frames);
            if (code < 0) {
                throw new DecodeException("no frames on the GPU: " + Ffmpeg.errorText(code), code, null);
            }
            likeness.format(AV_PIX_FMT_CUDA).width(WARM_WIDTH).height(WARM_HEIGHT);
            likeness.hw_frames_ctx(av_buffer_ref(frames));
            Rational base = timeBase;
            timeBase = new Rational(1, 90_000);
            try {
                build(likeness);
            } finally {
                timeBase = base;
                free();
                av_frame_unref(likeness);
            }
        } finally {
            av_buffer_unref(frames);
        }
    }

    /** Whether the next frame needs a graph of its own, so that this one is to be drained first. */
    public boolean isChangedBy(AVFrame frame) {
        return graph != null
                && (format != frame.format()
                        || width != frame.width()
                        || height != frame.height()
                        || framesContext != framesContextOf(frame));
    }

    private static long framesContextOf(AVFrame frame) {
        AVBufferRef frames = frame.hw_frames_ctx();
        return frames == null ? 0 : frames.data().address();
    }

    /**
     * Puts a frame in. All that came out before must have been taken.
     *
     * @param frame referenced, not changed; its time stamp is {@code best_effort_timestamp}
     */
    public void push(AVFrame frame) throws DecodeException {
        if (graph == null || isChangedBy(frame)) {
            free();
            build(frame);
        }
        frame.pts(frame.best_effort_timestamp());
        require(
                av_buffersrc_add_frame_flags(source, frame, AV_BUFFERSRC_FLAG_KEEP_REF | AV_BUFFERSRC_FLAG_PUSH),
                "takes no frame");
    }

    /** No frame follows for now; what the graph holds can be pulled, and the next frame builds it anew. */
    public void end() throws DecodeException {
        if (graph != null) {
            require(av_buffersrc_add_frame_flags(source, null, 0), "cannot be drained");
        }
    }

    /**
     * Takes a frame out.
     *
     * @param frame what it referenced is unreferenced first; stamped in the time base of {@link #begin}
     * @return false if there is none without another push, or after {@link #end()} without a new graph
     */
    public boolean pull(AVFrame frame) throws DecodeException {
        if (graph == null) {
            return false;
        }
        av_frame_unref(frame);
        int code = av_buffersink_get_frame(sink, frame);
        if (code == AVERROR_EAGAIN()) {
            return false;
        }
        if (code == AVERROR_EOF()) {
            free();
            return false;
        }
        require(code, "failed");
        AVRational out = av_buffersink_get_time_base(sink);
        AVRational in = new AVRational().num(timeBase.numerator()).den(timeBase.denominator());
        if (frame.pts() != AV_NOPTS_VALUE) {
            frame.pts(av_rescale_q(frame.pts(), out, in));
        }
        frame.best_effort_timestamp(frame.pts());
        frame.duration(av_rescale_q(frame.duration(), out, in));
        return true;
    }

    private void build(AVFrame frame) throws DecodeException {
        boolean uploads = device != null && frame.hw_frames_ctx() == null;
        graph = avfilter_graph_alloc();
        if (graph == null) {
            throw new OutOfMemoryError("avfilter_graph_alloc");
        }
        FfmpegLog.capture();
        try {
            source = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "in");
            sink = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffersink"), "out");
            if (source == null || sink == null) {
                throw new OutOfMemoryError("avfilter_graph_alloc_filter");
            }
            describe(frame);
            check(avfilter_init_str(source, (String) null));
            check(avfilter_init_str(sink, (String) null));
            parse(uploads ? "hwupload_cuda," + description : description);
            for (int i = 0; device != null && i < graph.nb_filters(); i++) {
                graph.filters(i).hw_device_ctx(av_buffer_ref(device));
            }
            check(avfilter_graph_config(graph, (Pointer) null));
        } catch (DecodeException e) {
            free();
            String log = FfmpegLog.captured();
            throw new DecodeException(
                    "the filter \"" + description + "\" cannot be used on these frames ("
                            + PixelFormats.name(frame.format()) + " " + frame.width() + "x" + frame.height() + "): "
                            + (log.isEmpty() ? e.getMessage() : log)
                            + "; see https://ffmpeg.org/ffmpeg-filters.html",
                    e.code(),
                    null);
        } finally {
            FfmpegLog.captured();
        }
        format = frame.format();
        width = frame.width();
        height = frame.height();
        framesContext = framesContextOf(frame);
        LOG.debug("filter {} on {}x{}", description, width, height);
    }

    private void describe(AVFrame frame) throws DecodeException {
        AVBufferSrcParameters parameters = av_buffersrc_parameters_alloc();
        if (parameters == null) {
            throw new OutOfMemoryError("av_buffersrc_parameters_alloc");
        }
        try {
            parameters.format(frame.format());
            parameters.width(frame.width()).height(frame.height());
            parameters.time_base(new AVRational().num(timeBase.numerator()).den(timeBase.denominator()));
            if (frameRate.isKnown()) {
                parameters.frame_rate(
                        new AVRational().num(frameRate.numerator()).den(frameRate.denominator()));
            }
            parameters.sample_aspect_ratio(frame.sample_aspect_ratio());
            parameters.color_space(frame.colorspace());
            parameters.color_range(frame.color_range());
            parameters.hw_frames_ctx(frame.hw_frames_ctx()); // referenced by the call
            check(av_buffersrc_parameters_set(source, parameters));
        } finally {
            av_free(parameters);
        }
    }

    private void parse(String text) throws DecodeException {
        AVFilterInOut outputs = avfilter_inout_alloc();
        AVFilterInOut inputs = avfilter_inout_alloc();
        try (PointerPointer<AVFilterInOut> in = new PointerPointer<>(1);
                PointerPointer<AVFilterInOut> out = new PointerPointer<>(1)) {
            if (outputs == null || inputs == null) {
                throw new OutOfMemoryError("avfilter_inout_alloc");
            }
            outputs.name(av_strdup(new BytePointer("in"))).filter_ctx(source).pad_idx(0);
            inputs.name(av_strdup(new BytePointer("out"))).filter_ctx(sink).pad_idx(0);
            in.put(0, inputs);
            out.put(0, outputs);
            int code = avfilter_graph_parse_ptr(graph, new BytePointer(text), in, out, (Pointer) null);
            avfilter_inout_free(in);
            avfilter_inout_free(out);
            check(code);
        }
    }

    private static void check(int code) throws DecodeException {
        if (code < 0) {
            throw new DecodeException(Ffmpeg.errorText(code), code, null);
        }
    }

    private void require(int code, String what) throws DecodeException {
        if (code < 0) {
            throw new DecodeException(
                    "the filter \"" + description + "\" " + what + ": " + Ffmpeg.errorText(code), code, null);
        }
    }

    private void free() {
        if (graph != null) {
            avfilter_graph_free(graph);
            graph = null;
            source = null;
            sink = null;
        }
    }

    /** Frees the graph and what it holds; a second call does nothing. */
    @Override
    public void close() {
        free();
        if (device != null && !device.isNull()) {
            av_buffer_unref(device);
            device.setNull();
        }
    }
}
