package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/** What FFmpeg says of a decoded frame, in our terms. */
public final class FrameFacts {

    private FrameFacts() {}

    /**
     * Adds times and flags.
     *
     * @param timeBase seconds of one tick of the frame's time stamps
     */
    public static void tell(AVFrame frame, Rational timeBase, FrameInfo info) {
        long pts = frame.best_effort_timestamp();
        if (pts != AV_NOPTS_VALUE) {
            info.pts(pts, nanos(pts, timeBase));
        }
        if (frame.duration() > 0) {
            info.durationNanos(nanos(frame.duration(), timeBase));
        }
        int flags = frame.flags();
        if ((flags & AVFrame.AV_FRAME_FLAG_KEY) != 0) {
            info.flag(FrameFlag.KEY);
        }
        if ((flags & AVFrame.AV_FRAME_FLAG_CORRUPT) != 0 || frame.decode_error_flags() != 0) {
            info.flag(FrameFlag.CORRUPT);
        }
        if ((flags & AVFrame.AV_FRAME_FLAG_INTERLACED) != 0) {
            info.flag(FrameFlag.INTERLACED);
        }
        if ((flags & AVFrame.AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0) {
            info.flag(FrameFlag.TOP_FIELD_FIRST);
        }
    }

    /** When a frame is due, in nanoseconds, or {@link FrameInfo#NO_TIME}; {@code timeBase} as for {@link #tell}. */
    public static long ptsNanos(AVFrame frame, Rational timeBase) {
        long pts = frame.best_effort_timestamp();
        return pts == AV_NOPTS_VALUE ? FrameInfo.NO_TIME : nanos(pts, timeBase);
    }

    private static long nanos(long ticks, Rational timeBase) {
        return av_rescale(ticks, 1_000_000_000L * timeBase.numerator(), timeBase.denominator());
    }
}
