package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.IdentityHashMap;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVBufferPool;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.Alloc_long;

/**
 * Writes into slots in host memory.
 *
 * <p>A picture goes straight into a slot when its decoder can write into foreign memory, its format is one of ours and
 * fewer than {@code writerSlots - 1} slots are with the decoder; it is then published where it is. Otherwise it is
 * decoded into other memory and copied into a slot once, when it is due, for which the last slot is kept free. Such
 * memory has the layout of a slot, because some decoders want all their pictures alike.
 *
 * <p>The first picture of a decoder starts a generation before it is decoded. A change in mid-stream starts one when
 * the first picture of the new kind is due, so that those before it still reach their subscribers; up to then the new
 * ones are copied.
 */
public final class SlotWriter implements FrameWriter {

    private static final int COPY_SLOTS = 1;

    private final SlotSource slots;
    private final SlotLoans loans = new SlotLoans();
    private final Map<ByteBuffer, SlotMemory> memories = new IdentityHashMap<>();
    private final FrameCopier copier;
    private final boolean direct;

    private Rational timeBase = Rational.UNKNOWN;
    private Rational frameRate = Rational.UNKNOWN;
    private boolean firstPicture;
    private AVCodecContext context;

    // what the decoder asked for last
    private Geometry asked = Geometry.NONE;
    private AVBufferPool pool;
    private FrameLayout poolLayout;

    // what the slots are like
    private StreamConfig config;
    private int generation;
    private int writerSlots;
    private final FrameKind kind = new FrameKind();
    private int reserved;
    private CallWatch watch;
    private boolean closed;

    /** A writer of these slots, which it configures as it learns what comes; the decoder writes into them. */
    public SlotWriter(SlotSource slots) {
        this(slots, true);
    }

    /**
     * A writer of these slots.
     *
     * @param direct whether the decoder writes into slots; false if a filter makes other frames of its pictures
     */
    public SlotWriter(SlotSource slots, boolean direct) {
        this.slots = slots;
        this.direct = direct;
        this.copier = new FrameCopier();
    }

    @Override
    public void begin(Rational base, Rational rate) {
        if (!base.equals(timeBase) || !rate.equals(frameRate)) {
            kind.forget();
        }
        timeBase = base;
        frameRate = rate;
        firstPicture = true;
        asked = Geometry.NONE;
    }

    @Override
    public void watch(CallWatch callWatch) {
        watch = callWatch;
    }

    @Override
    public FrameWriter another(SlotSource others) {
        return new SlotWriter(others, false);
    }

    @Override
    public void reserve(int frames) {
        reserved = frames;
    }

    @Override
    public void prepare(AVCodecContext codec) {
        context = codec;
    }

    @Override
    public void finished() {
        context = null;
    }

    @Override
    public int allocate(AVCodecContext codec, AVFrame frame, int flags) {
        if (!direct) {
            return avcodec_default_get_buffer2(codec, frame, flags);
        }
        if (!asked.isFor(codec, frame)) {
            asked = Geometry.of(codec, frame, config == null ? null : config.layout());
        }
        FrameLayout layout = asked.layout();
        if (layout == null) {
            return avcodec_default_get_buffer2(codec, frame, flags);
        }
        if (firstPicture) {
            int needed = neededBy(codec);
            if (!kind.is(frame, codec.width(), codec.height()) || layout != config.layout() || needed > writerSlots) {
                try {
                    configure(layout, frame, codec.width(), codec.height(), needed);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
            firstPicture = false;
        }
        return allocateSlot(frame, layout) ? 0 : allocateBeside(frame, layout);
    }

    private int neededBy(AVCodecContext codec) {
        return ReferencePictures.heldBy(codec) + reserved + COPY_SLOTS;
    }

    private boolean allocateSlot(AVFrame frame, FrameLayout layout) {
        if (asked.isShifted() || loans.count() >= writerSlots - COPY_SLOTS || layout != config.layout()) {
            return false;
        }
        Slot slot = slots.acquire();
        if (slot == null) {
            return false;
        }
        SlotMemory memory = memoryOf(slot);
        AVBufferRef buffer = memory.isAligned() ? loans.lend(slot, memory, generation) : null;
        if (buffer == null) {
            slot.release();
            return false;
        }
        memory.describeTo(frame);
        frame.buf(0, buffer);
        return true;
    }

    private int allocateBeside(AVFrame frame, FrameLayout layout) {
        if (pool == null || layout != poolLayout) {
            freePool();
            pool = av_buffer_pool_init(layout.size(), (Alloc_long) null);
            poolLayout = layout;
        }
        AVBufferRef buffer = pool == null ? null : av_buffer_pool_get(pool);
        if (buffer == null) {
            return AVERROR_ENOMEM();
        }
        new SlotMemory(buffer.data(), layout).describeTo(frame);
        frame.buf(0, buffer);
        return 0;
    }

    private SlotMemory memoryOf(Slot slot) {
        ByteBuffer buffer = slot.buffer();
        SlotMemory memory = memories.get(buffer);
        if (memory == null) {
            memory = new SlotMemory(buffer, slot.layout());
            memories.put(buffer, memory);
        }
        return memory;
    }

    @Override
    public Outcome publish(AVFrame frame, FrameInfo info) throws IOException {
        if (!kind.is(frame, frame.width(), frame.height())) {
            reconfigure(frame);
        }
        SlotLoans.Loan loan = loans.find(frame);
        if (loan != null && loan.generation() == generation) {
            boolean inPlace = loan.memory().holds(frame);
            // a frame may come out twice (VP9 shows old ones again): the second time it needs a slot of its own
            if (inPlace && !loan.isPublished()) {
                loan.setPublished();
                loan.slot().publish(info);
                return Outcome.IN_PLACE;
            } else if (!inPlace) {
                asked.setShifted();
            }
        }
        return copy(frame, info);
    }

    private Outcome copy(AVFrame frame, FrameInfo info) throws IOException {
        Slot slot = loans.count() < writerSlots ? slots.acquire() : null;
        if (slot == null) {
            return Outcome.NO_SLOT;
        }
        try {
            SlotMemory memory = memoryOf(slot);
            PixelFormat format = config.layout().format();
            boolean same = PixelFormats.of(frame.format()) == format;
            write(frame, memory, same ? null : format);
            slot.publish(info.flag(FrameFlag.COPIED));
            return same ? Outcome.COPIED : Outcome.CONVERTED;
        } finally {
            slot.release();
        }
    }

    /** Copies a frame, converted if a format is given. */
    private void write(AVFrame frame, SlotMemory memory, PixelFormat format) throws DecodeException {
        CallWatch.enter(watch, NativeCall.COPY);
        try {
            if (format == null) {
                copier.copy(frame, memory);
            } else {
                copier.convert(frame, memory, format);
            }
        } finally {
            CallWatch.exit(watch);
        }
    }

    private void reconfigure(AVFrame frame) throws IOException {
        boolean direct = asked.layout() != null && asked.isLike(frame);
        FrameLayout layout = direct ? asked.layout() : plainLayout(frame);
        int needed = direct && context != null ? neededBy(context) : COPY_SLOTS;
        configure(layout, frame, frame.width(), frame.height(), needed);
    }

    private static FrameLayout plainLayout(AVFrame frame) throws DecodeException {
        PixelFormat format = PixelFormats.of(frame.format());
        if (format == null) {
            format = PixelFormats.closest(frame.format());
        }
        if (format == null) {
            throw new DecodeException(
                    "the decoder's frames are not in host memory, where the slots are", AVERROR_PATCHWELCOME(), null);
        }
        return FrameLayout.of(format, frame.width(), frame.height(), SlotMemory.ALIGNMENT);
    }

    private void configure(FrameLayout layout, AVFrame frame, int width, int height, int needed) throws IOException {
        Rational rate = frameRate;
        if (!rate.isKnown() && context != null && context.framerate().num() > 0) {
            rate = new Rational(context.framerate().num(), context.framerate().den());
        }
        StreamConfig next = new StreamConfig(layout, timeBase, rate, colourOf(frame, layout.format()));
        kind.forget(); // if it fails, the slots are like nothing
        slots.configure(next, needed);
        memories.clear();
        generation++;
        config = next;
        writerSlots = needed;
        kind.set(frame, width, height);
    }

    static Colour colourOf(AVFrame frame, PixelFormat format) {
        boolean rgb = format == PixelFormat.RGB24
                || format == PixelFormat.BGR24
                || format == PixelFormat.RGBA
                || format == PixelFormat.BGRA;
        return new Colour(
                rgb || FrameCopier.isFullRange(frame),
                codePoint(frame.color_primaries()),
                codePoint(frame.color_trc()),
                rgb ? AVCOL_SPC_RGB : codePoint(frame.colorspace()));
    }

    private static int codePoint(int value) {
        return value >= 0 && value <= 255 ? value : AVCOL_SPC_UNSPECIFIED;
    }

    /** What was asked of the slot source last. */
    public int writerSlots() {
        return writerSlots;
    }

    private void freePool() {
        if (pool != null) {
            av_buffer_pool_uninit(pool); // lives on until its buffers have come back
            pool = null;
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            freePool();
            copier.close();
        }
    }
}
