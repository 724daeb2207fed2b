package io.github.cuframes.benchmarks;

import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The receiving end of a transport that is measured. Belongs to one thread. */
abstract class Arrivals implements AutoCloseable {

    /** Longer than any pause that a benchmark makes within a round. */
    private static final long LONGEST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(10);

    /** Number of the message received last: 1, 2, 3 … */
    long number;

    /** When it was sent, by {@link System#nanoTime()}, which is one clock for all processes of a machine. */
    long sentNanos;

    /** When it was here. */
    long receivedNanos;

    /** Waits for the next message. */
    abstract void await() throws IOException;

    @Override
    public abstract void close() throws IOException;

    /** Frames, closed as soon as they have come. */
    static Arrivals frames(Subscriber subscriber) {
        return new Arrivals() {
            @Override
            void await() throws IOException {
                try (Frame frame = subscriber.next(LONGEST_WAIT_NANOS)) {
                    receivedNanos = System.nanoTime();
                    if (frame == null) {
                        throw new IOException("no frame came for 10 s");
                    }
                    number = frame.sequence();
                    sentNanos = frame.publishNanos();
                }
            }

            @Override
            public void close() {
                subscriber.close();
            }
        };
    }

    /** What a {@link SocketTransmitter} writes. */
    static Arrivals socket(SocketLibrary library, Path path) throws IOException {
        SocketChannel channel = library.connect(path);
        ByteBuffer message = ByteBuffer.allocateDirect(Long.BYTES);
        return new Arrivals() {
            @Override
            void await() throws IOException {
                message.clear();
                while (message.hasRemaining()) {
                    if (channel.read(message) < 0) {
                        throw new EOFException("the sender is gone");
                    }
                }
                receivedNanos = System.nanoTime();
                sentNanos = message.getLong(0);
                number++;
            }

            @Override
            public void close() throws IOException {
                channel.close();
            }
        };
    }
}
