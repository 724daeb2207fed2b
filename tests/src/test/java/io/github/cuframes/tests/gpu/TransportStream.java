package io.github.cuframes.tests.gpu;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVInputFormat;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVRational;

/**
 * A clip as an MPEG transport stream, which can be read from its beginning without going back, as a camera's.
 *
 * @param file where it is
 * @param ends where the bytes of each picture end in it
 * @param frameNanos from one picture to the next
 */
record TransportStream(Path file, List<Long> ends, long frameNanos) {

    /**
     * Writes one, without coding anything anew.
     *
     * @param frames pictures; the clip is gone through as often as that takes, its times going on
     */
    static TransportStream write(Path clip, int frames, Path file) throws IOException {
        Ffmpeg.load();
        AVFormatContext input = new AVFormatContext(null);
        AVFormatContext output = new AVFormatContext(null);
        AVPacket packet = av_packet_alloc();
        try {
            check(avformat_open_input(input, clip.toString(), (AVInputFormat) null, (AVDictionary) null));
            check(avformat_find_stream_info(input, (AVDictionary) null));
            int index = check(av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (AVCodec) null, 0));
            AVStream from = input.streams(index);
            check(avformat_alloc_output_context2(output, null, "mpegts", file.toString()));
            AVStream to = avformat_new_stream(output, null);
            check(avcodec_parameters_copy(to.codecpar(), from.codecpar()));
            to.codecpar().codec_tag(0);
            AVIOContext sink = new AVIOContext(null);
            check(avio_open(sink, file.toString(), AVIO_FLAG_WRITE));
            output.pb(sink);
            check(avformat_write_header(output, (AVDictionary) null));
            AVRational rate = from.avg_frame_rate();
            long ticks = av_rescale_q(1, av_inv_q(rate), from.time_base());
            List<Long> ends = new ArrayList<>();
            long shift = 0;
            int inPass = 0;
            while (ends.size() < frames) {
                int read = av_read_frame(input, packet);
                if (read == AVERROR_EOF()) {
                    shift += inPass * ticks;
                    inPass = 0;
                    check(av_seek_frame(input, index, 0, AVSEEK_FLAG_BACKWARD));
                    continue;
                }
                check(read);
                if (packet.stream_index() == index) {
                    inPass++;
                    packet.pts(packet.pts() + shift).dts(packet.dts() + shift);
                    av_packet_rescale_ts(packet, from.time_base(), to.time_base());
                    packet.stream_index(0);
                    check(av_write_frame(output, packet));
                    check(av_write_frame(output, null)); // nothing is kept back
                    avio_flush(output.pb());
                    ends.add(avio_tell(output.pb()));
                }
                av_packet_unref(packet);
            }
            check(av_write_trailer(output));
            return new TransportStream(file, List.copyOf(ends), 1_000_000_000L * rate.den() / rate.num());
        } finally {
            av_packet_free(packet);
            if (!output.isNull()) {
                if (output.pb() != null) {
                    avio_closep(output.pb());
                }
                avformat_free_context(output);
            }
            avformat_close_input(input);
        }
    }

    private static int check(int result) throws IOException {
        if (result < 0) {
            throw new IOException("cannot write a transport stream: " + Ffmpeg.errorText(result));
        }
        return result;
    }
}
