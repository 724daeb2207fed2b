package io.github.cuframes.tests.gpu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A frame as a subscriber process saw it: a line of the file that it writes.
 *
 * @param epoch the publisher's life
 * @param sequence from 1
 * @param ptsNanos presentation time
 * @param copied whether the producer copied it on the way
 * @param checksum as {@link PlainDecoder#checksum} has it
 */
record Received(long epoch, long sequence, long ptsNanos, boolean copied, int checksum) {

    String line() {
        return epoch + " " + sequence + " " + ptsNanos + " " + copied + " " + Integer.toHexString(checksum);
    }

    private static Received parse(String line) {
        String[] words = line.split(" ");
        return new Received(
                Long.parseLong(words[0]),
                Long.parseLong(words[1]),
                Long.parseLong(words[2]),
                Boolean.parseBoolean(words[3]),
                Integer.parseUnsignedInt(words[4], 16));
    }

    /** All frames in a file, in the order in which they came. */
    static List<Received> read(Path file) throws IOException {
        return Files.readAllLines(file).stream().map(Received::parse).toList();
    }
}
