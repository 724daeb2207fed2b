package io.github.cuframes.memory;

import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;

/** Reads a page that its peer has truncated, in a process of its own since it might end the JVM. */
final class TruncatedPageMain {

    private TruncatedPageMain() {}

    public static void main(String[] arguments) throws Exception {
        PrintStream out = System.out;
        try (SharedFile page =
                SharedFile.create(SharedFile.defaultDirectory(), 4096, SharedFile.Peer.READS_AND_WRITES)) {
            out.println("intact " + page.isIntact());
            try (FileChannel peer = FileChannel.open(Descriptors.path(page.descriptor()), StandardOpenOption.WRITE)) {
                peer.truncate(0);
            }
            try {
                out.println("read " + read(page.buffer()));
            } catch (InternalError e) {
                out.println("InternalError");
            }
            out.println("intact " + page.isIntact());
        }
    }

    private static long read(ByteBuffer buffer) {
        long sum = 0;
        for (int i = 0; i < buffer.capacity(); i += 8) {
            sum += buffer.getLong(i);
        }
        return sum;
    }
}
