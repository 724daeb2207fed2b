package io.github.cuframes.benchmarks;

/**
 * A stretch of messages, by their numbers.
 *
 * @param measured the first that counts; those before are there to settle
 * @param last the last
 */
record Round(long measured, long last) {

    /** Messages that count. */
    long count() {
        return last - measured + 1;
    }

    String toLine() {
        return measured + " " + last;
    }

    static Round ofLine(String line) {
        String[] parts = line.split(" ");
        return new Round(Long.parseLong(parts[0]), Long.parseLong(parts[1]));
    }
}
