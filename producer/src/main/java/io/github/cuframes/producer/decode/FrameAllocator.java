package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.avcodec_default_get_format;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;

import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;

/**
 * Where a {@link Decoder} gets memory for its pictures. Memory of the host is handed out in {@link #allocate}; an
 * allocator of GPU memory sets {@code hw_device_ctx} in {@link #prepare}, makes a {@code hw_frames_ctx} whose pool is its own in
 * {@link #chooseFormat}, and hands out no more than names for the pictures in {@link #allocate}.
 */
public interface FrameAllocator {

    /**
     * Which of FFmpeg's decoders is to be used; asked first.
     *
     * @return the usual one, unless the memory wants another; null if there is none
     */
    default AVCodec decoderFor(AVCodecParameters parameters) {
        return avcodec_find_decoder(parameters.codec_id());
    }

    /** The codec context is about to be opened; on the decoder's thread. */
    void prepare(AVCodecContext context);

    /**
     * FFmpeg's {@code get_buffer2}, for decoders with {@code AV_CODEC_CAP_DR1}.
     *
     * @param context the codec
     * @param frame format and coded size are set; to be given planes, line sizes and buffers
     * @param flags {@code AV_GET_BUFFER_FLAG_REF}: the decoder keeps it as a reference
     * @return 0, or an AVERROR
     */
    int allocate(AVCodecContext context, AVFrame frame, int flags);

    /**
     * FFmpeg's {@code get_format}, on the decoder's thread, whenever the stream's format becomes known or changes;
     * asked only if {@link #prepare} gave the context a hardware device.
     *
     * @param offered what the decoder can put out, ending with {@code AV_PIX_FMT_NONE}
     * @return one of them
     */
    default int chooseFormat(AVCodecContext context, IntPointer offered) {
        return avcodec_default_get_format(context, offered);
    }

    /** What went wrong in a callback of FFmpeg's, once; null if nothing did. */
    default Throwable takeFailure() {
        return null;
    }

    /**
     * A packet or picture could not be decoded.
     *
     * @throws IOException if that is no fault of the stream's: the memory or its GPU has failed for good
     */
    default void damaged() throws IOException {}

    /** The codec context was freed. What it was given may still be referenced, by frames that were taken out of it. */
    void finished();
}
