package io.github.cuframes.producer.testing;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.javacpp.PointerPointer;

/**
 * A packet as a file has it.
 *
 * @param video whether it is a picture, and not sound
 * @param seconds its time stamp
 * @param bytes in hexadecimal
 */
public record Sample(boolean video, double seconds, String bytes) {

    /** All packets of a file, in its order. */
    public static List<Sample> of(Path file) {
        AVFormatContext input = new AVFormatContext(null);
        check(avformat_open_input(input, file.toString(), null, (AVDictionary) null));
        check(avformat_find_stream_info(input, (PointerPointer<?>) null));
        AVPacket packet = av_packet_alloc();
        List<Sample> samples = new ArrayList<>();
        while (av_read_frame(input, packet) >= 0) {
            AVStream stream = input.streams(packet.stream_index());
            byte[] bytes = new byte[packet.size()];
            packet.data().get(bytes);
            samples.add(new Sample(
                    stream.codecpar().codec_type() == AVMEDIA_TYPE_VIDEO,
                    packet.pts() * av_q2d(stream.time_base()),
                    HexFormat.of().formatHex(bytes)));
            av_packet_unref(packet);
        }
        av_packet_free(packet);
        avformat_close_input(input);
        return samples;
    }

    /** Of the pictures, or of the sound. */
    public static List<String> bytes(List<Sample> samples, boolean video) {
        return samples.stream()
                .filter(sample -> sample.video() == video)
                .map(Sample::bytes)
                .toList();
    }

    private static void check(int code) {
        if (code < 0) {
            throw new AssertionError(Ffmpeg.errorText(code));
        }
    }
}
