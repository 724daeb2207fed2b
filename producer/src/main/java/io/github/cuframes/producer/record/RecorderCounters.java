package io.github.cuframes.producer.record;

/**
 * What a recorder has done so far.
 *
 * @param segments segments begun
 * @param packets packets written, video and audio
 * @param bytes bytes written to segments
 * @param dropped packets not written: the disk was too slow, it could not be written, or time stamps went back
 * @param deleted segments deleted because of size, age or a full disk
 * @param errors segments that ended because they could not be written
 */
public record RecorderCounters(long segments, long packets, long bytes, long dropped, long deleted, long errors) {}
