package io.github.cuframes.tests;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avcodec.AVProducerReferenceTime;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Decodes a file or stream with plain FFmpeg and reads the frame code of each picture: a second opinion beside the
 * producer's own ingest. Owns what it opens; for one thread.
 */
final class CodeReader implements AutoCloseable {

    private final AVFormatContext input = new AVFormatContext(null);
    private final AVPacket packet = av_packet_alloc();
    private final AVFrame frame = av_frame_alloc();
    private AVCodecContext codec;
    private AVStream stream;
    private boolean draining;
    private long wallClockMicros = Long.MIN_VALUE;

    /**
     * Opens an input and its first video stream.
     *
     * @param options for the demuxer
     * @throws IOException with FFmpeg's sentence
     */
    CodeReader(String url, Map<String, String> options) throws IOException {
        AVDictionary dictionary = new AVDictionary(null);
        options.forEach((key, value) -> av_dict_set(dictionary, key, value, 0));
        try {
            check(avformat_open_input(input, url, null, dictionary));
            check(avformat_find_stream_info(input, (AVDictionary) null));
            int index = check(av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (AVCodec) null, 0));
            stream = input.streams(index);
            AVCodec decoder = avcodec_find_decoder(stream.codecpar().codec_id());
            codec = avcodec_alloc_context3(decoder);
            check(avcodec_parameters_to_context(codec, stream.codecpar()));
            codec.thread_count(1);
            check(avcodec_open2(codec, decoder, (AVDictionary) null));
        } catch (IOException e) {
            close();
            throw e;
        } finally {
            av_dict_free(dictionary);
        }
    }

    private static int check(int result) throws IOException {
        if (result < 0) {
            byte[] text = new byte[AV_ERROR_MAX_STRING_SIZE];
            av_strerror(result, text, text.length);
            int length = 0;
            while (text[length] != 0) {
                length++;
            }
            throw new IOException(new String(text, 0, length, StandardCharsets.UTF_8));
        }
        return result;
    }

    /**
     * Decodes the next picture.
     *
     * @return false at the end
     */
    boolean next() throws IOException {
        while (true) {
            int received = avcodec_receive_frame(codec, frame);
            if (received == AVERROR_EOF()) {
                return false;
            }
            if (received != AVERROR_EAGAIN()) {
                check(received);
                return true;
            }
            send();
        }
    }

    private void send() throws IOException {
        int read = av_read_frame(input, packet);
        if (read == AVERROR_EOF() && !draining) {
            draining = true;
            check(avcodec_send_packet(codec, null));
            return;
        }
        check(read);
        try {
            if (packet.stream_index() == stream.index()) {
                BytePointer reference = av_packet_get_side_data(packet, AV_PKT_DATA_PRFT, (SizeTPointer) null);
                if (reference != null) {
                    wallClockMicros = new AVProducerReferenceTime(reference).wallclock();
                }
                check(avcodec_send_packet(codec, packet));
            }
        } finally {
            av_packet_unref(packet);
        }
    }

    /** What {@link FrameCode#read} says of the picture. */
    long code() {
        int pitch = frame.linesize(0);
        BytePointer luma = new BytePointer(frame.data(0)).capacity((long) pitch * (frame.height() - 1) + frame.width());
        return FrameCode.read(luma.asByteBuffer(), 0, pitch, frame.width(), frame.height());
    }

    /** The picture's presentation time in milliseconds, or {@link Long#MIN_VALUE}. */
    long ptsMillis() {
        long pts = frame.best_effort_timestamp();
        return pts == AV_NOPTS_VALUE
                ? Long.MIN_VALUE
                : av_rescale_q(pts, stream.time_base(), new AVRational().num(1).den(1000));
    }

    /** Columns and rows, written {@code WxH}. */
    String size() {
        return frame.width() + "x" + frame.height();
    }

    /**
     * The wall clock of the last packet that had one, which takes a sender report, in microseconds since 1970-01-01
     * UTC; otherwise {@link Long#MIN_VALUE}.
     */
    long wallClockMicros() {
        return wallClockMicros;
    }

    @Override
    public void close() {
        av_frame_free(frame);
        av_packet_free(packet);
        if (codec != null) {
            avcodec_free_context(codec);
        }
        avformat_close_input(input);
    }
}
