package io.github.cuframes.benchmarks;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.DataFormatException;
import org.HdrHistogram.Histogram;

/**
 * What one receiver saw of a {@link Round}.
 *
 * @param latencies nanoseconds from sending to receiving, one for each message
 * @param allocatedBytes what the receiving thread allocated meanwhile, on the Java heap
 * @param collections garbage collections of the receiving process meanwhile
 */
record Reception(Histogram latencies, long allocatedBytes, long collections) {

    /** Enough for any wait of a benchmark, in nanoseconds. */
    private static final long HIGHEST = 60_000_000_000L;

    private static final int DIGITS = 3;

    /** A histogram of nanoseconds; it allocates nothing later. */
    static Histogram histogram() {
        return new Histogram(HIGHEST, DIGITS);
    }

    /** Adds a time; one that is out of range counts as the largest. */
    static void record(Histogram histogram, long nanos) {
        histogram.recordValue(Math.max(0, Math.min(nanos, HIGHEST)));
    }

    long received() {
        return latencies.getTotalCount();
    }

    String toLine() {
        ByteBuffer bytes = ByteBuffer.allocate(latencies.getNeededByteBufferCapacity());
        int length = latencies.encodeIntoCompressedByteBuffer(bytes);
        return allocatedBytes + " " + collections + " "
                + Base64.getEncoder().encodeToString(Arrays.copyOf(bytes.array(), length));
    }

    /** Of a line of {@link #toLine}, or of one of a program that is no JVM: {@code nanos}, and the times themselves. */
    static Reception ofLine(String line) {
        String[] parts = line.split(" ");
        if (parts[0].equals("nanos")) {
            Histogram latencies = histogram();
            for (String nanos : parts.length > 1 ? parts[1].split(",") : new String[0]) {
                record(latencies, Long.parseLong(nanos));
            }
            return new Reception(latencies, 0, 0);
        }
        try {
            Histogram latencies = Histogram.decodeFromCompressedByteBuffer(
                    ByteBuffer.wrap(Base64.getDecoder().decode(parts[2])), 0);
            return new Reception(latencies, Long.parseLong(parts[0]), Long.parseLong(parts[1]));
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("no histogram: " + line, e);
        }
    }
}
