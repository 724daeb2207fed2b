package io.github.cuframes.producer.ingest;

import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;

import org.bytedeco.ffmpeg.avcodec.AVPacket;

/**
 * The time stamps of an input that may start over: each round goes on where the one before ended. Packets without any
 * time stamp (elementary streams) get a decoding time from the durations before them. Everything is in ticks of the
 * stream's time base.
 */
final class Timeline {

    private final long frameTicks;
    private long offset;
    private long firstPts = Long.MAX_VALUE;
    private long end = Long.MIN_VALUE;
    private long nextDts;

    /** A time line; {@code frameTicks} is the distance of two frames as far as it is known, else 0. */
    Timeline(long frameTicks) {
        this.frameTicks = frameTicks;
    }

    /** Moves a packet of this round to where it belongs. */
    void place(AVPacket packet) {
        if (packet.pts() == AV_NOPTS_VALUE && packet.dts() == AV_NOPTS_VALUE) {
            packet.dts(nextDts);
            if (frameTicks > 0) {
                packet.duration(frameTicks); // after a seek, FFmpeg takes a tick of the clock for a frame
            }
        }
        long duration = Math.max(1, packet.duration() > 0 ? packet.duration() : frameTicks);
        long time = packet.pts() != AV_NOPTS_VALUE ? packet.pts() : packet.dts();
        firstPts = Math.min(firstPts, time);
        end = Math.max(end, time + duration);
        nextDts = (packet.dts() != AV_NOPTS_VALUE ? packet.dts() : nextDts) + duration;
        if (offset != 0) {
            if (packet.pts() != AV_NOPTS_VALUE) {
                packet.pts(packet.pts() + offset);
            }
            if (packet.dts() != AV_NOPTS_VALUE) {
                packet.dts(packet.dts() + offset);
            }
        }
    }

    /** How far the packets of this round are moved. */
    long offset() {
        return offset;
    }

    /** The input starts over. False, and nothing happens, if the round that ended had no packet. */
    boolean startOver() {
        if (end == Long.MIN_VALUE) {
            return false;
        }
        offset += end - firstPts;
        firstPts = Long.MAX_VALUE;
        end = Long.MIN_VALUE;
        nextDts = 0;
        return true;
    }
}
