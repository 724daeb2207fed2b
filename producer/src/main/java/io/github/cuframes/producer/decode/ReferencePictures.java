package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;

import org.bytedeco.ffmpeg.avcodec.AVCodecContext;

/**
 * How many pictures a decoder holds at a time: references, pictures waiting for their turn to be shown, the one being
 * decoded and the one just handed out. An estimate that is too low costs copies, one that is too high costs memory.
 */
final class ReferencePictures {

    /** The picture being decoded, and the one that was handed out and is not yet unreferenced. */
    private static final int IN_HAND = 2;

    /** H.264 and HEVC allow no more. */
    private static final int MOST = 16;

    /** HEVC's context tells only what the level allows, which for small pictures is far more than encoders use. */
    private static final int LIKELY = 8;

    /** Largest luma pictures of HEVC's levels (table A.8): general_level_idc, samples. */
    private static final int[][] HEVC_LEVELS = {
        {30, 36_864},
        {60, 122_880},
        {63, 245_760},
        {90, 552_960},
        {93, 983_040},
        {123, 2_228_224},
        {156, 8_912_896},
        {186, 35_651_584}
    };

    private ReferencePictures() {}

    /** Pictures held by a decoder whose headers have been read, as they are when it asks for its first buffer. */
    static int heldBy(AVCodecContext context) {
        int codec = context.codec_id();
        if (codec == AV_CODEC_ID_H264) {
            // references and delayed pictures may be different ones; one more is kept to conceal errors with
            return Math.min(Math.max(context.refs(), 1), MOST) + reordered(context) + 1 + IN_HAND;
        } else if (codec == AV_CODEC_ID_HEVC) {
            // the size of the DPB includes pictures that wait; those being output are counted beside it
            long samples = (long) context.coded_width() * context.coded_height();
            return Math.min(hevcDpb(context.level(), samples), LIKELY) + reordered(context) + IN_HAND;
        } else if (codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_AV1) {
            // 8 references, and what motion vectors and segmentation maps are predicted from
            return 8 + 2 + IN_HAND;
        } else if (codec == AV_CODEC_ID_VP8) {
            return 3 + 1 + IN_HAND;
        } else if (isIntraOnly(codec)) {
            return IN_HAND;
        } else if (codec == AV_CODEC_ID_MPEG4 || codec == AV_CODEC_ID_MPEG2VIDEO || codec == AV_CODEC_ID_MPEG1VIDEO) {
            return 2 + IN_HAND;
        }
        return 4 + IN_HAND;
    }

    private static int reordered(AVCodecContext context) {
        return Math.min(Math.max(context.has_b_frames(), 0), MOST);
    }

    /** Whether every packet of a codec makes a picture without any other. */
    static boolean isIntraOnly(int codec) {
        var descriptor = avcodec_descriptor_get(codec);
        return descriptor != null && (descriptor.props() & AV_CODEC_PROP_INTRA_ONLY) != 0;
    }

    /** MaxDpbSize of ITU-T H.265, A.4.2. */
    static int hevcDpb(int level, long samples) {
        for (int[] entry : HEVC_LEVELS) {
            if (level > 0 && level <= entry[0]) {
                long largest = entry[1];
                if (samples <= largest >> 2) {
                    return MOST;
                } else if (samples <= largest >> 1) {
                    return 12;
                } else if (samples <= 3 * largest >> 2) {
                    return 8;
                }
                return 6;
            }
        }
        return MOST;
    }
}
