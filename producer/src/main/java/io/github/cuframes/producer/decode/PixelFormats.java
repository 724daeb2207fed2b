package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_best_pix_fmt_of_list;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.protocol.frame.PixelFormat;

/** FFmpeg's names of our formats. */
final class PixelFormats {

    /** What anything else can be converted to, and the end of the list. */
    private static final int[] TARGETS = {
        AV_PIX_FMT_YUV420P,
        AV_PIX_FMT_YUV422P,
        AV_PIX_FMT_YUV444P,
        AV_PIX_FMT_GRAY8,
        AV_PIX_FMT_YUV420P10LE,
        AV_PIX_FMT_YUV422P10LE,
        AV_PIX_FMT_YUV444P10LE,
        AV_PIX_FMT_RGB24,
        AV_PIX_FMT_RGBA,
        AV_PIX_FMT_NONE
    };

    private PixelFormats() {}

    /** Our format with the same bytes, or null. */
    static PixelFormat of(int avFormat) {
        // no switch: FFmpeg's constants are no compile-time constants in Java
        if (avFormat == AV_PIX_FMT_YUV420P || avFormat == AV_PIX_FMT_YUVJ420P) {
            return PixelFormat.YUV420P;
        } else if (avFormat == AV_PIX_FMT_YUV422P || avFormat == AV_PIX_FMT_YUVJ422P) {
            return PixelFormat.YUV422P;
        } else if (avFormat == AV_PIX_FMT_YUV444P || avFormat == AV_PIX_FMT_YUVJ444P) {
            return PixelFormat.YUV444P;
        } else if (avFormat == AV_PIX_FMT_NV12) {
            return PixelFormat.NV12;
        } else if (avFormat == AV_PIX_FMT_GRAY8) {
            return PixelFormat.GRAY8;
        } else if (avFormat == AV_PIX_FMT_P010LE) {
            return PixelFormat.P010;
        } else if (avFormat == AV_PIX_FMT_YUV420P10LE) {
            return PixelFormat.YUV420P10;
        } else if (avFormat == AV_PIX_FMT_YUV422P10LE) {
            return PixelFormat.YUV422P10;
        } else if (avFormat == AV_PIX_FMT_YUV444P10LE) {
            return PixelFormat.YUV444P10;
        } else if (avFormat == AV_PIX_FMT_RGB24) {
            return PixelFormat.RGB24;
        } else if (avFormat == AV_PIX_FMT_BGR24) {
            return PixelFormat.BGR24;
        } else if (avFormat == AV_PIX_FMT_RGBA) {
            return PixelFormat.RGBA;
        } else if (avFormat == AV_PIX_FMT_BGRA) {
            return PixelFormat.BGRA;
        }
        return null;
    }

    /** FFmpeg's number for a format. */
    static int toAv(PixelFormat format) {
        return switch (format) {
            case NV12 -> AV_PIX_FMT_NV12;
            case YUV420P -> AV_PIX_FMT_YUV420P;
            case YUV422P -> AV_PIX_FMT_YUV422P;
            case YUV444P -> AV_PIX_FMT_YUV444P;
            case GRAY8 -> AV_PIX_FMT_GRAY8;
            case P010 -> AV_PIX_FMT_P010LE;
            case YUV420P10 -> AV_PIX_FMT_YUV420P10LE;
            case YUV422P10 -> AV_PIX_FMT_YUV422P10LE;
            case YUV444P10 -> AV_PIX_FMT_YUV444P10LE;
            case RGB24 -> AV_PIX_FMT_RGB24;
            case BGR24 -> AV_PIX_FMT_BGR24;
            case RGBA -> AV_PIX_FMT_RGBA;
            case BGRA -> AV_PIX_FMT_BGRA;
            default -> throw new IllegalArgumentException("no such format in FFmpeg: " + format);
        };
    }

    /** Whether a format says by its name that its range is the full one. */
    static boolean isFullRange(int avFormat) {
        return avFormat == AV_PIX_FMT_YUVJ420P || avFormat == AV_PIX_FMT_YUVJ422P || avFormat == AV_PIX_FMT_YUVJ444P;
    }

    /** Whether a format's frames lie in the memory of some hardware. */
    static boolean isHardware(int avFormat) {
        var descriptor = av_pix_fmt_desc_get(avFormat);
        return descriptor != null && (descriptor.flags() & AV_PIX_FMT_FLAG_HWACCEL) != 0;
    }

    /** FFmpeg's name for a format. */
    static String name(int avFormat) {
        var text = av_get_pix_fmt_name(avFormat);
        return text == null ? "number " + avFormat : text.getString();
    }

    /** The format that loses least of one that we do not have, or null if it holds no pixels in host memory. */
    static PixelFormat closest(int avFormat) {
        var descriptor = av_pix_fmt_desc_get(avFormat);
        if (descriptor == null || (descriptor.flags() & AV_PIX_FMT_FLAG_HWACCEL) != 0) {
            return null;
        }
        int alpha = (descriptor.flags() & AV_PIX_FMT_FLAG_ALPHA) != 0 ? 1 : 0;
        return of(avcodec_find_best_pix_fmt_of_list(TARGETS, avFormat, alpha, null));
    }
}
