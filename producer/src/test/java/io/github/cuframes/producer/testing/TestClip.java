package io.github.cuframes.producer.testing;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.nio.file.Path;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.Pointer;

/** Writes small clips with the encoders of the FFmpeg that is tested: a slanted pattern that moves with each frame. */
public final class TestClip {

    private final String encoder;
    private final int width;
    private final int height;
    private final int pixelFormat;
    private final Map<String, String> options;

    /** Pictures of one size, by one encoder. */
    public TestClip(String encoder, int width, int height, int pixelFormat, Map<String, String> options) {
        Ffmpeg.load();
        this.encoder = encoder;
        this.width = width;
        this.height = height;
        this.pixelFormat = pixelFormat;
        this.options = options;
    }

    /** H.264 with a key frame every ten pictures. */
    public static TestClip h264(int width, int height) {
        return new TestClip("libopenh264", width, height, AV_PIX_FMT_YUV420P, Map.of("g", "10"));
    }

    /** Whether the FFmpeg that is tested has the encoder. */
    public static boolean has(String encoder) {
        Ffmpeg.load();
        return avcodec_find_encoder_by_name(encoder) != null;
    }

    /** Writes a file, whose format is told by its name, at 25 frames a second. */
    public Path write(Path file, int frames) {
        AVFormatContext output = new AVFormatContext(null);
        check(avformat_alloc_output_context2(output, null, null, file.toString()));
        AVCodec codec = avcodec_find_encoder_by_name(encoder);
        AVCodecContext context = avcodec_alloc_context3(codec);
        context.width(width).height(height).pix_fmt(pixelFormat);
        context.time_base(new AVRational().num(1).den(25))
                .framerate(new AVRational().num(25).den(1));
        context.color_range(AVCOL_RANGE_UNSPECIFIED);
        if ((output.oformat().flags() & AVFMT_GLOBALHEADER) != 0) {
            context.flags(context.flags() | AV_CODEC_FLAG_GLOBAL_HEADER);
        }
        context.strict_std_compliance(-1);
        context.thread_count(1);
        AVDictionary dictionary = new AVDictionary(null);
        options.forEach((key, value) -> av_dict_set(dictionary, key, value, 0));
        check(avcodec_open2(context, codec, dictionary));
        av_dict_free(dictionary);

        AVStream stream = avformat_new_stream(output, null);
        check(avcodec_parameters_from_context(stream.codecpar(), context));
        stream.time_base(context.time_base());
        stream.avg_frame_rate(context.framerate());
        AVIOContext io = new AVIOContext(null);
        check(avio_open(io, file.toString(), AVIO_FLAG_WRITE));
        output.pb(io);
        check(avformat_write_header(output, (AVDictionary) null));
        AVFrame frame = av_frame_alloc();
        AVPacket packet = av_packet_alloc();
        frame.width(width).height(height).format(pixelFormat);
        check(av_frame_get_buffer(frame, 0));
        for (int number = 0; number < frames; number++) {
            check(av_frame_make_writable(frame));
            paint(frame, number);
            frame.pts(number);
            check(avcodec_send_frame(context, frame));
            mux(context, packet, output, stream);
        }
        check(avcodec_send_frame(context, null));
        mux(context, packet, output, stream);
        check(av_write_trailer(output));
        av_packet_free(packet);
        av_frame_free(frame);
        avcodec_free_context(context);
        avio_closep(io);
        avformat_free_context(output);
        return file;
    }

    private static void mux(AVCodecContext context, AVPacket packet, AVFormatContext output, AVStream stream) {
        while (avcodec_receive_packet(context, packet) >= 0) {
            av_packet_rescale_ts(packet, context.time_base(), stream.time_base());
            if (packet.duration() == 0) {
                packet.duration(av_rescale_q(1, context.time_base(), stream.time_base()));
            }
            packet.stream_index(stream.index());
            check(av_interleaved_write_frame(output, packet));
        }
    }

    private static void paint(AVFrame frame, int number) {
        for (int plane = 0; plane < 4 && !Pointer.isNull(frame.data(plane)); plane++) {
            int rows = plane == 1 || plane == 2 ? chromaRows(frame) : frame.height();
            var bytes = frame.data(plane)
                    .capacity((long) frame.linesize(plane) * rows)
                    .asByteBuffer();
            boolean wide = av_pix_fmt_desc_get(frame.format()).comp(0).depth() == 10;
            for (int y = 0; y < rows; y++) {
                for (int x = 0; x < frame.linesize(plane); x++) {
                    int value = wide && (x & 1) == 1 ? 1 : x + 3 * y + 7 * number + 31 * plane;
                    bytes.put(y * frame.linesize(plane) + x, (byte) value);
                }
            }
        }
    }

    private static int chromaRows(AVFrame frame) {
        int shift = av_pix_fmt_desc_get(frame.format()).log2_chroma_h();
        return (frame.height() + (1 << shift) - 1) >> shift;
    }

    static int check(int code) {
        if (code < 0) {
            throw new IllegalStateException("making a clip: " + Ffmpeg.errorText(code));
        }
        return code;
    }
}
