package io.github.cuframes.subscriber;

/**
 * What a subscriber has counted since it was made. Each number is right, but they are not of one moment.
 *
 * @param received frames returned by {@link Subscriber#next}
 * @param dropped frames of the same epochs that were not: sequence numbers skipped between those returned
 * @param gaps breaks in the stream since the first frame: discontinuities of the source, also those on frames that were
 *     skipped, and publishers that took over from another
 * @param reconnects connections made after the first
 * @param copied frames that this side copied to its own GPU, see {@link SubscriberBuilder#copyToMyGpu}
 */
public record SubscriberStatistics(long received, long dropped, long gaps, long reconnects, long copied) {}
