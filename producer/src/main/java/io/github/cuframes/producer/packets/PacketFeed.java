package io.github.cuframes.producer.packets;

import io.github.cuframes.producer.ingest.PacketStreams;
import io.github.cuframes.producer.ingest.PacketTap;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.PacketPublisher;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PacketConfig;
import java.nio.ByteBuffer;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.global.avcodec;
import org.bytedeco.ffmpeg.global.avutil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes the video packets of a source, on the thread that reads it, before the decoder gets them. A copy of each is all
 * that it costs; nobody is waited for.
 */
public final class PacketFeed implements PacketTap {

    private static final Logger LOG = LoggerFactory.getLogger(PacketFeed.class);

    private final String key;
    private final PacketPublisher publisher;

    /** Of the connection's video; -1 while its packets are not published. */
    private int index = -1;

    private boolean connectedBefore;
    /** The next packet that is published begins anew. */
    private boolean breaks;

    /** What becomes of packets of the stream with this name. */
    public PacketFeed(String key, PacketPublisher publisher) {
        this.key = key;
        this.publisher = publisher;
    }

    @Override
    public void connected(PacketStreams streams) {
        PacketStreams.Stream video = streams.video();
        AVCodecParameters parameters = video.parameters();
        Codec codec = codec(parameters.codec_id());
        int extradata = parameters.extradata() == null ? 0 : parameters.extradata_size();
        if (codec == Codec.UNKNOWN
                || extradata > PacketConfig.MAX_EXTRADATA
                || !video.timeBase().isKnown()) {
            LOG.warn(
                    "{}: packets are not offered: codec {}, {} bytes of extradata (at most {}), time base {}",
                    key,
                    avcodec.avcodec_get_name(parameters.codec_id()).getString(),
                    extradata,
                    PacketConfig.MAX_EXTRADATA,
                    video.timeBase());
            return;
        }
        publisher.begin(new PacketConfig(
                codec,
                size(parameters.width()),
                size(parameters.height()),
                video.timeBase(),
                video.frameRate(),
                extradata == 0
                        ? ByteBuffer.allocate(0)
                        : parameters.extradata().capacity(extradata).asByteBuffer()));
        index = video.index();
        breaks = connectedBefore;
        connectedBefore = true;
    }

    private static int size(int pixels) {
        return pixels < 0 || pixels > FrameLayout.MAX_DIMENSION ? 0 : pixels;
    }

    private static Codec codec(int id) {
        return switch (id) {
            case avcodec.AV_CODEC_ID_H264 -> Codec.H264;
            case avcodec.AV_CODEC_ID_HEVC -> Codec.HEVC;
            case avcodec.AV_CODEC_ID_AV1 -> Codec.AV1;
            case avcodec.AV_CODEC_ID_VP8 -> Codec.VP8;
            case avcodec.AV_CODEC_ID_VP9 -> Codec.VP9;
            case avcodec.AV_CODEC_ID_MPEG4 -> Codec.MPEG4;
            case avcodec.AV_CODEC_ID_MPEG2VIDEO -> Codec.MPEG2;
            case avcodec.AV_CODEC_ID_MJPEG -> Codec.MJPEG;
            default -> Codec.UNKNOWN;
        };
    }

    @Override
    public void packet(AVPacket packet, long captureNanos) {
        if (packet.stream_index() != index || packet.size() <= 0) {
            return;
        }
        boolean key = (packet.flags() & avcodec.AV_PKT_FLAG_KEY) != 0;
        int flags = key ? FrameFlag.KEY.bit() : 0;
        if ((packet.flags() & avcodec.AV_PKT_FLAG_CORRUPT) != 0) {
            flags |= FrameFlag.CORRUPT.bit();
        }
        if (breaks && key) {
            // the first that anybody gets, since packets before a keyframe are left out after a connection
            flags |= FrameFlag.DISCONTINUITY.bit();
            breaks = false;
        }
        publisher.publish(
                time(packet.pts()),
                time(packet.dts()),
                Math.max(0, packet.duration()),
                captureNanos == 0 ? FrameInfo.NO_TIME : captureNanos,
                flags,
                packet.data().capacity(packet.size()).asByteBuffer());
    }

    private static long time(long ticks) {
        return ticks == avutil.AV_NOPTS_VALUE ? FrameInfo.NO_TIME : ticks;
    }

    @Override
    public void disconnected() {
        index = -1;
    }
}
