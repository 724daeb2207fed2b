package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_hw_config;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaEvent;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
import io.github.cuframes.memory.cuda.Nvdec;
import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecHWConfig;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVHWDeviceContext;
import org.bytedeco.javacpp.LongPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one camera uses of a GPU: a stream of its own in the process's one context, and FFmpeg's view of both. Belongs to
 * the decoding thread.
 *
 * <p>FFmpeg is told to queue its copies on the camera's stream, so that an event recorded there after a frame came out of
 * the decoder completes when that frame is whole.
 */
public final class CudaHardware implements AutoCloseable {

    /** FFmpeg's AV1 decoder that has NVDEC do the work; it has no software of its own. */
    static final String AV1_DECODER = "av1";

    private static final Logger LOG = LoggerFactory.getLogger(CudaHardware.class);

    /** How long a wait spins before it sleeps: most frames are complete within some ten microseconds. */
    private static final int SPINS = 64;

    /** Fields of FFmpeg's AVCUDADeviceContext, which are pointers: context, stream, and one of FFmpeg's own. */
    private static final int CONTEXT_FIELD = 0;

    private static final int STREAM_FIELD = 1;

    private final CudaContext context;
    private final CudaStream stream;
    private final CudaEvent written;
    private final CudaCopy copy;
    private final AVBufferRef device;
    private CallWatch watch;
    private boolean closed;

    /**
     * Makes a stream and hands it to FFmpeg.
     *
     * @param context stays the caller's and must outlive this and every frame
     * @throws CudaException if the GPU refuses
     * @throws DecodeException if FFmpeg cannot use it
     */
    public CudaHardware(CudaContext context) throws CudaException, DecodeException {
        Ffmpeg.load();
        this.context = context;
        stream = CudaStream.create(context);
        CudaEvent event = null;
        try {
            event = CudaEvent.create(context);
            copy = new CudaCopy(context);
            device = describeToFfmpeg();
        } catch (CudaException | DecodeException | RuntimeException | Error e) {
            if (event != null) {
                free(event);
            }
            free(stream);
            throw e;
        }
        written = event;
    }

    private AVBufferRef describeToFfmpeg() throws DecodeException {
        AVBufferRef made = av_hwdevice_ctx_alloc(AV_HWDEVICE_TYPE_CUDA);
        if (made == null) {
            throw new DecodeException("this FFmpeg has no CUDA; use --memory host", AVERROR_PATCHWELCOME(), null);
        }
        LongPointer fields = new LongPointer(new AVHWDeviceContext(made.data()).hwctx());
        fields.put(CONTEXT_FIELD, context.handle());
        fields.put(STREAM_FIELD, stream.handle());
        FfmpegLog.capture();
        int code = av_hwdevice_ctx_init(made);
        String log = FfmpegLog.captured();
        if (code < 0) {
            av_buffer_unref(made);
            throw new DecodeException(
                    "FFmpeg cannot use GPU " + context.device() + ": " + Ffmpeg.errorText(code)
                            + (log.isEmpty() ? "" : " (" + log + ")") + "; see that the driver is installed in full",
                    code,
                    null);
        }
        return made;
    }

    /** Whether FFmpeg knows how to have this codec decoded by NVDEC; the chip may still refuse a stream. */
    static boolean decodes(AVCodec codec) {
        AVCodecHWConfig config = avcodec_get_hw_config(codec, 0);
        for (int i = 1; config != null; i++) {
            if (config.device_type() == AV_HWDEVICE_TYPE_CUDA
                    && (config.methods() & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0) {
                return true;
            }
            config = avcodec_get_hw_config(codec, i);
        }
        return false;
    }

    /** Why NVDEC cannot decode an AV1 stream, by its headers; null if it can. */
    String refusalOfAv1(AVCodecParameters parameters) {
        var format = av_pix_fmt_desc_get(parameters.format());
        if (format == null) {
            return "this AV1 stream's headers do not tell its pixel format";
        }
        int bits = format.comp(0).depth();
        boolean subsampled = format.log2_chroma_w() == 1 && format.log2_chroma_h() == 1;
        String kind = "AV1 as " + PixelFormats.name(parameters.format()) + ", " + parameters.width() + "x"
                + parameters.height();
        if (!subsampled) {
            return "NVDEC decodes AV1 in 4:2:0 only, not " + kind;
        }
        try {
            Nvdec.Capabilities can = Nvdec.capabilities(context, Nvdec.Codec.AV1, Nvdec.Chroma.YUV420, bits);
            boolean fits = parameters.width() <= can.maxWidth() && parameters.height() <= can.maxHeight();
            return can.supported() && fits ? null : "NVDEC of GPU " + context.device() + " does not decode " + kind;
        } catch (CudaException | CudaUnavailableException e) {
            return "NVDEC cannot be asked whether it decodes " + kind + ": " + e.getMessage();
        }
    }

    /** The camera's queue of work. */
    CudaStream stream() {
        return stream;
    }

    /** FFmpeg's AVHWDeviceContext; to be referenced, not kept. */
    AVBufferRef device() {
        return device;
    }

    CudaCopy copy() {
        return copy;
    }

    /** Waits until everything that was queued on the stream so far is done; all of it is this camera's. */
    void awaitWritten() throws CudaException {
        CallWatch.enter(watch, NativeCall.GPU_WAIT);
        try {
            written.record(stream.handle());
            for (int i = 0; i < SPINS; i++) {
                if (written.isComplete()) {
                    return;
                }
                Thread.onSpinWait();
            }
            written.synchronize();
        } finally {
            CallWatch.exit(watch);
        }
    }

    void watch(CallWatch callWatch) {
        watch = callWatch;
    }

    /** Whom to tell of calls that may hang; null if nobody. */
    CallWatch watch() {
        return watch;
    }

    /** Frees everything, once no frame of FFmpeg's is left; a second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            av_buffer_unref(device);
            free(written);
            free(stream);
        }
    }

    /** A GPU that has failed cannot free anything; whoever closes has nothing to do about it. */
    private static void free(AutoCloseable closing) {
        try {
            closing.close();
        } catch (Exception e) {
            LOG.warn("not freed: {}", e.getMessage());
        }
    }
}
