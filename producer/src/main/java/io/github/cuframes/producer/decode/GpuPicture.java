package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.protocol.frame.PixelFormat;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;

/** What FFmpeg says of a picture in GPU memory. */
final class GpuPicture {

    private GpuPicture() {}

    /** The format of its pixels, which FFmpeg calls that of its software. */
    static PixelFormat formatOf(AVFrame frame) throws DecodeException {
        int inMemory = new AVHWFramesContext(frame.hw_frames_ctx().data()).sw_format();
        PixelFormat format = PixelFormats.of(inMemory);
        if (format == null) {
            throw new DecodeException(
                    "subscribers do not know the filter's pixel format " + PixelFormats.name(inMemory)
                            + "; add format=nv12 or format=yuv420p to scale_cuda",
                    AVERROR_PATCHWELCOME(),
                    null);
        }
        return format;
    }

    /** Whether its first pixel is not where its memory begins, which is where readers of a slot look for it. */
    static boolean isShifted(AVFrame frame) {
        return frame.crop_left() != 0 || frame.crop_top() != 0;
    }

    /** FFmpeg crops frames in host memory, and those on a GPU only at the right and the bottom. */
    static int visibleWidth(AVFrame frame) {
        return frame.width() - (int) frame.crop_left();
    }

    static int visibleHeight(AVFrame frame) {
        return frame.height() - (int) frame.crop_top();
    }

    /** What a decoder's frames will be like, as far as its headers tell. */
    static void describeExpected(AVCodecContext codec, AVFrame frame) {
        frame.format(AV_PIX_FMT_CUDA)
                .color_range(codec.color_range())
                .color_primaries(codec.color_primaries())
                .color_trc(codec.color_trc())
                .colorspace(codec.colorspace());
    }

    /** Lets FFmpeg count the planes of a picture that has no memory yet. */
    static void tellPlanes(AVFrame frame) {
        AVHWFramesContext frames = new AVHWFramesContext(frame.hw_frames_ctx().data());
        int planes = PixelFormats.of(frames.sw_format()).planeCount();
        for (int i = 0; i < planes; i++) {
            frame.linesize(i, frames.width());
        }
    }
}
