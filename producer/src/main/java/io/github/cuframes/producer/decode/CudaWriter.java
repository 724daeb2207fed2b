package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avutil.AVBufferPool;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;
import org.bytedeco.ffmpeg.avutil.Alloc_long;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes into slots in GPU memory.
 *
 * <p>NVDEC decodes into surfaces of its own; FFmpeg moves each picture that is due into a buffer of its frame pool, and
 * those buffers are slots: what comes out of the decoder is published where it is. A picture gets its slot when it is due
 * and not before, since until then FFmpeg only needs something to name it by. What comes from a filter lies in the filter's own memory
 * and is copied once, on the GPU. What NVDEC cannot decode is decoded in software and uploaded.
 *
 * <p>A frame is published when an event that was recorded behind it has completed.
 */
public final class CudaWriter implements FrameWriter {

    private static final Logger LOG = LoggerFactory.getLogger(CudaWriter.class);

    /** One that is being filled, one that nobody reads any more and FFmpeg does not have back yet, one for a copy. */
    private static final int WRITER_SLOTS = 3;

    private final SlotSource slots;
    private final FrameMemoryAllocator beside;
    private final CudaHardware hardware;
    /** Whether {@link #hardware} is to be closed here; else it is another writer's. */
    private final boolean owning;

    private final boolean direct;
    private final Slots supplier = new Slots();
    private final int alignment;
    private final Uploader uploader;
    private final AVBufferPool names;

    private Rational timeBase = Rational.UNKNOWN;
    private Rational frameRate = Rational.UNKNOWN;
    private AVCodecContext codec;
    private CudaFramePool pool;
    private Throwable failure;
    /** Why frames are decoded in software, as the log was told last; null if it was not. */
    private String toldSoftware;
    /** Why the decoder that was chosen is not NVDEC, where that is known before it is asked; null if not. */
    private String notHardware;
    /** Whether the decoder can only be NVDEC. */
    private boolean onlyHardware;
    /** Whether FFmpeg's errors are collected to tell why the chip refuses a stream. */
    private boolean listening;

    private final FrameKind kind = new FrameKind();
    private StreamConfig config;
    /** The pool whose buffers are slots of the present generation; null if none is. */
    private CudaFramePool current;

    private int reserved;
    private boolean closed;

    /**
     * A writer of these slots, which it configures as it learns what comes.
     *
     * @param beside where memory comes from when every slot is in use
     * @param context of the GPU on which the slots are; stays the caller's and must outlive this and every frame
     * @param direct whether frames are published as they come out of the decoder; false if a filter changes them
     * @throws CudaException if the GPU refuses
     * @throws DecodeException if FFmpeg cannot use it
     */
    public CudaWriter(SlotSource slots, FrameMemoryAllocator beside, CudaContext context, boolean direct)
            throws CudaException, DecodeException {
        this(
                slots,
                beside,
                context.device().attribute(CudaDevice.Attribute.TEXTURE_ALIGNMENT),
                new CudaHardware(context),
                true,
                direct);
    }

    private CudaWriter(
            SlotSource slots,
            FrameMemoryAllocator beside,
            int alignment,
            CudaHardware hardware,
            boolean owning,
            boolean direct) {
        this.slots = slots;
        this.beside = beside;
        this.direct = direct;
        this.alignment = alignment;
        this.hardware = hardware;
        this.owning = owning;
        this.uploader = new Uploader(hardware);
        this.names = av_buffer_pool_init(1, (Alloc_long) null);
        if (names == null) {
            close();
            throw new OutOfMemoryError("av_buffer_pool_init");
        }
    }

    @Override
    public void begin(Rational base, Rational rate) {
        if (!base.equals(timeBase) || !rate.equals(frameRate)) {
            kind.forget();
            current = null;
        }
        timeBase = base;
        frameRate = rate;
    }

    /**
     * FFmpeg decodes AV1 in software with other decoders than the one that uses NVDEC, which cannot go on where NVDEC refuses: it is
     * taken only if the GPU says that it can do this stream.
     */
    @Override
    public AVCodec decoderFor(AVCodecParameters parameters) {
        notHardware = null;
        onlyHardware = false;
        if (parameters.codec_id() == AV_CODEC_ID_AV1) {
            notHardware = hardware.refusalOfAv1(parameters);
            AVCodec decoder = notHardware == null ? avcodec_find_decoder_by_name(CudaHardware.AV1_DECODER) : null;
            if (decoder != null) {
                onlyHardware = true;
                return decoder;
            }
        }
        return FrameWriter.super.decoderFor(parameters);
    }

    @Override
    public void prepare(AVCodecContext codec) {
        this.codec = codec;
        if (CudaHardware.decodes(codec.codec())) {
            codec.hw_device_ctx(require(av_buffer_ref(hardware.device())));
        } else {
            String name = codec.codec().name().getString();
            tellSoftware(notHardware != null ? notHardware : "NVDEC has no decoder for " + name);
        }
    }

    private static AVBufferRef require(AVBufferRef reference) {
        if (reference == null) {
            throw new OutOfMemoryError("av_buffer_ref");
        }
        return reference;
    }

    /** Once for each reason: a camera that is lost every minute does not fill the log. */
    private void tellSoftware(String reason) {
        if (!reason.equals(toldSoftware)) {
            toldSoftware = reason;
            LOG.warn("{}: frames are decoded in software and uploaded, which costs CPU and a copy each", reason);
        }
    }

    @Override
    public int chooseFormat(AVCodecContext codec, IntPointer offered) {
        int software = AV_PIX_FMT_NONE;
        boolean hasCuda = false;
        for (int i = 0; offered.get(i) != AV_PIX_FMT_NONE; i++) {
            int format = offered.get(i);
            hasCuda |= format == AV_PIX_FMT_CUDA;
            if (software == AV_PIX_FMT_NONE && !PixelFormats.isHardware(format)) {
                software = format;
            }
        }
        String log = listening ? FfmpegLog.captured() : "";
        String refusal = hasCuda ? giveFrames(codec) : "NVDEC cannot decode this stream";
        listening = refusal == null;
        if (refusal == null) {
            // FFmpeg asks again, without CUDA, if the chip refuses after all; why is only in its log
            FfmpegLog.capture();
            return AV_PIX_FMT_CUDA;
        }
        String reason = refusal + " (" + PixelFormats.name(software) + " " + codec.coded_width() + "x"
                + codec.coded_height() + (log.isEmpty() ? "" : ": " + log) + ")";
        if (onlyHardware) {
            failure = new DecodeException(reason + "; use --memory host", AVERROR_PATCHWELCOME(), null);
            return AV_PIX_FMT_NONE;
        }
        // the same decoder goes on in software, with its one thread: the pictures it holds are not lost
        tellSoftware(reason);
        return software;
    }

    private void stopListening() {
        if (listening) {
            listening = false;
            FfmpegLog.captured();
        }
    }

    /** Gives a decoder a frames context; returns why it gets none, or null. */
    private String giveFrames(AVCodecContext codec) {
        AVBufferRef reference;
        try (PointerPointer<AVBufferRef> out = new PointerPointer<>(1)) {
            out.put(0, null);
            if (avcodec_get_hw_frames_parameters(codec, hardware.device(), AV_PIX_FMT_CUDA, out) < 0) {
                return "NVDEC cannot decode this stream";
            }
            reference = new AVBufferRef(out.get(0));
        }
        AVHWFramesContext frames = new AVHWFramesContext(reference.data());
        PixelFormat format = PixelFormats.of(frames.sw_format());
        if (format == null) {
            av_buffer_unref(reference);
            return "subscribers do not know NVDEC's pixel format " + PixelFormats.name(frames.sw_format());
        }
        // frames are allocated as they are due, not at the start; but NVDEC gets its surfaces by this number afterwards
        int surfaces = frames.initial_pool_size();
        frames.initial_pool_size(0);
        if (direct) {
            pool = new CudaFramePool(supplier, layoutOf(format, codec.width(), codec.height(), frames), frames);
        }
        if (av_hwframe_ctx_init(reference) < 0) {
            av_buffer_unref(reference);
            return "FFmpeg cannot have frames on the GPU";
        }
        frames.initial_pool_size(surfaces);
        codec.hw_frames_ctx(reference);
        return null;
    }

    /**
     * FFmpeg's picture of a frame that NVDEC will decode: it needs a buffer to be told from others by, and the number of its
     * planes, but no memory.
     */
    @Override
    public int allocate(AVCodecContext codec, AVFrame frame, int flags) {
        if (frame.format() != AV_PIX_FMT_CUDA) {
            return avcodec_default_get_buffer2(codec, frame, flags);
        }
        AVBufferRef name = av_buffer_pool_get(names);
        if (name == null) {
            return AVERROR_ENOMEM();
        }
        frame.buf(0, name); // FFmpeg unreferences what it was given when this fails
        AVBufferRef frames = av_buffer_ref(codec.hw_frames_ctx());
        if (frames == null) {
            return AVERROR_ENOMEM();
        }
        frame.hw_frames_ctx(frames);
        frame.width(codec.coded_width()).height(codec.coded_height());
        GpuPicture.tellPlanes(frame);
        return 0;
    }

    @Override
    public Throwable takeFailure() {
        Throwable taken = failure;
        failure = null;
        return taken;
    }

    @Override
    public void damaged() throws IOException {
        hardware.awaitWritten(); // a GPU that has failed says so at every call
    }

    @Override
    public Outcome publish(AVFrame frame, FrameInfo info) throws IOException {
        stopListening();
        if (pool != null) {
            pool.recycle();
        }
        if (frame.format() != AV_PIX_FMT_CUDA) {
            return upload(frame, info);
        }
        CudaFramePool.Buffer buffer = pool == null || GpuPicture.isShifted(frame) ? null : pool.find(frame);
        PixelFormat format = GpuPicture.formatOf(frame);
        if (!isConfigured(frame, format)) {
            reconfigure(frame, format, buffer != null);
        }
        if (buffer != null && buffer.isPublishableFrom(current)) {
            hardware.awaitWritten();
            buffer.keep(frame);
            if (buffer.slot().publishAndKeep(info, buffer) == 0) {
                buffer.letGo();
            }
            return Outcome.IN_PLACE;
        }
        Outcome outcome = copy(frame, info);
        if (outcome == Outcome.COPIED && buffer != null && buffer.isBesideOf(pool)) {
            // there are slots again, but FFmpeg would go on with the memory beside them
            pool = pool.renew(
                    pool.layout(), new AVHWFramesContext(frame.hw_frames_ctx().data()));
        }
        return outcome;
    }

    /** A change that the decoder's headers did not announce, such as another colour space; or a filter's first frame. */
    private void reconfigure(AVFrame frame, PixelFormat format, boolean pooled) throws IOException {
        if (!pooled) {
            configure(plainLayout(format, frame), frame, null);
            return;
        }
        // the pool's slots are of the generation before
        AVHWFramesContext frames = new AVHWFramesContext(frame.hw_frames_ctx().data());
        pool = pool.renew(layoutOf(format, frame.width(), frame.height(), frames), frames);
        configure(pool.layout(), frame, pool);
    }

    private FrameLayout layoutOf(PixelFormat format, int width, int height, AVHWFramesContext frames) {
        return FrameLayout.padded(format, width, height, frames.width(), frames.height(), alignment, 0);
    }

    private boolean isConfigured(AVFrame frame, PixelFormat format) {
        return kind.is(frame, GpuPicture.visibleWidth(frame), GpuPicture.visibleHeight(frame))
                && config.layout().format() == format;
    }

    private FrameLayout plainLayout(PixelFormat format, AVFrame frame) {
        return FrameLayout.of(format, GpuPicture.visibleWidth(frame), GpuPicture.visibleHeight(frame), alignment);
    }

    private Outcome copy(AVFrame frame, FrameInfo info) throws IOException {
        Slot slot = slots.acquire();
        if (slot == null) {
            return Outcome.NO_SLOT;
        }
        try {
            try {
                uploader.copy(frame, slot);
            } finally {
                hardware.awaitWritten(); // what was queued before a failure, too: the slot goes back
            }
            slot.publish(info.flag(FrameFlag.COPIED));
            return Outcome.COPIED;
        } finally {
            slot.release();
        }
    }

    private Outcome upload(AVFrame frame, FrameInfo info) throws IOException {
        PixelFormat format = PixelFormats.of(frame.format());
        PixelFormat target = format != null ? format : PixelFormats.closest(frame.format());
        if (target == null) {
            throw new DecodeException(
                    "frames of the format " + PixelFormats.name(frame.format()) + " cannot be converted",
                    AVERROR_PATCHWELCOME(),
                    null);
        }
        if (!isConfigured(frame, target)) {
            configure(plainLayout(target, frame), frame, null);
        }
        Slot slot = slots.acquire();
        if (slot == null) {
            return Outcome.NO_SLOT;
        }
        try {
            try {
                if (format != null) {
                    uploader.upload(frame, slot);
                } else {
                    uploader.convert(frame, slot);
                }
            } finally {
                hardware.awaitWritten(); // what was queued before a failure, too: slot and frame go back
            }
            slot.publish(info.flag(FrameFlag.COPIED));
            return format != null ? Outcome.UPLOADED : Outcome.CONVERTED;
        } finally {
            slot.release();
        }
    }

    private void configure(FrameLayout layout, AVFrame frame, CudaFramePool owner) throws IOException {
        Rational rate = frameRate;
        if (!rate.isKnown() && codec != null && codec.framerate().num() > 0) {
            rate = new Rational(codec.framerate().num(), codec.framerate().den());
        }
        StreamConfig next = new StreamConfig(layout, timeBase, rate, SlotWriter.colourOf(frame, layout.format()));
        kind.forget(); // if it fails, the slots are like nothing
        current = null;
        slots.configure(next, WRITER_SLOTS + (direct ? reserved : 0));
        config = next;
        current = owner;
        kind.set(frame, layout.width(), layout.height());
    }

    @Override
    public void finished() {
        stopListening();
        codec = null;
        if (pool != null) {
            try {
                hardware.stream().synchronize(); // nothing writes to a slot that is given back
            } catch (CudaException e) {
                LOG.warn("the GPU failed when a decoder was closed: {}", e.getMessage());
            }
            pool.abandon();
            pool = null;
        }
    }

    @Override
    public void watch(CallWatch watch) {
        hardware.watch(watch);
    }

    @Override
    public FrameWriter another(SlotSource others) {
        return new CudaWriter(others, beside, alignment, hardware, false, false);
    }

    @Override
    public void reserve(int frames) {
        reserved = frames;
    }

    @Override
    public AVBufferRef device() {
        return hardware.device();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            if (names != null) {
                av_buffer_pool_uninit(names);
            }
            uploader.close();
            if (owning) {
                hardware.close();
            }
        }
    }

    /** The ring, as a frame pool draws on it. */
    private final class Slots implements CudaFramePool.Supplier {

        @Override
        public void prepare(CudaFramePool asking) throws IOException {
            AVFrame frame = av_frame_alloc();
            if (frame == null) {
                throw new OutOfMemoryError("av_frame_alloc");
            }
            try {
                GpuPicture.describeExpected(codec, frame);
                FrameLayout layout = asking.layout();
                if (config != null
                        && kind.is(frame, layout.width(), layout.height())
                        && config.layout().equals(layout)) {
                    current = asking; // the decoder is new, the stream is not
                } else {
                    configure(layout, frame, asking);
                }
            } finally {
                av_frame_free(frame);
            }
        }

        @Override
        public Slot acquire() {
            return slots.acquire();
        }

        @Override
        public FrameMemory allocate(long size) throws IOException {
            return beside.allocate(size);
        }

        @Override
        public void failed(Throwable cause) {
            failure = cause;
        }
    }
}
