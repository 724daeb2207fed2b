package io.github.cuframes.producer.ingest;

import io.github.cuframes.protocol.frame.Rational;
import java.util.Objects;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;

/**
 * What the packets of a connection are.
 *
 * @param video the pictures
 * @param audio the sound; null if there is none, or no tap wanted it
 */
public record PacketStreams(Stream video, Stream audio) {

    /**
     * One kind of packets.
     *
     * @param index their {@code stream_index}
     * @param parameters codec, headers and geometry; the source's, valid during {@link PacketTap#connected} only
     * @param timeBase seconds of one tick of their time stamps
     * @param frameRate what the input announces, or unknown; unknown for sound
     */
    public record Stream(int index, AVCodecParameters parameters, Rational timeBase, Rational frameRate) {

        /** Checks that everything is there. */
        public Stream {
            Objects.requireNonNull(parameters, "parameters");
            Objects.requireNonNull(timeBase, "timeBase");
            Objects.requireNonNull(frameRate, "frameRate");
        }
    }

    /** Checks that there is video. */
    public PacketStreams {
        Objects.requireNonNull(video, "video");
    }
}
