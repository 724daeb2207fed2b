package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.producer.ffmpeg.Handles;
import io.github.cuframes.protocol.frame.Rational;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.IntPointer;

/**
 * One of FFmpeg's decoders, for one stream. Belongs to one thread; frames taken out of it may outlive it.
 *
 * <p>Packets go in by {@link #send}, frames come out by {@link #receive} until it says no: one packet may make none or
 * several. What the caller knows of a packet travels with it, through all reordering, as one number: {@link #tagOf}.
 */
public final class Decoder implements AutoCloseable {

    private static final Handles<Decoder> OPEN = new Handles<>();

    private final FrameAllocator allocator;
    private final Thread thread = Thread.currentThread();
    private final Handles.Opaque tag = new Handles.Opaque(0);
    private final String name;
    private final boolean direct;
    private final boolean intraOnly;
    private AVCodecContext context;
    private long handle;
    private Throwable failure;

    /**
     * Opens a decoder.
     *
     * @param parameters codec and headers; read before this returns
     * @param timeBase of the packets' time stamps
     * @param options how to decode
     * @param allocator where pictures go; null stands for FFmpeg's own memory
     * @throws DecodeException if this FFmpeg has no such decoder or it refuses the headers
     */
    public Decoder(AVCodecParameters parameters, Rational timeBase, DecoderOptions options, FrameAllocator allocator)
            throws DecodeException {
        Ffmpeg.load();
        AVCodec codec =
                allocator == null ? avcodec_find_decoder(parameters.codec_id()) : allocator.decoderFor(parameters);
        if (codec == null) {
            String codecName = avcodec_get_name(parameters.codec_id()).getString();
            throw new DecodeException(
                    "this FFmpeg has no decoder for " + codecName + "; use H.264, H.265 or MJPEG",
                    AVERROR_DECODER_NOT_FOUND(),
                    null);
        }
        this.allocator = allocator;
        this.name = codec.name().getString();
        this.intraOnly = ReferencePictures.isIntraOnly(parameters.codec_id());
        this.direct = (codec.capabilities() & AV_CODEC_CAP_DR1) != 0;
        this.context = avcodec_alloc_context3(codec);
        if (context == null) {
            throw new OutOfMemoryError("avcodec_alloc_context3");
        }
        try {
            open(codec, parameters, timeBase, options);
        } catch (DecodeException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void open(AVCodec codec, AVCodecParameters parameters, Rational timeBase, DecoderOptions options)
            throws DecodeException {
        int code = avcodec_parameters_to_context(context, parameters);
        require(code, "read the headers of");
        context.pkt_timebase(new AVRational().num(timeBase.numerator()).den(timeBase.denominator()));
        context.thread_type(AVCodecContext.FF_THREAD_SLICE);
        context.thread_count(options.effectiveThreads());
        // crop to the pixel, also where it moves the planes to addresses that are not aligned; nobody here needs them
        // so
        context.flags(context.flags() | AV_CODEC_FLAG_UNALIGNED | AV_CODEC_FLAG_COPY_OPAQUE);
        if (allocator != null) {
            handle = OPEN.register(this);
            context.opaque(new Handles.Opaque(handle));
            if (direct) {
                context.get_buffer2(GetBuffer.INSTANCE);
            }
            allocator.prepare(context);
            if (context.hw_device_ctx() != null) {
                context.get_format(GetFormat.INSTANCE);
                context.thread_count(1); // the hardware has its own; more only multiply its surfaces
            }
        }
        FfmpegLog.capture();
        code = avcodec_open2(context, codec, (AVDictionary) null);
        String log = FfmpegLog.captured();
        checkFailure();
        if (code < 0) {
            throw new DecodeException(
                    "the decoder " + name + " does not open: " + Ffmpeg.errorText(code)
                            + (log.isEmpty() ? "" : " (" + log + ")") + "; check the camera's encoder settings",
                    code,
                    null);
        }
    }

    /**
     * Decodes a packet. Frames must have been received until there was none.
     *
     * @param packet not changed but for its opaque field; null drains the decoder, which then takes no packet before
     *     {@link #flush()}
     * @param tagValue comes out again at {@link #tagOf} of the packet's frame
     * @return false if the packet is damaged; the decoder goes on with the next
     * @throws DecodeException if the decoder cannot go on
     */
    public boolean send(AVPacket packet, long tagValue) throws DecodeException {
        if (packet != null) {
            packet.opaque(tag.set(tagValue));
        }
        int code = avcodec_send_packet(context, packet);
        checkFailure();
        if (code >= 0 || code == AVERROR_EOF()) {
            return true;
        }
        requireSurvivable(code);
        return false;
    }

    /** What {@link #receive} came back with. */
    public enum Receive {
        /** The frame is filled. */
        FRAME,
        /** Nothing without another packet. */
        NEEDS_PACKET,
        /** A picture was too damaged to come out; ask again. */
        DAMAGED,
        /** Drained. */
        END
    }

    /**
     * Takes the next frame, in the order of display.
     *
     * @param frame what it referenced is unreferenced first
     * @throws DecodeException if the decoder cannot go on
     */
    public Receive receive(AVFrame frame) throws DecodeException {
        int code = avcodec_receive_frame(context, frame);
        checkFailure();
        if (code >= 0) {
            return Receive.FRAME;
        } else if (code == AVERROR_EAGAIN()) {
            return Receive.NEEDS_PACKET;
        } else if (code == AVERROR_EOF()) {
            return Receive.END;
        }
        requireSurvivable(code);
        return Receive.DAMAGED;
    }

    /** What was sent with the packet that a frame came from. */
    public static long tagOf(AVFrame frame) {
        var opaque = frame.opaque();
        return opaque == null ? 0 : opaque.address();
    }

    /** Forgets everything it holds, so that a packet of another place in the stream can be sent. */
    public void flush() {
        avcodec_flush_buffers(context);
    }

    /** The name that FFmpeg has for the decoder. */
    public String name() {
        return name;
    }

    /** Whether the decoder can write into memory that it is given. */
    public boolean isDirect() {
        return direct;
    }

    /** Whether each packet is decoded without any other, so that packets may be left out. */
    public boolean isIntraOnly() {
        return intraOnly;
    }

    /** What the stream's headers announce, or unknown; known from the first frame on. */
    public Rational frameRate() {
        AVRational rate = context.framerate();
        return rate.num() > 0 && rate.den() > 0 ? new Rational(rate.num(), rate.den()) : Rational.UNKNOWN;
    }

    private void require(int code, String what) throws DecodeException {
        if (code < 0) {
            throw new DecodeException("cannot " + what + " this stream: " + Ffmpeg.errorText(code), code, null);
        }
    }

    private void requireSurvivable(int code) throws DecodeException {
        if (code == AVERROR_ENOMEM()) {
            throw new DecodeException("no memory to decode with; allow the process more", code, null);
        }
        if (code == AVERROR_EAGAIN()) {
            throw new IllegalStateException(
                    "the decoder " + name + " was used out of order: " + Ffmpeg.errorText(code));
        }
        if (allocator != null) {
            try {
                allocator.damaged();
            } catch (IOException e) {
                throw new DecodeException("the decoder " + name + " cannot go on: " + e.getMessage(), code, e);
            }
        }
    }

    private void checkFailure() throws DecodeException {
        Throwable thrown = failure != null || allocator == null ? failure : allocator.takeFailure();
        if (thrown != null) {
            failure = null;
            Throwable cause = thrown instanceof UncheckedIOException io ? io.getCause() : thrown;
            String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
            throw new DecodeException(message, AVERROR_EXTERNAL(), cause);
        }
    }

    /** Frees the decoder; a second call does nothing. */
    @Override
    public void close() {
        if (context == null) {
            return;
        }
        avcodec_free_context(context);
        context = null;
        if (handle != 0) {
            OPEN.remove(handle);
            allocator.finished();
        }
    }

    private int getBuffer(AVCodecContext codec, AVFrame frame, int flags) {
        // a decoder with threads of its own gets FFmpeg's memory: slots belong to the decoding thread
        if (Thread.currentThread() != thread) {
            return avcodec_default_get_buffer2(codec, frame, flags);
        }
        try {
            return allocator.allocate(codec, frame, flags);
        } catch (RuntimeException | Error e) {
            failure = e; // not through C; send or receive throws it
            return AVERROR_EXTERNAL();
        }
    }

    private int chooseFormat(AVCodecContext codec, IntPointer offered) {
        try {
            return allocator.chooseFormat(codec, offered);
        } catch (RuntimeException | Error e) {
            failure = e;
            return AV_PIX_FMT_NONE;
        }
    }

    /** One for all decoders, as below. */
    private static final class GetFormat extends AVCodecContext.Get_format_AVCodecContext_IntPointer {
        static final GetFormat INSTANCE = new GetFormat();

        @Override
        public int call(AVCodecContext codec, IntPointer offered) {
            Decoder decoder = OPEN.get(codec.opaque().address());
            return decoder == null ? AV_PIX_FMT_NONE : decoder.chooseFormat(codec, offered);
        }
    }

    /** One for all decoders: JavaCPP has trampolines for ten. */
    private static final class GetBuffer extends AVCodecContext.Get_buffer2_AVCodecContext_AVFrame_int {
        static final GetBuffer INSTANCE = new GetBuffer();

        @Override
        public int call(AVCodecContext codec, AVFrame frame, int flags) {
            Decoder decoder = OPEN.get(codec.opaque().address());
            return decoder == null ? AVERROR_EXTERNAL() : decoder.getBuffer(codec, frame, flags);
        }
    }
}
