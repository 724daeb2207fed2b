package io.github.cuframes.subscriber;

/**
 * What a subscriber of packets has counted since it was made. Each number is right, but they are not of one moment.
 *
 * @param received packets returned by {@link PacketSubscriber#next}
 * @param bytes of them
 * @param dropped packets that the publisher left out because this side did not read in time, as said by those behind them
 * @param gaps packets, but the first of all, that were no continuation: packets were left out, the source began anew, or
 *     another publisher took over
 * @param reconnects connections made after the first
 */
public record PacketStatistics(long received, long bytes, long dropped, long gaps, long reconnects) {}
