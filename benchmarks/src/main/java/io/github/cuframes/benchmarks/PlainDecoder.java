package io.github.cuframes.benchmarks;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
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

    /** Behind this the pace is set anew, as {@code Producer} does, instead of being caught up with. */
    private static final long LATEST_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final AVFormatContext input = new AVFormatContext(null);
    private final AVPacket packet;
    private final AVFrame frame;
    private final AVCodecContext context;
    private final int stream;
    private final Device device;
    private final AVBufferRef hardware = new AVBufferRef(null);
    private volatile long decoded;

    /** What each frame is scaled by before it is dropped; null if it is not. */
    private PlainScaler scaler;

    /** From packet to packet; 0 if they do not wait. */
    private long periodNanos;

    private long due;

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

    /** Frames a second, as the file says. */
    Rational rate() {
        AVRational rate = input.streams(stream).avg_frame_rate();
        return rate.num() > 0 && rate.den() > 0 ? new Rational(rate.num(), rate.den()) : Rational.UNKNOWN;
    }

    Size size() {
        return new Size(context.width(), context.height());
    }

    /** From now on at the file's own rate, as a camera that is read as it sends. */
    void atItsPace() throws IOException {
        if (!rate().isKnown()) {
            throw new IOException("the file does not say its frames a second; name a clip of one rate");
        }
        periodNanos = (long) (TimeUnit.SECONDS.toNanos(1) / rate().toDouble());
        due = System.nanoTime();
    }

    /**
     * Has frames scaled from now on, where they were decoded.
     *
     * @param size null to leave them as large as they are
     * @param fps at most so many a second; the others are left out after decoding
     */
    PlainScaler scaleTo(Size size, int fps) throws IOException {
        AVRational base = input.streams(stream).time_base();
        scaler = new PlainScaler(
                size, device == Device.NVDEC ? hardware : null, new Rational(base.num(), base.den()), rate(), fps);
        return scaler;
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
                pace();
                check("avcodec_send_packet", avcodec_send_packet(context, packet));
                receive();
            }
            av_packet_unref(packet);
        }
    }

    private void pace() {
        if (periodNanos > 0) {
            due = Math.max(due + periodNanos, System.nanoTime() - LATEST_NANOS);
            Machine.awaitTime(due);
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
            if (scaler != null) {
                scaler.take(frame);
            }
            av_frame_unref(frame);
        }
        if (result != AVERROR_EAGAIN() && result != AVERROR_EOF) {
            check("avcodec_receive_frame", result);
        }
    }

    @Override
    public void close() {
        if (scaler != null) {
            scaler.close();
        }
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
