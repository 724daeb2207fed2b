package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.av_free;
import static org.bytedeco.ffmpeg.global.avutil.av_mallocz;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avcodec.AVCodecParserContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The parameter sets that H.264 and HEVC cameras send before a key frame. They tell a change of size or profile in the middle
 * of a connection, which is a new segment, since a segment has one header.
 */
final class ParameterSets {

    private ParameterSets() {}

    /** Those in front of a key frame's pictures, with start codes; null if it has none, or is in another form. */
    static byte[] of(AVCodecParameters codec, AVPacket packet) {
        boolean h264 = codec.codec_id() == AV_CODEC_ID_H264;
        if (!h264 && codec.codec_id() != AV_CODEC_ID_HEVC || hasLengths(codec)) {
            return null;
        }
        ByteBuffer bytes =
                new BytePointer(packet.data()).capacity(packet.size()).asByteBuffer();
        ByteArrayOutputStream found = new ByteArrayOutputStream();
        int start = unit(bytes, 0);
        while (start < bytes.limit()) {
            int type = h264 ? bytes.get(start) & 0x1F : bytes.get(start) >> 1 & 0x3F;
            if (h264 ? type >= 1 && type <= 5 : type < 32) {
                break; // the picture
            }
            int next = unit(bytes, start);
            if (h264 ? type == 7 || type == 8 : type <= 34) {
                copy(bytes, start, next == bytes.limit() ? next : next - 3, found);
            }
            start = next;
        }
        return found.size() == 0 ? null : found.toByteArray();
    }

    /** Whether its packets are in MP4's form, with lengths; their headers are outside them then. */
    private static boolean hasLengths(AVCodecParameters codec) {
        return codec.extradata_size() > 0 && codec.extradata().get() == 1;
    }

    /** Where the next unit begins, behind its start code; the end if there is none. */
    private static int unit(ByteBuffer bytes, int from) {
        for (int i = from; i + 3 < bytes.limit(); i++) {
            if (bytes.get(i) == 0 && bytes.get(i + 1) == 0 && bytes.get(i + 2) == 1) {
                return i + 3;
            }
        }
        return bytes.limit();
    }

    private static void copy(ByteBuffer bytes, int start, int end, ByteArrayOutputStream to) {
        int last = end;
        while (last > start && bytes.get(last - 1) == 0) {
            last--; // of a longer start code
        }
        to.writeBytes(new byte[] {0, 0, 0, 1});
        for (int i = start; i < last; i++) {
            to.write(bytes.get(i));
        }
    }

    /** Makes them a codec's headers, with the size of picture that they tell. */
    static void apply(byte[] sets, AVCodecParameters codec, AVPacket packet) {
        if (codec.extradata() != null) {
            av_free(codec.extradata());
        }
        Pointer memory = Ffmpeg.require(av_mallocz(sets.length + AV_INPUT_BUFFER_PADDING_SIZE), "av_mallocz");
        BytePointer copy = new BytePointer(memory);
        copy.capacity(sets.length).put(sets);
        codec.extradata(copy).extradata_size(sets.length);
        readSize(codec, packet);
    }

    private static void readSize(AVCodecParameters codec, AVPacket packet) {
        AVCodecParserContext parser = av_parser_init(codec.codec_id());
        AVCodecContext context = Ffmpeg.require(avcodec_alloc_context3(null), "avcodec_alloc_context3");
        try (PointerPointer<BytePointer> out = new PointerPointer<>(1);
                IntPointer size = new IntPointer(1)) {
            if (parser == null || avcodec_parameters_to_context(context, codec) < 0) {
                return; // what the connection announced stays
            }
            parser.flags(parser.flags() | AVCodecParserContext.PARSER_FLAG_COMPLETE_FRAMES);
            av_parser_parse2(
                    parser, context, out, size, packet.data(), packet.size(), packet.pts(), packet.dts(), packet.pos());
            if (parser.width() > 0 && parser.height() > 0) {
                codec.width(parser.width()).height(parser.height());
            }
        } finally {
            if (parser != null) {
                av_parser_close(parser);
            }
            avcodec_free_context(context);
        }
    }
}
