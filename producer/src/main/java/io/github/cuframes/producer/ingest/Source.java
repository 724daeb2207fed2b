package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.FfmpegLog;
import io.github.cuframes.producer.ffmpeg.Handles;
import io.github.cuframes.producer.ingest.InputException.Kind;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import io.github.cuframes.protocol.frame.Rational;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avcodec.AVProducerReferenceTime;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOInterruptCB;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * One connection to a camera, or one reading of a file: packets of its best video stream, and of the sound for taps that want it. For another connection, make
 * another object.
 *
 * <p>{@link #open()} and {@link #read} belong to one thread. {@link #interrupt()} and {@link #close()} may be called by
 * any thread at any time; a call that is under way then ends at once with {@link Kind#INTERRUPTED}. Every wait has a
 * deadline: FFmpeg asks an interrupt callback that is set before the input is opened, names are resolved on a thread
 * of their own. (The exception is the opening of a named pipe, for which the kernel waits.)
 *
 * <p>What is read allocates one small object each time FFmpeg asks the callback.
 */
public final class Source implements AutoCloseable {

    /** What {@link #read} came back with. */
    public enum Read {
        /** The packet is filled. */
        PACKET,
        /** It is filled with sound; only where that was asked for. */
        AUDIO,
        /** The input starts over: decoders must be drained and flushed. No packet. */
        START_OVER,
        /** There is no more. No packet. */
        END
    }

    private static final Handles<Source> OPEN = new Handles<>();
    private static final Set<Integer> TEXT_AS_VIDEO =
            Set.of(AV_CODEC_ID_ANSI, AV_CODEC_ID_BINTEXT, AV_CODEC_ID_XBIN, AV_CODEC_ID_IDF);
    private static final long FAREWELL_NANOS = 500_000_000L;
    private static final int MOST_DAMAGED = 100;
    private static final long NO_CAPTURE = 0;

    private final SourceOptions options;
    private final SafeUrl url;
    private final Clock clock;
    private final CallWatch watch;
    private final Pacer pacer;
    private final boolean withAudio;
    private final CountDownLatch stop = new CountDownLatch(1);
    private final Preflight preflight = new Preflight();
    private final ReentrantLock lock = new ReentrantLock();

    // guarded by lock
    private AVFormatContext context;
    private AVStream stream;
    private AudioTrack audio;
    private long handle;
    private boolean closed;

    private volatile long deadline;
    private volatile boolean leaving;

    // the reading thread's
    private Rational timeBase = Rational.UNKNOWN;
    private Rational frameRate = Rational.UNKNOWN;
    private Timeline timeline;
    private long captureNanos;
    private long packetsThisRound;
    private boolean lastWasPartial;
    private final SizeTPointer sideDataSize;
    private int damagedInARow;

    /** A source that is not open yet. */
    public Source(SourceOptions options) {
        this(options, Clock.SYSTEM);
    }

    /** The same with a clock that paces files; deadlines are always the machine's. */
    public Source(SourceOptions options, Clock clock) {
        this(options, clock, null, false);
    }

    /**
     * The same for a reading thread that is watched, and that closes what it opened itself; null if it is not.
     *
     * @param withAudio whether to read the sound, too
     */
    Source(SourceOptions options, Clock clock, CallWatch watch, boolean withAudio) {
        Ffmpeg.load();
        this.watch = watch;
        this.options = options;
        this.url = options.url();
        this.clock = clock;
        this.withAudio = withAudio;
        this.pacer = options.realtime() && !url.isLive() ? new Pacer(clock) : null;
        this.sideDataSize = new SizeTPointer(1);
    }

    /**
     * Connects, reads the description and finds the video.
     *
     * @throws InputException why not; the source is closed then
     */
    public void open() throws InputException {
        long until = System.nanoTime() + options.openTimeout().toNanos();
        try {
            preflight.check(options);
            lock.lock();
            try {
                requireUsable();
                openLocked(until);
            } finally {
                lock.unlock();
            }
        } catch (InputException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void requireUsable() throws InputException {
        if (closed || stop.getCount() == 0) {
            throw Failures.interrupted(url);
        }
    }

    private void openLocked(long until) throws InputException {
        handle = OPEN.register(this);
        deadline = until;
        FfmpegLog.capture();
        int code = openInput(withAudio ? "video+audio" : "video");
        String log = FfmpegLog.captured();
        if (code < 0 && url.isRtsp() && log.contains("method PLAY failed")) {
            // with nothing but sound there was nothing to set up; ask again for all there is, to see whether it is so
            code = openInput(null);
        }
        if (code < 0) {
            throw failure(code, false, log);
        }
        FfmpegLog.capture();
        code = avformat_find_stream_info(context, (PointerPointer<?>) null);
        log = FfmpegLog.captured();
        if (code < 0 || mustStop()) {
            throw failure(code, false, log);
        }
        selectVideo();
    }

    private int openInput(String media) {
        context = avformat_alloc_context();
        if (context == null) {
            throw new OutOfMemoryError("avformat_alloc_context");
        }
        context.interrupt_callback().callback(Interrupt.INSTANCE).opaque(new Handles.Opaque(handle));
        if (url.isRtsp()) {
            context.fps_probe_size(0); // the decoder tells; waiting for 20 frames would delay the first one
        }
        AVDictionary dictionary = ProtocolOptions.of(options, media);
        try {
            int code = avformat_open_input(context, url.reveal(), null, dictionary);
            if (code < 0) {
                context = null; // freed by avformat_open_input
            }
            return code;
        } finally {
            av_dict_free(dictionary);
        }
    }

    private void selectVideo() throws InputException {
        int index = av_find_best_stream(context, AVMEDIA_TYPE_VIDEO, -1, -1, (PointerPointer<?>) null, 0);
        boolean cover = index >= 0 && (context.streams(index).disposition() & AV_DISPOSITION_ATTACHED_PIC) != 0;
        if (index < 0 || cover) {
            throw new InputException(
                    Kind.NO_VIDEO,
                    url,
                    AVERROR_STREAM_NOT_FOUND(),
                    context.nb_streams() > 0 ? "there is sound or text in it, but no video" : "there is nothing in it",
                    "give a stream with video");
        }
        AVStream best = context.streams(index);
        int codec = best.codecpar().codec_id();
        if (TEXT_AS_VIDEO.contains(codec)) {
            throw new InputException(
                    Kind.NOT_MEDIA, url, 0, "this is text, no video", "give the URL of a stream or a video file");
        }
        if (avcodec_find_decoder(codec) == null) {
            throw new InputException(
                    Kind.UNSUPPORTED_CODEC,
                    url,
                    AVERROR_DECODER_NOT_FOUND(),
                    "this FFmpeg has no decoder for " + avcodec_get_name(codec).getString(),
                    "have the camera send H.264, H.265 or MJPEG");
        }
        audio = withAudio ? AudioTrack.find(context, best) : null;
        for (int i = 0; i < context.nb_streams(); i++) {
            if (i != index && (audio == null || i != audio.index())) {
                context.streams(i).discard(AVDISCARD_ALL);
            }
        }
        stream = best;
        timeBase = new Rational(best.time_base().num(), best.time_base().den());
        frameRate = plausible(av_guess_frame_rate(context, best, null), url.isLive());
        double ticks = frameRate.isKnown() ? 1 / (frameRate.toDouble() * timeBase.toDouble()) : 0;
        timeline = new Timeline(Math.round(ticks));
    }

    private static Rational plausible(AVRational rate, boolean live) {
        // live inputs are not measured; what is not announced shows as the ticks of the clock
        double limit = live ? 240 : 1000;
        boolean valid = rate.num() > 0 && rate.den() > 0 && av_q2d(rate) <= limit;
        return valid ? new Rational(rate.num(), rate.den()) : Rational.UNKNOWN;
    }

    /**
     * The next packet.
     *
     * @param packet filled in when {@link Read#PACKET} or {@link Read#AUDIO} is returned, blank otherwise; the caller
     *     unreferences it
     * @throws InputException why there is none; nothing more can be read then. The end of a live input is one
     */
    public Read read(AVPacket packet) throws InputException {
        Read read = null;
        while (read == null) {
            lock.lock();
            try {
                requireUsable();
                read = readOnce(packet);
            } finally {
                lock.unlock();
            }
        }
        if (read == Read.PACKET && pacer != null && !paced(packet)) {
            av_packet_unref(packet);
            throw Failures.interrupted(url);
        }
        return read;
    }

    /** Null: nothing for us, try again. */
    private Read readOnce(AVPacket packet) throws InputException {
        if (stream == null) {
            throw new IllegalStateException("the source is not open");
        }
        deadline = System.nanoTime() + options.readTimeout().toNanos();
        String log = "";
        int code;
        if (url.isFile()) {
            FfmpegLog.capture();
            code = readFrame(packet);
            log = FfmpegLog.captured();
        } else {
            code = readFrame(packet);
        }
        if (code >= 0) {
            if (audio != null && packet.stream_index() == audio.index()) {
                captureNanos = NO_CAPTURE;
                audio.place(packet, timeline.offset());
                return Read.AUDIO;
            }
            if (packet.stream_index() != stream.index()) {
                av_packet_unref(packet);
                return null;
            }
            damagedInARow = 0;
            accept(packet);
            return Read.PACKET;
        }
        if (code == AVERROR_EOF() && !url.isLive()) {
            return atEnd(log);
        }
        boolean goOn = code == AVERROR_EAGAIN()
                || (code == AVERROR_INVALIDDATA() && ++damagedInARow < MOST_DAMAGED && !fileEnded());
        if (goOn && stop.getCount() != 0) {
            return null;
        }
        throw failure(code, true, log);
    }

    private int readFrame(AVPacket packet) {
        CallWatch.enter(watch, NativeCall.READ);
        try {
            return av_read_frame(context, packet);
        } finally {
            CallWatch.exit(watch);
        }
    }

    private void accept(AVPacket packet) {
        packetsThisRound++;
        lastWasPartial = (packet.flags() & AV_PKT_FLAG_CORRUPT) != 0;
        captureNanos = packet.side_data_elems() > 0 ? referenceTime(packet) : NO_CAPTURE;
        timeline.place(packet);
    }

    /** FFmpeg works it out of the RTCP sender reports: the sender's wall clock at the packet's RTP time stamp. */
    private long referenceTime(AVPacket packet) {
        BytePointer data = av_packet_get_side_data(packet, AV_PKT_DATA_PRFT, sideDataSize);
        if (data == null) {
            return NO_CAPTURE;
        }
        return new AVProducerReferenceTime(data).wallclock() * 1000;
    }

    private Read atEnd(String log) throws InputException {
        if (url.isFile()) {
            checkComplete(log);
        }
        if (!options.loop()) {
            return Read.END;
        }
        if (!timeline.startOver()) {
            throw new InputException(
                    Kind.INVALID, url, 0, "there is no frame in it to loop over", "give a file with video");
        }
        packetsThisRound = 0;
        int code = avformat_seek_file(context, -1, Long.MIN_VALUE, startOfFile(), startOfFile(), 0);
        if (code < 0) {
            code = av_seek_frame(context, -1, 0, AVSEEK_FLAG_BYTE | AVSEEK_FLAG_BACKWARD);
        }
        if (code < 0) {
            throw new InputException(
                    Kind.OTHER,
                    url,
                    code,
                    "it cannot be read a second time: " + Ffmpeg.errorText(code),
                    "loop over a file, in a format with seeking");
        }
        return Read.START_OVER;
    }

    /** FFmpeg takes a file that was cut for one that ends; what gives it away depends on the container. */
    private void checkComplete(String log) throws InputException {
        if (fileEnded() && stream.nb_frames() > packetsThisRound) {
            throw Failures.truncated(
                    url,
                    "the file is truncated: it announces " + stream.nb_frames() + " frames and holds "
                            + packetsThisRound);
        }
        if (lastWasPartial || log.contains("ended prematurely")) {
            throw Failures.truncated(url, "the file is truncated after frame " + packetsThisRound);
        }
    }

    private long startOfFile() {
        return context.start_time() == AV_NOPTS_VALUE ? 0 : context.start_time();
    }

    private boolean fileEnded() {
        return url.isFile() && context.pb() != null && context.pb().eof_reached() != 0;
    }

    private boolean paced(AVPacket packet) {
        long ticks = packet.dts() != AV_NOPTS_VALUE ? packet.dts() : packet.pts();
        try {
            return pacer.pace(toNanos(ticks), stop);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Ticks of the stream's time base in nanoseconds. */
    public long toNanos(long ticks) {
        return av_rescale(ticks, 1_000_000_000L * timeBase.numerator(), timeBase.denominator());
    }

    private InputException failure(int code, boolean opened, String log) {
        if (stop.getCount() == 0) {
            return Failures.interrupted(url);
        }
        if (code == AVERROR_EXIT() || deadlinePassed()) {
            return opened
                    ? Failures.timedOut(url, code, "no packet came", Failures.within(options.readTimeout()))
                    : Failures.timedOut(url, code, "no stream came", Failures.within(options.openTimeout()));
        }
        if (opened && code == AVERROR_INVALIDDATA() && fileEnded()) {
            return Failures.truncated(url, "the file is truncated after frame " + packetsThisRound);
        }
        return Failures.of(url, code, opened, log);
    }

    private boolean deadlinePassed() {
        return System.nanoTime() - deadline > 0;
    }

    /** The codec and its headers; the source's, valid until it is closed. */
    public AVCodecParameters codecParameters() {
        lock.lock();
        try {
            if (stream == null) {
                throw new IllegalStateException("the source is not open");
            }
            return stream.codecpar();
        } finally {
            lock.unlock();
        }
    }

    /** What its packets are, as taps are told; the source's, valid until it is closed. */
    PacketStreams streams() throws InputException {
        lock.lock();
        try {
            requireUsable();
            return new PacketStreams(
                    new PacketStreams.Stream(stream.index(), stream.codecpar(), timeBase, frameRate),
                    audio == null ? null : audio.describe());
        } finally {
            lock.unlock();
        }
    }

    /** Seconds of one tick of a packet's time stamps. */
    public Rational timeBase() {
        return timeBase;
    }

    /** What the input announces, or unknown. */
    public Rational frameRate() {
        return frameRate;
    }

    /**
     * The wall clock of the sender when it sampled the packet last read, in nanoseconds since 1970-01-01 UTC; 0 when it
     * did not tell, as before the first RTCP sender report.
     */
    public long captureNanos() {
        return captureNanos;
    }

    /** Ends what is under way, and everything later; any thread. The source must still be closed. */
    public void interrupt() {
        stop.countDown();
        preflight.cancel();
    }

    /**
     * Interrupts and frees; any thread, any number of times. Takes leave of an RTSP server for up to half a second when
     * it is still listening.
     */
    @Override
    public void close() {
        interrupt();
        lock.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            stream = null;
            audio = null;
            leaving = true;
            deadline = System.nanoTime() + FAREWELL_NANOS;
            if (context != null) {
                avformat_close_input(context);
                context = null;
            }
            if (handle != 0) {
                OPEN.remove(handle);
            }
            sideDataSize.close();
        } finally {
            lock.unlock();
        }
    }

    private boolean mustStop() {
        return (stop.getCount() == 0 && !leaving) || deadlinePassed();
    }

    /** One for all sources: JavaCPP has trampolines for ten. */
    private static final class Interrupt extends AVIOInterruptCB.Callback_Pointer {
        static final Interrupt INSTANCE = new Interrupt();

        @Override
        public int call(Pointer opaque) {
            Source source = opaque == null ? null : OPEN.get(opaque.address());
            return source == null || source.mustStop() ? 1 : 0;
        }
    }
}
