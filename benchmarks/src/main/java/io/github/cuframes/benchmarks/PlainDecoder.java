package io.github.cuframes.benchmarks;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.IOException;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Decodes a file with FFmpeg and nothing else, into FFmpeg's own buffers, over and over. One thread, but for {@link
 * #decoded()}.
 */
final class PlainDecoder implements AutoCloseable {

    /** What decodes. */
    enum Device {
        /** NVDEC, in the primary context of the first GPU, into the frame pool that FFmpeg makes there. */
        NVDEC,
        /** FFmpeg's own decoder. */
        SOFTWARE
    }

    private final AVFormatContext input = new AVFormatContext(null);
    private final AVPacket packet;
    private final AVFrame frame;
    private final AVCodecContext context;
    private final int stream;
    private final Device device;
    private final AVBufferRef hardware = new AVBufferRef(null);
    private volatile long decoded;

    PlainDecoder(Path file, Device device, int threads) throws IOException {
        this.device = device;
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
        if (device == Device.NVDEC) {
            useNvdec();
        }
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

    private void useNvdec() throws IOException {
        AVDictionary options = new AVDictionary(null);
        try {
            av_dict_set(options, "primary_ctx", "1", 0);
            check("av_hwdevice_ctx_create", av_hwdevice_ctx_create(hardware, AV_HWDEVICE_TYPE_CUDA, "0", options, 0));
        } finally {
            av_dict_free(options);
        }
        context.hw_device_ctx(av_buffer_ref(hardware));
        context.get_format(ChooseCuda.INSTANCE);
    }

    /** Frames that came out so far. Any thread. */
    long decoded() {
        return decoded;
    }

    /** Decodes until the answer is yes. */
    void decodeUntil(BooleanSupplier enough) throws IOException {
        while (!enough.getAsBoolean()) {
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
            if (device == Device.NVDEC && frame.format() != AV_PIX_FMT_CUDA) {
                throw new IOException("NVDEC does not decode this: the frame came in host memory");
            }
            decoded = decoded + 1; // one thread writes
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
        if (!hardware.isNull()) {
            av_buffer_unref(hardware);
        }
        avformat_close_input(input);
    }

    /** One for all decoders: JavaCPP has trampolines for ten. */
    private static final class ChooseCuda extends AVCodecContext.Get_format_AVCodecContext_IntPointer {
        static final ChooseCuda INSTANCE = new ChooseCuda();

        @Override
        public int call(AVCodecContext codec, IntPointer offered) {
            for (int i = 0; offered.get(i) != AV_PIX_FMT_NONE; i++) {
                if (offered.get(i) == AV_PIX_FMT_CUDA) {
                    return AV_PIX_FMT_CUDA;
                }
            }
            return AV_PIX_FMT_NONE; // FFmpeg then says that it cannot decode
        }
    }
}
