package io.github.cuframes.subscriber.cli;

/** How packets are written. */
enum PacketFormat {
    /** An MPEG transport stream with times. */
    MPEGTS,
    /** NAL units behind start codes, without times. */
    ANNEXB
}
