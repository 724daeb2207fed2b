package io.github.cuframes.producer.javacv;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.decode.DecodeException;
import io.github.cuframes.producer.decode.Decoder;
import io.github.cuframes.producer.decode.DecoderOptions;
import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.InputException;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.Source;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.protocol.frame.Rational;
import java.nio.Buffer;
import java.time.Duration;
import java.util.Objects;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacv.Frame;
import org.bytedeco.javacv.FrameGrabber;

/**
 * A grabber whose frames stay where the decoder put them: nothing is copied or converted.
 *
 * <p>{@code Frame.image} has one direct {@code ByteBuffer} a plane, {@code imageStride} the bytes of a row of the first
 * plane, {@code Frame.opaque} the {@link AVFrame} with everything else: pixel format, line sizes of all planes, side
 * data. {@code imageChannels} is 1 for planar formats. A frame and its planes are valid until the next {@link #grab()},
 * {@link #stop()} or {@link #release()}; to keep one longer, take a reference of your own with {@code av_frame_ref}.
 *
 * <p>Unlike {@code FFmpegFrameGrabber} it can be interrupted ({@link #interrupt()}), has a deadline on every wait
 * ({@link #setTimeout}), and answers a lost connection with an exception; null stands for the end of a file only.
 * Settings are those of {@link SourceOptions}; the options "rtsp_transport" (tcp, udp) and "threads" are read from
 * {@link #setOption} and {@link #setVideoOption}, other options are not used.
 *
 * <p>One thread at a time, but for {@link #interrupt()}.
 */
public final class InPlaceFrameGrabber extends FrameGrabber {

    private final SafeUrl url;
    private final Frame result = new Frame();
    private volatile boolean interrupted;
    private volatile Source source;
    private Decoder decoder;
    private AVPacket packet;
    private AVFrame frame;
    private boolean drained;
    private boolean ahead;

    /**
     * A grabber that is not started.
     *
     * @param urlOrPath a URL, or the path of a file
     */
    public InPlaceFrameGrabber(String urlOrPath) {
        this(SafeUrl.of(urlOrPath));
    }

    /** The same with a URL that prints without credentials. */
    public InPlaceFrameGrabber(SafeUrl url) {
        this.url = Objects.requireNonNull(url, "url");
        this.imageMode = ImageMode.RAW;
    }

    /**
     * Opens the input and decodes the first frame, so that size and pixel format are known; {@link #grab()} returns it.
     *
     * @throws Exception why not; its cause is an {@link InputException} or a {@link DecodeException}
     */
    @Override
    public void start() throws Exception {
        if (imageMode == ImageMode.COLOR || imageMode == ImageMode.GRAY) {
            throw new Exception("image mode " + imageMode + " would convert frames; use RAW, or FFmpegFrameGrabber");
        }
        if (source != null) {
            throw new Exception("the grabber is started; stop it first");
        }
        Ffmpeg.load();
        try {
            open();
            ahead = next();
        } catch (java.io.IOException e) {
            stop();
            throw new Exception(e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            stop();
            throw e;
        }
        if (!ahead) {
            stop();
            throw new Exception(url + ": no frame could be decoded; check that the file is whole");
        }
        describe();
    }

    private void open() throws InputException, DecodeException {
        SourceOptions settings = SourceOptions.of(url);
        if ("udp".equalsIgnoreCase(getOption("rtsp_transport"))) {
            settings = settings.withTransport(RtspTransport.UDP);
        }
        if (timeout > 0) {
            settings = settings.withTimeouts(Duration.ofMillis(timeout), Duration.ofMillis(timeout));
        }
        Source opening = new Source(settings);
        source = opening;
        if (interrupted) {
            opening.interrupt(); // it may have come before the source could be seen
        }
        opening.open();
        String threads = getVideoOption("threads");
        decoder = new Decoder(
                opening.codecParameters(),
                opening.timeBase(),
                new DecoderOptions(threads == null ? 0 : Integer.parseInt(threads)),
                null);
        packet = av_packet_alloc();
        frame = av_frame_alloc();
        if (packet == null || frame == null) {
            throw new OutOfMemoryError("av_packet_alloc, av_frame_alloc");
        }
    }

    /**
     * The next frame, or null at the end of a file.
     *
     * @throws Exception if the connection is lost, the deadline passes or the grabber is interrupted; its cause is an
     *     {@link InputException} that says which
     */
    @Override
    public Frame grab() throws Exception {
        if (source == null) {
            throw new Exception("the grabber is not started; call start() first");
        }
        try {
            if (!ahead && !next()) {
                return null;
            }
        } catch (java.io.IOException e) {
            throw new Exception(e.getMessage(), e);
        }
        ahead = false;
        describe();
        return fill();
    }

    private boolean next() throws InputException, DecodeException {
        while (true) {
            switch (decoder.receive(frame)) {
                case FRAME -> {
                    frameNumber++;
                    return true;
                }
                case END -> {
                    return false;
                }
                case NEEDS_PACKET -> feed();
                default -> {
                    // too damaged to be shown; the next one may be whole
                }
            }
        }
    }

    private void feed() throws InputException, DecodeException {
        if (drained || source.read(packet) == Source.Read.END) {
            drained = true;
            decoder.send(null, 0);
            return;
        }
        try {
            decoder.send(packet, source.captureNanos());
        } finally {
            av_packet_unref(packet);
        }
    }

    private void describe() {
        imageWidth = frame.width();
        imageHeight = frame.height();
        pixelFormat = frame.format();
        Rational rate = source.frameRate().isKnown() ? source.frameRate() : decoder.frameRate();
        frameRate = rate.toDouble();
        videoCodecName = decoder.name();
        long pts = frame.best_effort_timestamp();
        timestamp = pts == AV_NOPTS_VALUE ? 0 : source.toNanos(pts) / 1000;
        var ratio = frame.sample_aspect_ratio();
        aspectRatio = ratio.num() > 0 && ratio.den() > 0 ? av_q2d(ratio) : 0;
    }

    private Frame fill() {
        var format = av_pix_fmt_desc_get(pixelFormat);
        boolean planar = (format.flags() & AV_PIX_FMT_FLAG_PLANAR) != 0;
        int bytesPerSample = (format.comp(0).depth() + 7) / 8;
        int planes = av_pix_fmt_count_planes(pixelFormat);
        Buffer[] image = new Buffer[planes];
        for (int plane = 0; plane < planes; plane++) {
            boolean chroma = plane == 1 || plane == 2;
            int rows = chroma ? -(-imageHeight >> format.log2_chroma_h()) : imageHeight;
            BytePointer data = frame.data(plane);
            image[plane] = data.capacity((long) frame.linesize(plane) * rows).asByteBuffer();
        }
        result.image = image;
        result.imageWidth = imageWidth;
        result.imageHeight = imageHeight;
        result.imageDepth = bytesPerSample > 1 ? Frame.DEPTH_USHORT : Frame.DEPTH_UBYTE;
        result.imageChannels = planar || planes > 1 ? 1 : format.nb_components();
        result.imageStride = frame.linesize(0) / bytesPerSample;
        result.keyFrame = (frame.flags() & AVFrame.AV_FRAME_FLAG_KEY) != 0;
        result.pictType = (char) av_get_picture_type_char(frame.pict_type());
        result.timestamp = timestamp;
        result.type = Frame.Type.VIDEO;
        result.opaque = frame;
        return result;
    }

    /** When the camera took the frame grabbed last, in nanoseconds since 1970; 0 if it does not tell. */
    public long getCaptureNanos() {
        return frame == null ? 0 : Decoder.tagOf(frame);
    }

    /** Ends a {@link #start()} or {@link #grab()} that is under way and every later one; any thread. */
    public void interrupt() {
        interrupted = true;
        Source current = source;
        if (current != null) {
            current.interrupt();
        }
    }

    /** Closes the input. Frames that were grabbed are no longer valid. */
    @Override
    public void stop() {
        if (source != null) {
            source.close();
            source = null;
        }
        if (frame != null) {
            av_frame_free(frame);
            frame = null;
        }
        if (packet != null) {
            av_packet_free(packet);
            packet = null;
        }
        if (decoder != null) {
            decoder.close();
            decoder = null;
        }
        drained = false;
        ahead = false;
        frameNumber = 0;
        result.image = null;
        result.opaque = null;
    }

    @Override
    public void release() {
        stop();
    }

    /** Not supported: a grabber follows its input. */
    @Override
    public void trigger() throws Exception {
        throw new Exception("there is nothing to trigger in " + url);
    }
}
