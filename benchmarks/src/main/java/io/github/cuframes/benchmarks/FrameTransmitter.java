package io.github.cuframes.benchmarks;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** Publishes frames from slots, as an application with a decoder of its own would. */
final class FrameTransmitter implements Transmitter {

    private static final int PAGE = 4096;

    private final Path runDirectory;
    private final GpuPlace place;
    private Writer writer;
    private Publisher publisher;
    private final FrameInfo info = new FrameInfo();
    private volatile long sent;

    /**
     * What a frame is.
     *
     * @param writes whether it is written before it is published: a byte of each page; on a GPU all of it, by a copy there
     */
    record Settings(Size size, boolean writes, Memory memory, int maxSubscribers) {

        /** With 32 subscribers at most, as a publisher lets in by default. */
        Settings(Size size, boolean writes, Memory memory) {
            this(size, writes, memory, 32);
        }
    }

    FrameTransmitter(Path runDirectory, String key, Settings settings) throws IOException {
        this.runDirectory = runDirectory;
        this.place = GpuPlace.open(settings.memory());
        try {
            FrameLayout layout = FrameLayout.of(
                    place.format(), settings.size().width(), settings.size().height(), place.pitchAlignment());
            writer = !settings.writes() ? null : place.isOnGpu() ? new GpuWriter(place, layout) : new PageWriter();
            publisher = Publisher.builder(key)
                    .runDirectory(runDirectory)
                    .allocator(place.allocator())
                    .allowLossless(true)
                    .maxSubscribers(settings.maxSubscribers())
                    .open();
            publisher.configure(
                    new StreamConfig(layout, new Rational(1, 90_000), Rational.UNKNOWN, Colour.UNSPECIFIED), 1);
        } catch (IOException | RuntimeException e) {
            close();
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
            if (writer != null) {
                writer.write(slot, sent);
            }
            sent = slot.publish(info);
        } finally {
            slot.release();
        }
    }

    /** Bytes of frame memory. Any thread. */
    long memoryBytes() {
        return publisher.counters().memoryBytes();
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
        if (publisher != null) {
            publisher.close();
        }
        if (writer != null) {
            writer.close();
        }
        place.close();
    }

    /** Fills a slot. */
    private interface Writer extends AutoCloseable {
        void write(Slot slot, long number) throws IOException;

        @Override
        default void close() {}
    }

    /** A byte of each page of host memory. */
    private static final class PageWriter implements Writer {
        @Override
        public void write(Slot slot, long number) {
            ByteBuffer bytes = slot.buffer();
            for (int at = 0; at < bytes.limit(); at += PAGE) {
                bytes.put(at, (byte) number);
            }
        }
    }

    /** The whole slot, from other memory of the GPU. */
    private static final class GpuWriter implements Writer {
        private final FrameMemory picture;
        private final CudaStream stream;
        private final CudaCopy copy;
        private final long size;

        GpuWriter(GpuPlace place, FrameLayout layout) throws IOException {
            size = layout.size();
            picture = place.allocator().allocate(size);
            stream = CudaStream.create(place.context());
            copy = new CudaCopy(place.context());
        }

        @Override
        public void write(Slot slot, long number) throws IOException {
            copy.onDevice(picture.deviceAddress(), size, slot.deviceAddress(), size, size, 1, stream.handle());
            stream.synchronize();
        }

        @Override
        public void close() {
            stream.close();
            picture.close();
        }
    }
}
