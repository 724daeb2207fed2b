package io.github.cuframes.standin;

import static org.bytedeco.ffmpeg.global.avfilter.*;
import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** FFmpeg finds the stand-in under the driver's name and keeps frames in its memory. */
class FfmpegTest extends StandInTest {

    private static final int WIDTH = 322;
    private static final int HEIGHT = 182;

    private static int check(int result) {
        assertTrue(result >= 0, () -> "FFmpeg says " + result);
        return result;
    }

    private static AVBufferRef device() {
        AVBufferRef device = new AVBufferRef((Pointer) null);
        AVDictionary options = new AVDictionary((Pointer) null);
        check(av_dict_set(options, "primary_ctx", "1", 0));
        check(av_hwdevice_ctx_create(device, AV_HWDEVICE_TYPE_CUDA, "0", options, 0));
        av_dict_free(options);
        return device;
    }

    private static AVFrame nv12(boolean painted) {
        AVFrame frame = av_frame_alloc();
        frame.format(AV_PIX_FMT_NV12).width(WIDTH).height(HEIGHT);
        check(av_frame_get_buffer(frame, 0));
        for (int plane = 0; plane < 2; plane++)
            for (int y = 0; y < HEIGHT >> plane; y++)
                for (int x = 0; x < WIDTH; x++)
                    frame.data(plane).put(at(frame, plane, x, y), colour(painted, plane, x, y));
        return frame;
    }

    private static byte colour(boolean painted, int plane, int x, int y) {
        return painted ? (byte) (x * 3 + y * 7 + plane * 11) : 0;
    }

    private static long at(AVFrame frame, int plane, int x, int y) {
        return (long) y * frame.linesize(plane) + x;
    }

    private static void assertPainted(AVFrame frame) {
        assertEquals(AV_PIX_FMT_NV12, frame.format());
        for (int plane = 0; plane < 2; plane++)
            for (int y = 0; y < HEIGHT >> plane; y++)
                for (int x = 0; x < WIDTH; x++)
                    assertEquals(colour(true, plane, x, y), frame.data(plane).get(at(frame, plane, x, y)));
    }

    @Test
    void aFrameGoesUpAndComesDownUnchanged() {
        AVBufferRef device = device();
        AVBufferRef frames = av_hwframe_ctx_alloc(device);
        new AVHWFramesContext(frames.data())
                .format(AV_PIX_FMT_CUDA)
                .sw_format(AV_PIX_FMT_NV12)
                .width(WIDTH)
                .height(HEIGHT);
        check(av_hwframe_ctx_init(frames));
        AVFrame source = nv12(true);
        AVFrame gpu = av_frame_alloc();
        check(av_hwframe_get_buffer(frames, gpu, 0));
        check(av_hwframe_transfer_data(gpu, source, 0));
        assertEquals(AV_PIX_FMT_CUDA, gpu.format());
        AVFrame back = nv12(false);
        check(av_hwframe_transfer_data(back, gpu, 0));
        assertPainted(back);
        assertEquals(colour(true, 1, 5, 3), control.peek(gpu.data(1).address() + at(gpu, 1, 5, 3), 1)[0]);
        assertTrue(control.allocated(0) >= (long) WIDTH * HEIGHT * 3 / 2);
        av_frame_free(back);
        av_frame_free(gpu);
        av_frame_free(source);
        av_buffer_unref(frames);
        av_buffer_unref(device);
    }

    @Test
    void aFilterGraphUploadsAndDownloads() {
        AVBufferRef device = device();
        AVFilterGraph graph = avfilter_graph_alloc();
        AVFilterContext in = new AVFilterContext((Pointer) null);
        AVFilterContext out = new AVFilterContext((Pointer) null);
        String input = "video_size=" + WIDTH + "x" + HEIGHT + ":pix_fmt=nv12:time_base=1/25";
        check(avfilter_graph_create_filter(in, avfilter_get_by_name("buffer"), "in", input, null, graph));
        check(avfilter_graph_create_filter(out, avfilter_get_by_name("buffersink"), "out", null, null, graph));
        AVFilterInOut outputs = end("in", in);
        AVFilterInOut inputs = end("out", out);
        check(avfilter_graph_parse_ptr(graph, "hwupload_cuda,hwdownload,format=nv12", inputs, outputs, (Pointer) null));
        check(avfilter_graph_config(graph, null));
        AVFrame frame = nv12(true);
        check(av_buffersrc_add_frame(in, frame));
        AVFrame back = av_frame_alloc();
        check(av_buffersink_get_frame(out, back));
        assertPainted(back);
        assertTrue(control.calls("cuMemcpy2DAsync") >= 4, "two planes up, two down");
        av_frame_free(back);
        av_frame_free(frame);
        avfilter_inout_free(inputs);
        avfilter_inout_free(outputs);
        avfilter_graph_free(graph);
        av_buffer_unref(device);
    }

    private static AVFilterInOut end(String name, AVFilterContext filter) {
        return avfilter_inout_alloc()
                .name(av_strdup(new BytePointer(name)))
                .filter_ctx(filter)
                .pad_idx(0)
                .next(null);
    }

    @Test
    void whatTheDriverRefusesFfmpegReports() {
        control.fail("cuDevicePrimaryCtxRetain", 1, Cuda.OUT_OF_MEMORY);
        AVBufferRef device = new AVBufferRef((Pointer) null);
        AVDictionary options = new AVDictionary((Pointer) null);
        check(av_dict_set(options, "primary_ctx", "1", 0));
        assertTrue(av_hwdevice_ctx_create(device, AV_HWDEVICE_TYPE_CUDA, "0", options, 0) < 0);
        assertEquals(0, control.failuresLeft());
        av_dict_free(options);
    }
}
