package io.github.cuframes.subscriber.cli;

/** What {@code pipe} writes; always 4:2:0 and 8 bits. */
enum PipeFormat {
    /** Y, then U and V interleaved. */
    NV12,
    /** Y, then U, then V. */
    YUV420P,
    /** YUV420P with a header for the stream and one for each frame: size and rate go along. */
    Y4M
}
