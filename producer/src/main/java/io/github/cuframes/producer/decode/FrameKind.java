package io.github.cuframes.producer.decode;

import org.bytedeco.ffmpeg.avutil.AVFrame;

/** All that must be the same for two frames to belong to one generation, in a form that is quick to compare. */
final class FrameKind {

    private boolean known;
    private int format;
    private int width;
    private int height;
    private int range;
    private int primaries;
    private int transfer;
    private int matrix;

    /** Is unlike everything from now on. */
    void forget() {
        known = false;
    }

    /** Is what this frame is, of which a decoder shows so much. */
    void set(AVFrame frame, int visibleWidth, int visibleHeight) {
        known = true;
        format = frame.format();
        width = visibleWidth;
        height = visibleHeight;
        range = frame.color_range();
        primaries = frame.color_primaries();
        transfer = frame.color_trc();
        matrix = frame.colorspace();
    }

    boolean is(AVFrame frame, int visibleWidth, int visibleHeight) {
        return known
                && format == frame.format()
                && width == visibleWidth
                && height == visibleHeight
                && range == frame.color_range()
                && primaries == frame.color_primaries()
                && transfer == frame.color_trc()
                && matrix == frame.colorspace();
    }
}
