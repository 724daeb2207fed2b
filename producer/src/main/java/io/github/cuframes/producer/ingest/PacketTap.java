package io.github.cuframes.producer.ingest;

import org.bytedeco.ffmpeg.avcodec.AVPacket;

/**
 * Gets a camera's packets as they came, before the decoder does.
 *
 * <p>One thread at a time calls: the one that reads the camera, which waits meanwhile. So nothing here may block; what takes
 * long is done by a thread of the tap's own. A tap that throws is told no more until the next connection, and the camera goes
 * on. After a reader that hung was given up, {@link #disconnected()} is called for it, and nothing more of it comes.
 *
 * <p>A tap outlives connections: {@code connected}, {@code packet} any number of times, {@code disconnected}, and again.
 */
public interface PacketTap {

    /** Whether it wants the sound, too. Asked before each connection; an RTSP camera then sends it. */
    default boolean wantsAudio() {
        return false;
    }

    /**
     * Packets of a new connection follow, or of another round of a file that is looped over.
     *
     * @param streams what they are; FFmpeg's structures in it are the source's, valid during this call only
     */
    void connected(PacketStreams streams);

    /**
     * A packet, in the order in which they came; the first one need not be a key frame.
     *
     * @param packet the source's, valid during this call only; {@code av_packet_ref} keeps its bytes without a copy. Its
     *     {@code stream_index} tells video from sound, its time stamps are in that stream's time base and go on over the rounds
     *     of a loop. A round's sound may begin a little before the last one's ended
     * @param captureNanos when the camera sampled it, in nanoseconds since 1970-01-01 UTC; 0 if it did not tell
     */
    void packet(AVPacket packet, long captureNanos);

    /** The connection or round is over. */
    void disconnected();
}
