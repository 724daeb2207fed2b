package io.github.cuframes.tests.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.protocol.pattern.FrameCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** A recorded file, and the numbers of the frames that it plays. */
final class Segment {

    private Segment() {}

    /** The files of a camera, in the order of their names. */
    static List<Path> in(Path directory) {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(directory)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Decodes a segment; fails if any picture in it is damaged or carries no number. */
    static List<Long> numbers(Path file) {
        Ffmpeg.load();
        AVFormatContext input = new AVFormatContext(null);
        check(avformat_open_input(input, file.toString(), null, (AVDictionary) null), file);
        check(avformat_find_stream_info(input, (PointerPointer<?>) null), file);
        int video = check(av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0), file);
        AVCodecContext decoder = avcodec_alloc_context3(null);
        check(avcodec_parameters_to_context(decoder, input.streams(video).codecpar()), file);
        decoder.thread_count(1);
        check(avcodec_open2(decoder, avcodec_find_decoder(decoder.codec_id()), (AVDictionary) null), file);
        AVPacket packet = av_packet_alloc();
        AVFrame frame = av_frame_alloc();
        List<Long> numbers = new ArrayList<>();
        try {
            while (av_read_frame(input, packet) >= 0) {
                if (packet.stream_index() == video) {
                    check(avcodec_send_packet(decoder, packet), file);
                    drain(decoder, frame, numbers, file);
                }
                av_packet_unref(packet);
            }
            check(avcodec_send_packet(decoder, null), file);
            drain(decoder, frame, numbers, file);
        } finally {
            av_packet_free(packet);
            av_frame_free(frame);
            avcodec_free_context(decoder);
            avformat_close_input(input);
        }
        return numbers;
    }

    private static void drain(AVCodecContext decoder, AVFrame frame, List<Long> numbers, Path file) {
        while (avcodec_receive_frame(decoder, frame) >= 0) {
            ByteBuffer luma = new BytePointer(frame.data(0))
                    .capacity((long) frame.linesize(0) * frame.height())
                    .asByteBuffer();
            long code = FrameCode.read(luma, 0, frame.linesize(0), frame.width(), frame.height());
            if (code < 0) {
                throw new AssertionError(file + ", frame " + numbers.size() + ": " + FrameCode.describe(code));
            }
            numbers.add(FrameCode.number(code));
            av_frame_unref(frame);
        }
    }

    private static int check(int code, Path file) {
        if (code < 0) {
            throw new AssertionError(file + " does not play: " + Ffmpeg.errorText(code));
        }
        return code;
    }
}
