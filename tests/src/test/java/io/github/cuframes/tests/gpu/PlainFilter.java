package io.github.cuframes.tests.gpu;

import static org.bytedeco.ffmpeg.global.avfilter.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.ffmpeg.avfilter.AVBufferSrcParameters;
import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** What FFmpeg alone makes of a clip with a filter graph: on the GPU with {@link PlainDecoder}'s NVDEC, else in host memory. */
final class PlainFilter implements AutoCloseable {

    private final AVFilterGraph graph = avfilter_graph_alloc();
    private final AVFilterContext source = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffer"), "source");
    private final AVFilterContext sink = avfilter_graph_alloc_filter(graph, avfilter_get_by_name("buffersink"), "sink");
    private final AVFrame out = av_frame_alloc();
    private final AVFrame downloaded = av_frame_alloc();
    private final List<Integer> checksums = new ArrayList<>();

    private PlainFilter(String description, PlainDecoder decoder) throws IOException {
        try {
            configure(description, decoder);
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** The checksums of what comes out, as {@link PlainDecoder#checksum} has them. */
    static int[] checksums(Path clip, PlainDecoder.Device device, String description) throws IOException {
        Ffmpeg.loadFilters();
        try (PlainDecoder decoder = new PlainDecoder(clip, device, 0)) {
            if (!decoder.next()) {
                throw new IOException(clip + " has no picture");
            }
            try (PlainFilter filter = new PlainFilter(description, decoder)) {
                do {
                    decoder.frame().pts(decoder.frame().best_effort_timestamp());
                    check(av_buffersrc_add_frame_flags(filter.source, decoder.frame(), AV_BUFFERSRC_FLAG_KEEP_REF));
                    filter.drain();
                } while (decoder.next());
                check(av_buffersrc_add_frame_flags(filter.source, null, 0));
                filter.drain();
                return filter.checksums.stream().mapToInt(Integer::intValue).toArray();
            }
        }
    }

    private static int check(int result) throws IOException {
        if (result < 0) {
            throw new IOException("the filter fails: " + Ffmpeg.errorText(result));
        }
        return result;
    }

    private void configure(String description, PlainDecoder decoder) throws IOException {
        AVFrame frame = decoder.frame();
        AVBufferSrcParameters parameters = av_buffersrc_parameters_alloc();
        try {
            parameters.format(frame.format()).width(frame.width()).height(frame.height());
            parameters
                    .time_base(decoder.stream().time_base())
                    .frame_rate(decoder.stream().avg_frame_rate());
            parameters.sample_aspect_ratio(frame.sample_aspect_ratio());
            parameters.color_space(frame.colorspace()).color_range(frame.color_range());
            parameters.hw_frames_ctx(frame.hw_frames_ctx());
            check(av_buffersrc_parameters_set(source, parameters));
        } finally {
            av_free(parameters);
        }
        check(avfilter_init_str(source, (String) null));
        check(avfilter_init_str(sink, (String) null));
        AVFilterInOut outputs = avfilter_inout_alloc();
        AVFilterInOut inputs = avfilter_inout_alloc();
        outputs.name(av_strdup(new BytePointer("in"))).filter_ctx(source).pad_idx(0);
        inputs.name(av_strdup(new BytePointer("out"))).filter_ctx(sink).pad_idx(0);
        try {
            check(avfilter_graph_parse_ptr(graph, description, inputs, outputs, (Pointer) null));
        } finally {
            avfilter_inout_free(inputs);
            avfilter_inout_free(outputs);
        }
        check(avfilter_graph_config(graph, (Pointer) null));
    }

    private void drain() throws IOException {
        while (true) {
            int result = av_buffersink_get_frame(sink, out);
            if (result == AVERROR_EAGAIN() || result == AVERROR_EOF()) {
                return;
            }
            check(result);
            if (out.format() == AV_PIX_FMT_CUDA) {
                check(av_hwframe_transfer_data(downloaded, out, 0));
                checksums.add(PlainDecoder.checksum(downloaded));
                av_frame_unref(downloaded);
            } else {
                checksums.add(PlainDecoder.checksum(out));
            }
            av_frame_unref(out);
        }
    }

    @Override
    public void close() {
        av_frame_free(downloaded);
        av_frame_free(out);
        avfilter_graph_free(graph);
    }
}
