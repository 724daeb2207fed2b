package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.record.RecordedStreams.Track;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVRational;

/**
 * One segment, from a key frame on, whose time stamps begin at 0. A fragment is written when it is complete, at each key frame
 * and at least once a second, so that whatever ends the process leaves all fragments before. One thread's.
 */
final class SegmentWriter implements AutoCloseable {

    /** What became of a packet. */
    enum Outcome {
        WRITTEN,
        /** Its time is before that of the one before it, or of the segment. */
        LATE,
        /** The video's time went back so far that nothing fits together any more. */
        WENT_BACK
    }

    private static final long NONE = Long.MIN_VALUE;
    private static final AVRational SECONDS = new AVRational().num(1).den(1);
    private static final AVRational MICROS = new AVRational().num(1).den(1_000_000);

    /** Where one kind of packets goes. */
    private static final class Output {
        private final Track track;
        private final AVStream stream;
        private long lastDts = NONE;

        Output(Track track, AVStream stream) {
            this.track = track;
            this.stream = stream;
        }
    }

    private final SegmentFile file;
    private final long start;
    private final Output video;
    private final Output audio;
    private AVFormatContext context;
    private long complete;

    /**
     * Begins a segment.
     *
     * @param start the key frame's time in the video's ticks
     * @param makeRoom asked when the disk is full; false if nothing can be done
     */
    SegmentWriter(Path path, RecordedStreams streams, long start, Instant wallClock, BooleanSupplier makeRoom)
            throws IOException {
        this.start = start;
        file = new SegmentFile(path, makeRoom);
        AVFormatContext made = new AVFormatContext(null);
        if (avformat_alloc_output_context2(made, null, streams.container().muxer(), null) < 0) {
            file.close();
            throw new IOException(
                    "this FFmpeg cannot write " + streams.container().muxer());
        }
        context = made;
        try {
            context.pb(file.io());
            context.flags(
                    context.flags() | AVFormatContext.AVFMT_FLAG_CUSTOM_IO | AVFormatContext.AVFMT_FLAG_FLUSH_PACKETS);
            AVDictionary metadata = new AVDictionary(null);
            av_dict_set(metadata, "creation_time", wallClock.toString(), 0);
            context.metadata(metadata);
            video = output(streams.video());
            audio = streams.audio() == null ? null : output(streams.audio());
            writeHeader();
        } catch (IOException | RuntimeException e) {
            discard();
            throw e;
        }
    }

    private Output output(Track track) throws IOException {
        AVStream stream = Ffmpeg.require(avformat_new_stream(context, null), "avformat_new_stream");
        require(avcodec_parameters_copy(stream.codecpar(), track.parameters()), "copying codec parameters");
        stream.time_base(track.timeBase());
        if (track.frameRate().isKnown()) {
            stream.avg_frame_rate(new AVRational()
                    .num(track.frameRate().numerator())
                    .den(track.frameRate().denominator()));
        }
        return new Output(track, stream);
    }

    private void writeHeader() throws IOException {
        AVDictionary options = new AVDictionary(null);
        // the header waits for the first fragment: the first packet may hold what the connection did not announce
        av_dict_set(options, "movflags", "frag_keyframe+delay_moov+default_base_moof", 0);
        av_dict_set(options, "frag_duration", "1000000", 0); // microseconds
        av_dict_set(options, "cluster_time_limit", "1000", 0); // Matroska's fragments; milliseconds
        try {
            require(avformat_write_header(context, options), "writing the header");
        } finally {
            av_dict_free(options);
        }
        complete = file.position();
    }

    /** Whether it has lasted so long when this video packet comes. */
    boolean hasLasted(long micros, AVPacket packet) {
        long ticks = timeOf(packet);
        return ticks != AV_NOPTS_VALUE && av_compare_ts(ticks - start, video.track.timeBase(), micros, MICROS) >= 0;
    }

    /** A packet's time of decoding, or else of presentation. */
    static long timeOf(AVPacket packet) {
        return packet.dts() != AV_NOPTS_VALUE ? packet.dts() : packet.pts();
    }

    /** Writes a packet that is the caller's, changing its time stamps. */
    Outcome write(AVPacket packet, boolean isVideo) throws IOException {
        Output output = isVideo ? video : audio;
        AVRational from = output.track.timeBase();
        long shift = isVideo ? start : av_rescale_q(start, video.track.timeBase(), from);
        if (packet.pts() != AV_NOPTS_VALUE) {
            packet.pts(packet.pts() - shift);
        }
        if (packet.dts() != AV_NOPTS_VALUE) {
            packet.dts(packet.dts() - shift);
        }
        av_packet_rescale_ts(packet, from, output.stream.time_base());
        Outcome outcome = isVideo ? straighten(packet, output) : inOrder(packet, output);
        if (outcome == Outcome.WRITTEN) {
            output.lastDts = packet.dts();
            packet.stream_index(output.stream.index());
            packet.pos(-1);
            int code = av_write_frame(context, packet);
            file.check();
            require(code, "writing a packet");
            complete = file.position();
        }
        return outcome;
    }

    /** Each picture is needed by the next, so those that are a little out of time get the next tick. */
    private static Outcome straighten(AVPacket packet, Output output) {
        long last = output.lastDts;
        long given = timeOf(packet);
        if (last == NONE) {
            packet.dts(given == AV_NOPTS_VALUE ? 0 : given);
        } else {
            long second = av_rescale_q(1, SECONDS, output.stream.time_base());
            if (packet.dts() != AV_NOPTS_VALUE && packet.dts() < last - second) {
                return Outcome.WENT_BACK;
            }
            long next = packet.dts() != AV_NOPTS_VALUE ? packet.dts() : last + packet.duration();
            packet.dts(Math.max(next, last + 1));
        }
        packet.pts(packet.pts() == AV_NOPTS_VALUE ? packet.dts() : Math.max(packet.pts(), packet.dts()));
        return Outcome.WRITTEN;
    }

    private static Outcome inOrder(AVPacket packet, Output output) {
        long time = timeOf(packet);
        if (time == AV_NOPTS_VALUE || time < 0 || output.lastDts != NONE && time <= output.lastDts) {
            return Outcome.LATE;
        }
        packet.dts(time);
        packet.pts(packet.pts() == AV_NOPTS_VALUE ? time : Math.max(time, packet.pts()));
        return Outcome.WRITTEN;
    }

    private void require(int code, String what) throws IOException {
        if (code < 0) {
            throw new IOException(what + " to " + file.path() + ": " + Ffmpeg.errorText(code));
        }
    }

    Path path() {
        return file.path();
    }

    /** Bytes written so far. */
    long written() {
        return file.written();
    }

    /** Ends it with what is still to be written; if that fails, as {@link #discard()} does. */
    @Override
    public void close() throws IOException {
        if (context == null) {
            return;
        }
        try {
            int code = av_write_trailer(context);
            file.check();
            require(code, "writing the end");
        } catch (IOException | RuntimeException e) {
            discard();
            throw e;
        }
        avformat_free_context(context);
        context = null;
        file.close();
    }

    /** Ends it after its last complete fragment. */
    void discard() throws IOException {
        if (context == null) {
            return;
        }
        avformat_free_context(context);
        context = null;
        try (file) {
            file.cut(complete);
        }
        if (file.exists() && complete == 0) {
            Files.deleteIfExists(file.path());
        }
    }
}
