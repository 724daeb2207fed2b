package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** Several streams of this process that flow by themselves. */
final class Streams implements AutoCloseable {

    private static final long START_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    /** A stream: how far it is and where it is offered. */
    private record Stream(LongSupplier published, String[] address, AutoCloseable owner) {}

    private final List<Stream> streams = new ArrayList<>();

    /** Adds a stream of empty frames. */
    void addFrames(FrameTransmitter transmitter, long warmUp, double rate) {
        FrameLoop loop = new FrameLoop(transmitter, warmUp, rate);
        streams.add(new Stream(loop::published, loop.address(), loop));
    }

    /** Adds a producer that decodes a clip into host memory, over and over, at its own pace or as fast as it can. */
    void addClip(Path clip, Path runDirectory, String key, boolean realtime, int threads) throws IOException {
        Producer producer = Producer.builder(key)
                .input(clip.toString())
                .loop(true)
                .realtime(realtime)
                .threads(threads)
                .memory(Memory.HOST)
                .publish(publisher -> publisher.runDirectory(runDirectory))
                .open();
        String[] address = {"--run-dir", runDirectory.toString(), "--key", key};
        streams.add(new Stream(() -> producer.counters().published(), address, producer));
    }

    int count() {
        return streams.size();
    }

    String[] address(int stream) {
        return streams.get(stream).address();
    }

    /** Frames of one stream so far. */
    long published(int stream) {
        return streams.get(stream).published().getAsLong();
    }

    /** Frames of all streams so far. */
    long published() {
        long sum = 0;
        for (int i = 0; i < streams.size(); i++) {
            sum += published(i);
        }
        return sum;
    }

    /** Waits until each stream has that many frames. */
    void awaitPublished(long frames) throws IOException {
        for (Stream stream : streams) {
            awaitAtLeast(frames, stream.published(), "a stream");
        }
    }

    /** Waits until something has that many frames, a minute at most. */
    static void awaitAtLeast(long frames, LongSupplier counted, String name) throws IOException {
        long deadline = System.nanoTime() + START_NANOS;
        while (counted.getAsLong() < frames) {
            if (deadline - System.nanoTime() < 0) {
                throw new IOException(name + " has " + counted.getAsLong() + " of " + frames + " frames after 60 s");
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    @Override
    public void close() throws IOException {
        for (Stream stream : streams) {
            try {
                stream.owner().close();
            } catch (IOException | RuntimeException e) {
                throw e;
            } catch (Exception e) {
                throw new IOException(e);
            }
        }
    }
}
