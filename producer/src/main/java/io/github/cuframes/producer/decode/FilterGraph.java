package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avfilter.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.protocol.frame.Rational;
import org.bytedeco.ffmpeg.avfilter.AVBufferSrcParameters;
import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraphSegment;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
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

    private Rational outputTimeBase = Rational.UNKNOWN;
    private Rational outputRate = Rational.UNKNOWN;
    private boolean uploading;

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
     * Tries the description before frames are due. On a GPU a graph of a usual size is built and forgotten: the first use of a
     * GPU filter on a machine compiles its kernels, for seconds. In host memory the filters and their options are looked
     * at; what they think of the frames shows with the first.
     *
     * @throws DecodeException if the description is wrong
     */
    public void warmUp() throws DecodeException {
        if (device == null) {
            parseOnly();
            return;
        }
        AVBufferRef frames = av_hwframe_ctx_alloc(device);
        if (frames == null) {
            throw new OutOfMemoryError("av_hwframe_ctx_alloc");
        }
        AVFrame likeness = av_frame_alloc();
        try {
            if (likeness == null) {
                throw new OutOfMemoryError("av_frame_alloc");
            }
            AVHWFramesContext described = new AVHWFramesContext(frames.data());
            described
                    .format(AV_PIX_FMT_CUDA)
                    .sw_format(AV_PIX_FMT_NV12)
                    .width(WARM_WIDTH)
                    .height(WARM_HEIGHT);
            FfmpegLog.capture();
            int code = av_hwframe_ctx_init(frames);
            String log = FfmpegLog.captured();
            if (code < 0) {
                throw new DecodeException(
                        "the filter \"" + description + "\" cannot have frames on the GPU: "
                                + (log.isEmpty() ? Ffmpeg.errorText(code) : log)
                                + "; see what doctor says of this GPU",
                        code,
                        null);
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
            }
        } finally {
            if (likeness != null) {
                av_frame_free(likeness);
            }
            av_buffer_unref(frames);
        }
    }

    private void parseOnly() throws DecodeException {
        graph = avfilter_graph_alloc();
        if (graph == null) {
            throw new OutOfMemoryError("avfilter_graph_alloc");
        }
        FfmpegLog.capture();
        try {
            parse(description, false);
        } catch (DecodeException e) {
            throw refused("", e);
        } finally {
            FfmpegLog.captured();
            free();
        }
    }

    private DecodeException refused(String frames, DecodeException cause) {
        String log = FfmpegLog.captured();
        return new DecodeException(
                "the filter \"" + description + "\" cannot be used" + frames + ": "
                        + (log.isEmpty() ? cause.getMessage() : log)
                        + "; see https://ffmpeg.org/ffmpeg-filters.html",
                cause.code(),
                null);
    }

    /** Drops what it holds; the next frame builds it anew. For frames and graphs that failed. */
    public void forget() {
        free();
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
     * @param frame referenced; its time stamp becomes {@code best_effort_timestamp}, nothing else changes
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
     * @param frame what it referenced is unreferenced first; stamped in {@link #outputTimeBase}
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
        frame.best_effort_timestamp(frame.pts());
        return true;
    }

    /** Seconds of a tick of what {@link #pull} hands out; the filter's own, so that none of its time stamps is rounded. */
    public Rational outputTimeBase() {
        return outputTimeBase;
    }

    /** Frames a second that come out, or unknown. */
    public Rational outputRate() {
        return outputRate;
    }

    /** Whether frames that were decoded in software go to the GPU here. */
    public boolean isUploading() {
        return uploading;
    }

    private void build(AVFrame frame) throws DecodeException {
        uploading = device != null && frame.hw_frames_ctx() == null;
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
            // not hwupload_cuda, which makes a context of its own, on the first GPU
            parse(uploading ? "hwupload," + description : description, true);
            check(avfilter_graph_config(graph, (Pointer) null));
        } catch (DecodeException e) {
            free();
            throw refused(
                    " on these frames (" + PixelFormats.name(frame.format()) + " " + frame.width() + "x"
                            + frame.height() + ")",
                    e);
        } finally {
            FfmpegLog.captured();
        }
        format = frame.format();
        width = frame.width();
        height = frame.height();
        framesContext = framesContextOf(frame);
        outputTimeBase = rational(av_buffersink_get_time_base(sink));
        outputRate = rational(av_buffersink_get_frame_rate(sink));
        LOG.debug("filter {} on {}x{}", description, width, height);
    }

    private static Rational rational(AVRational value) {
        return value.num() > 0 && value.den() > 0 ? new Rational(value.num(), value.den()) : Rational.UNKNOWN;
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

    /** Makes the filters of a text, and links them to both ends if told so. */
    private void parse(String text, boolean linked) throws DecodeException {
        AVFilterGraphSegment segment = new AVFilterGraphSegment((Pointer) null);
        AVFilterInOut inputs = new AVFilterInOut((Pointer) null);
        AVFilterInOut outputs = new AVFilterInOut((Pointer) null);
        try (BytePointer characters = new BytePointer(text)) {
            check(avfilter_graph_segment_parse(graph, characters, 0, segment));
            check(avfilter_graph_segment_create_filters(segment, 0));
            // before they are initialized: some want their GPU then
            for (int i = 0; device != null && i < graph.nb_filters(); i++) {
                graph.filters(i).hw_device_ctx(av_buffer_ref(device));
            }
            check(avfilter_graph_segment_apply(segment, 0, inputs, outputs));
            requireOne("input", inputs);
            requireOne("output", outputs);
            if (linked) {
                check(avfilter_link(source, 0, inputs.filter_ctx(), inputs.pad_idx()));
                check(avfilter_link(outputs.filter_ctx(), outputs.pad_idx(), sink, 0));
            }
        } finally {
            avfilter_inout_free(inputs);
            avfilter_inout_free(outputs);
            avfilter_graph_segment_free(segment);
        }
    }

    private static void requireOne(String what, AVFilterInOut ends) throws DecodeException {
        if (ends.isNull() || ends.next() != null) {
            throw new DecodeException(
                    "it has " + (ends.isNull() ? "no" : "more than one") + " open " + what + ", and needs one",
                    AVERROR_FILTER_NOT_FOUND(),
                    null);
        }
    }

    private static void check(int code) throws DecodeException {
        if (code < 0) {
            throw new DecodeException(Ffmpeg.errorText(code), code, null);
        }
    }

    private void require(int code, String what) throws DecodeException {
        if (code < 0) {
            boolean memory = device != null && code == AVERROR_ENOMEM();
            throw new DecodeException(
                    "the filter \"" + description + "\" " + what + ": " + Ffmpeg.errorText(code)
                            + (memory ? "; end other programs on this GPU, or filter to smaller frames" : ""),
                    code,
                    null);
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
