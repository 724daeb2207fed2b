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
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
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
    private boolean toldSoftware;

    private final FrameKind kind = new FrameKind();
    private StreamConfig config;
    /** The pool whose buffers are slots of the present generation; null if none is. */
    private CudaFramePool current;

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
        this.slots = slots;
        this.beside = beside;
        this.direct = direct;
        this.alignment = context.device().attribute(CudaDevice.Attribute.TEXTURE_ALIGNMENT);
        this.hardware = new CudaHardware(context);
        this.uploader = new Uploader(hardware);
        this.names = av_buffer_pool_init(1, (Alloc_long) null);
        if (names == null) {
            uploader.close();
            hardware.close();
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
        toldSoftware = false;
    }

    @Override
    public void prepare(AVCodecContext codec) {
        this.codec = codec;
        if (CudaHardware.decodes(codec.codec())) {
            codec.hw_device_ctx(require(av_buffer_ref(hardware.device())));
            FfmpegLog.capture(); // until the format is chosen: why the chip refuses a stream is only told there
        } else {
            tellSoftware("NVDEC has no decoder for " + codec.codec().name().getString());
        }
    }

    private static AVBufferRef require(AVBufferRef reference) {
        if (reference == null) {
            throw new OutOfMemoryError("av_buffer_ref");
        }
        return reference;
    }

    private void tellSoftware(String reason) {
        if (!toldSoftware) {
            toldSoftware = true;
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
        String log = FfmpegLog.captured();
        String reason = hasCuda ? giveFrames(codec) : "NVDEC cannot decode this stream";
        if (reason == null) {
            FfmpegLog.capture(); // it is asked again if the hardware refuses after all
            return AV_PIX_FMT_CUDA;
        }
        tellSoftware(reason + " (" + PixelFormats.name(software) + " " + codec.coded_width() + "x"
                + codec.coded_height() + (log.isEmpty() ? "" : ": " + log) + ")");
        return software;
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
        AVBufferRef frames = av_buffer_ref(codec.hw_frames_ctx());
        if (name == null || frames == null) {
            return AVERROR_ENOMEM();
        }
        frame.buf(0, name);
        frame.hw_frames_ctx(frames);
        frame.width(codec.coded_width()).height(codec.coded_height());
        AVHWFramesContext described = new AVHWFramesContext(frames.data());
        int planes = PixelFormats.of(described.sw_format()).planeCount();
        for (int i = 0; i < planes; i++) {
            frame.linesize(i, described.width());
        }
        return 0;
    }

    @Override
    public Throwable takeFailure() {
        Throwable taken = failure;
        failure = null;
        return taken;
    }

    @Override
    public Outcome publish(AVFrame frame, FrameInfo info) throws IOException {
        if (pool != null) {
            pool.recycle();
        }
        if (frame.format() != AV_PIX_FMT_CUDA) {
            return upload(frame, info);
        }
        CudaFramePool.Buffer buffer = pool == null ? null : pool.find(frame);
        PixelFormat format = formatOf(frame);
        if (!isConfigured(frame, format)) {
            reconfigure(frame, format, buffer != null);
        }
        if (buffer != null && buffer.slot() != null && pool == current) {
            hardware.awaitWritten();
            buffer.keep(frame);
            if (buffer.slot().publishAndKeep(info, buffer) == 0) {
                buffer.letGo();
            }
            return Outcome.IN_PLACE;
        }
        return copy(frame, info);
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

    private static PixelFormat formatOf(AVFrame frame) throws DecodeException {
        int inMemory = new AVHWFramesContext(frame.hw_frames_ctx().data()).sw_format();
        PixelFormat format = PixelFormats.of(inMemory);
        if (format == null) {
            throw new DecodeException(
                    "subscribers do not know the filter's pixel format " + PixelFormats.name(inMemory)
                            + "; add format=nv12 or format=yuv420p to scale_cuda",
                    AVERROR_PATCHWELCOME(),
                    null);
        }
        return format;
    }

    private boolean isConfigured(AVFrame frame, PixelFormat format) {
        return kind.is(frame, frame.width(), frame.height()) && config.layout().format() == format;
    }

    private FrameLayout plainLayout(PixelFormat format, AVFrame frame) {
        return FrameLayout.of(format, frame.width(), frame.height(), alignment);
    }

    private Outcome copy(AVFrame frame, FrameInfo info) throws IOException {
        Slot slot = slots.acquire();
        if (slot == null) {
            return Outcome.NO_SLOT;
        }
        try {
            uploader.copy(frame, slot);
            hardware.awaitWritten();
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
            if (format != null) {
                uploader.upload(frame, slot);
            } else {
                uploader.convert(frame, slot);
            }
            hardware.awaitWritten();
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
        slots.configure(next, WRITER_SLOTS);
        config = next;
        current = owner;
        kind.set(frame, layout.width(), layout.height());
    }

    /** What a decoder's frames will be like, as far as its headers tell. */
    private AVFrame expected(AVFrame frame) {
        return frame.format(AV_PIX_FMT_CUDA)
                .color_range(codec.color_range())
                .color_primaries(codec.color_primaries())
                .color_trc(codec.color_trc())
                .colorspace(codec.colorspace());
    }

    @Override
    public void finished() {
        FfmpegLog.captured();
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
    public AVBufferRef device() {
        return hardware.device();
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            av_buffer_pool_uninit(names);
            uploader.close();
            hardware.close();
        }
    }

    /** The ring, as a frame pool draws on it. */
    private final class Slots implements CudaFramePool.Supplier {

        @Override
        public void prepare(CudaFramePool asking) throws IOException {
            try (AVFrame likeness = av_frame_alloc()) {
                AVFrame frame = expected(likeness);
                FrameLayout layout = asking.layout();
                if (config != null
                        && kind.is(frame, layout.width(), layout.height())
                        && config.layout().equals(layout)) {
                    current = asking; // the decoder is new, the stream is not
                } else {
                    configure(layout, frame, asking);
                }
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
