package io.github.cuframes.producer.testing;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** Decodes a file the plain way, without any of the code that is tested, as the truth to compare with. */
public final class PlainDecode {

    private PlainDecode() {}

    /** The checksums of a file's frames: of their visible pixels, plane by plane, as {@link TestSlots#checksum}. */
    public static List<Long> checksums(Path file) {
        Ffmpeg.load();
        AVFormatContext input = new AVFormatContext(null);
        TestClip.check(avformat_open_input(input, file.toString(), null, (AVDictionary) null));
        TestClip.check(avformat_find_stream_info(input, (PointerPointer<?>) null));
        int index = av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0);
        var codec = avcodec_find_decoder(input.streams(index).codecpar().codec_id());
        AVCodecContext context = avcodec_alloc_context3(codec);
        TestClip.check(
                avcodec_parameters_to_context(context, input.streams(index).codecpar()));
        context.thread_count(1).flags(AV_CODEC_FLAG_UNALIGNED);
        TestClip.check(avcodec_open2(context, codec, (AVDictionary) null));
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        List<Long> sums = new ArrayList<>();
        while (av_read_frame(input, packet) >= 0) {
            if (packet.stream_index() == index) {
                avcodec_send_packet(context, packet);
                receive(context, frame, sums);
            }
            av_packet_unref(packet);
        }
        avcodec_send_packet(context, null);
        receive(context, frame, sums);
        av_frame_free(frame);
        av_packet_free(packet);
        avcodec_free_context(context);
        avformat_close_input(input);
        return sums;
    }

    private static void receive(AVCodecContext context, AVFrame frame, List<Long> sums) {
        while (avcodec_receive_frame(context, frame) >= 0) {
            int size = TestClip.check(av_image_get_buffer_size(frame.format(), frame.width(), frame.height(), 1));
            BytePointer packed = new BytePointer(size);
            av_image_copy_to_buffer(
                    packed, size, frame.data(), frame.linesize(), frame.format(), frame.width(), frame.height(), 1);
            CRC32 crc = new CRC32();
            ByteBuffer bytes = packed.asByteBuffer();
            crc.update(bytes);
            sums.add(crc.getValue());
            packed.close();
        }
    }
}
