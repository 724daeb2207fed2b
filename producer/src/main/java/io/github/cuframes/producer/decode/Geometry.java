package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.avcodec_align_dimensions2;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVFrame;

/** What a decoder asks memory for, and the slot layout that suits it. Kept, so that it is worked out once a stream. */
final class Geometry {

    /** Asked for nothing yet. */
    static final Geometry NONE = new Geometry(-1, 0, 0, 0, 0, null);

    /** Bytes after a plane that a decoder may touch, as many as FFmpeg's own allocator grants. */
    private static final int TAIL = 128;

    /** Decoders look at no more than this many planes' alignments. */
    private static final int PLANES = 8;

    private final int format;
    private final int codedWidth;
    private final int codedHeight;
    private final int width;
    private final int height;
    private final FrameLayout layout;
    private boolean shifted;

    private Geometry(int format, int codedWidth, int codedHeight, int width, int height, FrameLayout layout) {
        this.format = format;
        this.codedWidth = codedWidth;
        this.codedHeight = codedHeight;
        this.width = width;
        this.height = height;
        this.layout = layout;
    }

    /**
     * What a decoder asks for; the frame has its format and its coded size.
     *
     * @param current the layout in use: taken if it is equal, so that identity tells afterwards; may be null
     */
    static Geometry of(AVCodecContext codec, AVFrame frame, FrameLayout current) {
        PixelFormat format = PixelFormats.of(frame.format());
        int width = codec.width() > 0 ? codec.width() : frame.width();
        int height = codec.height() > 0 ? codec.height() : frame.height();
        FrameLayout layout = null;
        if (format != null && width <= frame.width() && height <= frame.height()) {
            int[] alignedWidth = {frame.width()};
            int[] alignedHeight = {frame.height()};
            avcodec_align_dimensions2(codec, alignedWidth, alignedHeight, new int[PLANES]);
            int coded = alignedWidth[0];
            // some decoders take the chroma planes' pitch to be half the luma's: widen until all of them are aligned
            while (!pitchesAligned(format, coded)) {
                coded += coded & -coded;
            }
            layout = FrameLayout.padded(format, width, height, coded, alignedHeight[0], SlotMemory.ALIGNMENT, TAIL);
        }
        if (layout != null && layout.equals(current)) {
            layout = current;
        }
        return new Geometry(frame.format(), frame.width(), frame.height(), codec.width(), codec.height(), layout);
    }

    private static boolean pitchesAligned(PixelFormat format, int width) {
        for (int plane = 0; plane < format.planeCount(); plane++) {
            if (format.rowBytes(plane, width) % SlotMemory.ALIGNMENT != 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether this was worked out for what is being asked. */
    boolean isFor(AVCodecContext codec, AVFrame frame) {
        return format == frame.format()
                && codedWidth == frame.width()
                && codedHeight == frame.height()
                && width == codec.width()
                && height == codec.height();
    }

    /** Whether a finished frame has the format and the visible size of this. */
    boolean isLike(AVFrame frame) {
        return layout != null
                && format == frame.format()
                && layout.width() == frame.width()
                && layout.height() == frame.height();
    }

    /** The layout of the slots, or null for a format that is not ours. */
    FrameLayout layout() {
        return layout;
    }

    /** Whether finished frames begin elsewhere than their planes, being cropped at the left or the top. */
    boolean isShifted() {
        return shifted;
    }

    void setShifted() {
        shifted = true;
    }
}
