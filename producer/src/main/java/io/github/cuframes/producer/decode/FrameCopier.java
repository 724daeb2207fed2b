package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.bytedeco.ffmpeg.global.swscale.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.protocol.frame.PixelFormat;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Copies frames into slots, converting those that have a format of their own. Belongs to the decoding thread. */
final class FrameCopier implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(FrameCopier.class);

    private final AVFrame target;
    private final DoublePointer noParameters = null;
    private SwsContext converter;
    private int sourceFormat = AV_PIX_FMT_NONE;
    private boolean closed;

    FrameCopier() {
        target = av_frame_alloc();
        if (target == null) {
            throw new OutOfMemoryError("av_frame_alloc");
        }
    }

    /** Copies pixels as they are. */
    void copy(AVFrame frame, SlotMemory memory) throws DecodeException {
        aim(frame, memory, frame.format());
        int code = av_frame_copy(target, frame);
        if (code < 0) {
            throw new DecodeException("a frame cannot be copied: " + Ffmpeg.errorText(code), code, null);
        }
    }

    /** Copies pixels of a format that subscribers do not know into one that they do. The range stays what it is. */
    void convert(AVFrame frame, SlotMemory memory, PixelFormat format) throws DecodeException {
        int to = PixelFormats.toAv(format);
        aim(frame, memory, to);
        int width = frame.width();
        int height = frame.height();
        SwsContext context = sws_getCachedContext(
                converter, width, height, frame.format(), width, height, to, SWS_POINT, null, null, noParameters);
        if (context == null) {
            converter = null; // freed by sws_getCachedContext
            throw new DecodeException(
                    "frames of the format " + PixelFormats.name(frame.format()) + " cannot be converted to "
                            + format.label() + "; have the camera send 8-bit 4:2:0",
                    AVERROR_PATCHWELCOME(),
                    null);
        }
        converter = context;
        if (sourceFormat != frame.format()) {
            sourceFormat = frame.format();
            LOG.info(
                    "subscribers do not know the pixel format {}: frames are converted to {}, which costs a copy each",
                    PixelFormats.name(sourceFormat),
                    format.label());
        }
        keepRange(frame);
        int rows = sws_scale(converter, frame.data(), frame.linesize(), 0, height, target.data(), target.linesize());
        if (rows < height) {
            throw new DecodeException("a frame cannot be converted: " + rows + " rows of " + height, rows, null);
        }
    }

    private void keepRange(AVFrame frame) {
        int range = isFullRange(frame) ? 1 : 0;
        IntPointer matrix = sws_getCoefficients(frame.colorspace());
        sws_setColorspaceDetails(converter, matrix, range, matrix, range, 0, 1 << 16, 1 << 16);
    }

    /** Whether a frame's luma spans 0 to 255. */
    static boolean isFullRange(AVFrame frame) {
        return frame.color_range() == AVCOL_RANGE_JPEG || PixelFormats.isFullRange(frame.format());
    }

    private void aim(AVFrame frame, SlotMemory memory, int format) {
        new PointerPointer<>(target.data()).fill(0);
        memory.describeTo(target);
        target.format(format).width(frame.width()).height(frame.height());
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            av_frame_free(target);
            if (converter != null) {
                sws_freeContext(converter);
            }
        }
    }
}
