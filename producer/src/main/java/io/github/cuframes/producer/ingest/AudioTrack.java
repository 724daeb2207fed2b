package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_AUDIO;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;
import static org.bytedeco.ffmpeg.global.avutil.av_rescale_q;

import io.github.cuframes.protocol.frame.Rational;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.javacpp.PointerPointer;

/** The sound that belongs to a source's video. The stream is the source's, valid until it is closed. */
final class AudioTrack {

    private final AVStream stream;
    private final AVStream video;

    private AudioTrack(AVStream stream, AVStream video) {
        this.stream = stream;
        this.video = video;
    }

    /** The sound that goes best with the video; null if there is none. */
    static AudioTrack find(AVFormatContext context, AVStream video) {
        int index = av_find_best_stream(context, AVMEDIA_TYPE_AUDIO, -1, video.index(), (PointerPointer<?>) null, 0);
        return index < 0 ? null : new AudioTrack(context.streams(index), video);
    }

    int index() {
        return stream.index();
    }

    PacketStreams.Stream describe() {
        Rational base =
                new Rational(stream.time_base().num(), stream.time_base().den());
        return new PacketStreams.Stream(stream.index(), stream.codecpar(), base, Rational.UNKNOWN);
    }

    /** Moves a packet along with the video of its round; {@code offset} is in the video's ticks. */
    void place(AVPacket packet, long offset) {
        long shift = offset == 0 ? 0 : av_rescale_q(offset, video.time_base(), stream.time_base());
        if (packet.pts() != AV_NOPTS_VALUE) {
            packet.pts(packet.pts() + shift);
        }
        if (packet.dts() != AV_NOPTS_VALUE) {
            packet.dts(packet.dts() + shift);
        }
    }
}
