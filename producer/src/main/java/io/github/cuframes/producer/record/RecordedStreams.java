package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_AUDIO;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ingest.PacketStreams;
import io.github.cuframes.protocol.frame.Rational;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avformat.AVCodecTag;
import org.bytedeco.ffmpeg.avformat.AVOutputFormat;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/** What a connection's packets are, kept beyond the call that told; closed by whoever has it. */
final class RecordedStreams implements AutoCloseable {

    /**
     * How segments are stored. MP4 is what browsers play; Matroska takes what MP4 cannot carry, such as VP8 and G.711.
     */
    enum Container {
        MP4("mp4", "mp4"),
        MATROSKA("matroska", "mkv");

        private final String muxer;
        private final String extension;

        Container(String muxer, String extension) {
            this.muxer = muxer;
            this.extension = extension;
        }

        String muxer() {
            return muxer;
        }

        String extension() {
            return extension;
        }

        private boolean carries(AVCodecParameters codec) {
            AVOutputFormat format = av_guess_format(muxer, null, null);
            return avformat_query_codec(format, codec.codec_id(), 0) == 1 || this == MATROSKA && isWaveSound(codec);
        }

        /** Matroska carries what a WAV file may hold, G.711 among it, but says so only of what has an identifier of its own. */
        private static boolean isWaveSound(AVCodecParameters codec) {
            try (PointerPointer<AVCodecTag> tags = new PointerPointer<>(2)) {
                tags.put(0, avformat_get_riff_audio_tags()).put(1, (Pointer) null);
                return codec.codec_type() == AVMEDIA_TYPE_AUDIO && av_codec_get_tag(tags, codec.codec_id()) != 0;
            }
        }
    }

    /** One kind of packets, with parameters of its own. */
    record Track(int index, AVCodecParameters parameters, AVRational timeBase, Rational frameRate) {

        static Track of(PacketStreams.Stream stream) {
            AVCodecParameters copy = Ffmpeg.require(avcodec_parameters_alloc(), "avcodec_parameters_alloc");
            if (avcodec_parameters_copy(copy, stream.parameters()) < 0) {
                avcodec_parameters_free(copy);
                throw new OutOfMemoryError("avcodec_parameters_copy");
            }
            copy.codec_tag(0); // the input container's
            Rational base = stream.timeBase();
            return new Track(
                    stream.index(),
                    copy,
                    new AVRational().num(base.numerator()).den(base.denominator()),
                    stream.frameRate());
        }
    }

    private final Track video;
    private final Track audio;
    private final Container container;

    /** Copies; sound that neither container carries is left out. */
    RecordedStreams(PacketStreams streams) {
        video = Track.of(streams.video());
        boolean sound = streams.audio() != null
                && Container.MATROSKA.carries(streams.audio().parameters());
        audio = sound ? Track.of(streams.audio()) : null;
        boolean mp4 = Container.MP4.carries(video.parameters())
                && (audio == null || Container.MP4.carries(audio.parameters()));
        container = mp4 ? Container.MP4 : Container.MATROSKA;
    }

    Track video() {
        return video;
    }

    /** Null if there is none. */
    Track audio() {
        return audio;
    }

    Container container() {
        return container;
    }

    @Override
    public void close() {
        avcodec_parameters_free(video.parameters());
        if (audio != null) {
            avcodec_parameters_free(audio.parameters());
        }
    }
}
