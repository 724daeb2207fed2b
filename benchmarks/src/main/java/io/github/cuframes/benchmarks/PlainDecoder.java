package io.github.cuframes.benchmarks;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.IOException;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.PointerPointer;

/** Decodes a file with FFmpeg and nothing else, into FFmpeg's own buffers, over and over. One thread. */
final class PlainDecoder implements AutoCloseable {

    private final AVFormatContext input = new AVFormatContext(null);
    private final AVPacket packet;
    private final AVFrame frame;
    private final AVCodecContext context;
    private final int stream;
    private long decoded;

    PlainDecoder(Path file, int threads) throws IOException {
        Ffmpeg.load();
        check("avformat_open_input", avformat_open_input(input, file.toString(), null, (AVDictionary) null));
        check("avformat_find_stream_info", avformat_find_stream_info(input, (PointerPointer<?>) null));
        stream = check(
                "av_find_best_stream",
                av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0));
        var parameters = input.streams(stream).codecpar();
        var codec = avcodec_find_decoder(parameters.codec_id());
        context = avcodec_alloc_context3(codec);
        check("avcodec_parameters_to_context", avcodec_parameters_to_context(context, parameters));
        context.thread_count(threads);
        check("avcodec_open2", avcodec_open2(context, codec, (AVDictionary) null));
        packet = av_packet_alloc();
        frame = av_frame_alloc();
    }

    private static int check(String function, int result) throws IOException {
        if (result < 0) {
            throw new IOException(function + " failed: " + Ffmpeg.errorText(result));
        }
        return result;
    }

    /** Decodes until that moment; returns how many frames came out. */
    long decodeUntil(long nanoTime) throws IOException {
        decoded = 0;
        while (System.nanoTime() - nanoTime < 0) {
            int read = av_read_frame(input, packet);
            if (read == AVERROR_EOF) {
                startOver();
                continue;
            }
            check("av_read_frame", read);
            if (packet.stream_index() == stream) {
                check("avcodec_send_packet", avcodec_send_packet(context, packet));
                receive();
            }
            av_packet_unref(packet);
        }
        return decoded;
    }

    private void startOver() throws IOException {
        check("avcodec_send_packet", avcodec_send_packet(context, null));
        receive();
        avcodec_flush_buffers(context);
        check("av_seek_frame", av_seek_frame(input, stream, 0, AVSEEK_FLAG_BACKWARD));
    }

    private void receive() throws IOException {
        int result;
        while ((result = avcodec_receive_frame(context, frame)) >= 0) {
            decoded++;
            av_frame_unref(frame);
        }
        if (result != AVERROR_EAGAIN() && result != AVERROR_EOF) {
            check("avcodec_receive_frame", result);
        }
    }

    @Override
    public void close() {
        av_frame_free(frame);
        av_packet_free(packet);
        avcodec_free_context(context);
        avformat_close_input(input);
    }
}
