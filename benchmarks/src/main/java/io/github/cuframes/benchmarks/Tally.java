package io.github.cuframes.benchmarks;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.stream.Collectors;

/** What one process of {@link BoxBenchmark}, or several together, counted since a moment. What nobody counted is 0. */
final class Tally {

    /** What is counted. */
    enum Count {
        /** The time in which this was counted. */
        NANOS(true),
        /** Frames that came out of decoders. */
        DECODED,
        /** Full-size frames offered to subscribers. */
        PUBLISHED,
        /** Of them those that were copied into their slot. */
        COPIED,
        /** Frames of either size that were not published, for want of a slot or because a rendition failed. */
        LOST,
        /** Small frames made: published by a rendition, or scaled by a program for itself. */
        SMALL_MADE,
        /** Deliveries that the publishers left out, because the subscriber had as many frames as it may have. */
        UNDELIVERED,
        /** Full-size frames received. */
        RECEIVED,
        /** Small frames received. */
        SMALL_RECEIVED,
        /** Frames of either size that lie between two received ones, by their sequence numbers. */
        MISSED,
        /** Of them those missed by subscriptions that were in time for every frame which they got. */
        MISSED_IN_TIME,
        /** Frames that never got sequence numbers, as the received ones say. */
        LOST_BEFORE,
        /** Subscriptions, cameras and decoders that broke off. */
        FAILURES,
        /** The longest time from publishing a frame to receiving it. */
        LATEST_NANOS(true),
        /** Bytes of frame memory, as the publishers say; it never gets less here. */
        FRAME_MEMORY(true),
        /** Processor time, the JVM's own threads included. */
        CPU_NANOS,
        /** Collections of garbage that nobody asked for. */
        COLLECTIONS,
        /** What they took, to the millisecond each. */
        PAUSE_MILLIS,
        /** The longest of them. */
        LONGEST_PAUSE_MILLIS(true);

        /** Whether two of them make the higher one, and not the sum. */
        private final boolean peak;

        Count() {
            this(false);
        }

        Count(boolean peak) {
            this.peak = peak;
        }
    }

    private final long[] values = new long[Count.values().length];

    long get(Count count) {
        return values[count.ordinal()];
    }

    /** Adds to a sum, or raises a peak. */
    Tally add(Count count, long value) {
        int i = count.ordinal();
        values[i] = count.peak ? Math.max(values[i], value) : values[i] + value;
        return this;
    }

    /** Adds another one to this. */
    Tally add(Tally other) {
        for (Count count : Count.values()) {
            add(count, other.get(count));
        }
        return this;
    }

    /** What came since an earlier one; a peak is what it is now, whoever counts it begins anew. */
    Tally since(Tally earlier) {
        Tally difference = new Tally();
        for (Count count : Count.values()) {
            difference.add(count, count.peak ? get(count) : get(count) - earlier.get(count));
        }
        return difference;
    }

    String toLine() {
        return Arrays.stream(values).mapToObj(Long::toString).collect(Collectors.joining(" "));
    }

    static Tally ofLine(String line) {
        Tally tally = new Tally();
        String[] parts = line.split(" ");
        for (Count count : Count.values()) {
            tally.add(count, Long.parseLong(parts[count.ordinal()]));
        }
        return tally;
    }

    @Override
    public String toString() {
        Map<Count, Long> all = new EnumMap<>(Count.class);
        for (Count count : Count.values()) {
            all.put(count, get(count));
        }
        return all.toString();
    }
}
