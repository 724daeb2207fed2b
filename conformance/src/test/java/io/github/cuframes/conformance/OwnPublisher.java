package io.github.cuframes.conformance;

import io.github.cuframes.conformance.publisher.PublisherUnderTest;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.PacketPublisher;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.Codec;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PacketConfig;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Our own publisher in this process, with a thread that publishes about 200 small frames a second. */
final class OwnPublisher implements PublisherUnderTest, AutoCloseable {

    private static final long PERIOD_NANOS = 5_000_000;
    private static final Duration LOSSLESS_LIMIT = Duration.ofMillis(700);

    private static final long PACKET_MEMORY = 512L << 10;
    private static final int PACKET_BYTES = 3000;
    private static final int GROUP = 8;

    private final Path directory;
    private final Duration patience;
    private final boolean losslessAllowed;
    private Publisher publisher;
    private Thread writer;
    private volatile boolean leaving;
    private volatile int width;

    OwnPublisher(Path directory, Duration patience, boolean losslessAllowed) throws Exception {
        this.directory = directory;
        this.patience = patience;
        this.losslessAllowed = losslessAllowed;
        start();
    }

    @Override
    public Path socket() {
        return directory.resolve("cam.sock");
    }

    @Override
    public String key() {
        return "cam";
    }

    @Override
    public Duration patience() {
        return patience;
    }

    @Override
    public Optional<Duration> losslessLimit() {
        return Optional.of(LOSSLESS_LIMIT);
    }

    @Override
    public void reconfigure() {
        width += 2;
    }

    @Override
    public void start() throws Exception {
        publisher = Publisher.builder(key())
                .runDirectory(directory)
                .allowLossless(losslessAllowed)
                .losslessTimeout(LOSSLESS_LIMIT)
                .maxSubscribers(16)
                .packetMemory(PACKET_MEMORY)
                .open();
        leaving = false;
        width = 63;
        writer = new Thread(this::write, "writer");
        writer.setDaemon(true);
        writer.start();
    }

    private void write() {
        int configured = 0;
        FrameInfo info = new FrameInfo();
        PacketPublisher packets = publisher.packets().orElseThrow();
        ByteBuffer packet = ByteBuffer.allocate(PACKET_BYTES);
        packets.begin(new PacketConfig(
                Codec.H264, 63, 47, new Rational(1, 90_000), new Rational(200, 1), ByteBuffer.allocate(30)));
        for (long frame = 1; !leaving; frame++) {
            try {
                if (configured != width) {
                    configured = width;
                    publisher.configure(
                            new StreamConfig(
                                    FrameLayout.of(PixelFormat.YUV420P, configured, 47, 32),
                                    new Rational(1, 90_000),
                                    new Rational(200, 1),
                                    Colour.UNSPECIFIED),
                            2);
                }
            } catch (IOException e) {
                throw new AssertionError(e);
            }
            packets.publish(
                    frame * 450,
                    frame * 450,
                    450,
                    FrameInfo.NO_TIME,
                    frame % GROUP == 0 ? FrameFlag.KEY.bit() : 0,
                    packet.putLong(0, frame));
            Slot slot = publisher.acquire();
            if (slot != null) {
                for (int i = 0; i < slot.layout().size(); i++) {
                    slot.buffer().put(i, (byte) (frame + i));
                }
                slot.publish(info.reset().pts(frame * 450, frame * PERIOD_NANOS));
                slot.release();
            }
            LockSupport.parkNanos(PERIOD_NANOS);
        }
    }

    private void stopWriting() throws InterruptedException {
        leaving = true;
        publisher.stopWaiting();
        writer.join();
    }

    @Override
    public void kill() throws Skipped {
        throw new Skipped("it is in the suite's own process");
    }

    @Override
    public void end() throws InterruptedException {
        stopWriting();
        publisher.end();
    }

    @Override
    public void close() {
        try {
            stopWriting();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        publisher.close();
    }
}
