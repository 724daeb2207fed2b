package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Publishes frames from slots, as an application with a decoder of its own would. */
final class FrameTransmitter implements Transmitter {

    private static final int PAGE = 4096;
    private static final int PITCH_ALIGNMENT = 64;

    private final Publisher publisher;
    private final Path runDirectory;
    private final FrameInfo info = new FrameInfo();
    private final boolean writes;
    private volatile long sent;

    /** What a frame is, and whether a byte of each page of it is written before it is published. */
    record Settings(Size size, boolean writes) {}

    FrameTransmitter(Path runDirectory, String key, Settings settings) throws IOException {
        this.runDirectory = runDirectory;
        this.writes = settings.writes();
        publisher = Publisher.builder(key)
                .runDirectory(runDirectory)
                .allowLossless(true)
                .open();
        try {
            FrameLayout layout = FrameLayout.of(
                    PixelFormat.YUV420P,
                    settings.size().width(),
                    settings.size().height(),
                    PITCH_ALIGNMENT);
            publisher.configure(
                    new StreamConfig(layout, new Rational(1, 90_000), Rational.UNKNOWN, Colour.UNSPECIFIED), 1);
        } catch (IOException | RuntimeException e) {
            publisher.close();
            throw e;
        }
    }

    @Override
    public void admit(int receivers) throws IOException {
        int subscribers = publisher.counters().subscribers();
        if (subscribers != receivers) {
            throw new IOException(subscribers + " of " + receivers + " receivers have subscribed");
        }
    }

    @Override
    public void send() throws IOException {
        Slot slot = publisher.acquire();
        if (slot == null) {
            throw new IOException("no slot is free for frame " + (sent + 1));
        }
        try {
            if (writes) {
                write(slot.buffer());
            }
            sent = slot.publish(info);
        } finally {
            slot.release();
        }
    }

    private void write(ByteBuffer bytes) {
        for (int at = 0; at < bytes.limit(); at += PAGE) {
            bytes.put(at, (byte) sent);
        }
    }

    /** Any thread. */
    @Override
    public long sent() {
        return sent;
    }

    @Override
    public String[] address() {
        return new String[] {"--run-dir", runDirectory.toString(), "--key", publisher.key()};
    }

    @Override
    public void close() {
        publisher.close();
    }
}
