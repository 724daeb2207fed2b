package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import io.github.cuframes.producer.Producer;
import io.github.cuframes.producer.ingest.IngestCounter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/** Several decoders of this process that run as fast as they can, one thread each, until they are closed. */
abstract class DecodeRun implements AutoCloseable {

    /** Frames of one decoder so far. */
    abstract long frames(int decoder) throws IOException;

    abstract int decoders();

    /** Frames of all of them that were copied into a slot. */
    abstract long copied();

    /** Frames of all of them that no slot was free for. */
    abstract long lost();

    @Override
    public abstract void close() throws IOException;

    final long frames() throws IOException {
        long sum = 0;
        for (int i = 0; i < decoders(); i++) {
            sum += frames(i);
        }
        return sum;
    }

    /** FFmpeg alone. */
    static DecodeRun plain(Path clip, PlainDecoder.Device device, int count) throws IOException {
        return new Plain(clip, device, count);
    }

    /** Producers with a ring each, whose keys are those of {@link Cameras}. */
    static DecodeRun ring(Path clip, Memory memory, int count, Path runDirectory) throws IOException {
        return new Ring(clip, memory, count, runDirectory);
    }

    private static final class Plain extends DecodeRun {
        private final List<PlainDecoder> decoders = new ArrayList<>();
        private final List<Thread> threads = new ArrayList<>();
        private final AtomicReference<IOException> failure = new AtomicReference<>();
        private volatile boolean closing;

        Plain(Path clip, PlainDecoder.Device device, int count) throws IOException {
            try {
                for (int i = 0; i < count; i++) {
                    decoders.add(new PlainDecoder(clip, device, 1));
                }
            } catch (IOException | RuntimeException e) {
                close();
                throw e;
            }
            for (PlainDecoder decoder : decoders) {
                Thread thread = new Thread(() -> run(decoder), "plain-decoder");
                thread.setDaemon(true);
                threads.add(thread);
                thread.start();
            }
        }

        private void run(PlainDecoder decoder) {
            try {
                decoder.decodeUntil(() -> closing);
            } catch (IOException e) {
                failure.compareAndSet(null, e);
            }
        }

        @Override
        int decoders() {
            return decoders.size();
        }

        @Override
        long frames(int decoder) throws IOException {
            if (failure.get() != null) {
                throw new IOException(failure.get().getMessage(), failure.get());
            }
            return decoders.get(decoder).decoded();
        }

        @Override
        long copied() {
            return 0;
        }

        @Override
        long lost() {
            return 0;
        }

        @Override
        public void close() {
            closing = true;
            try {
                for (Thread thread : threads) {
                    thread.join();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return; // their threads may still use the decoders
            }
            decoders.forEach(PlainDecoder::close);
        }
    }

    private static final class Ring extends DecodeRun {
        private final List<Producer> producers = new ArrayList<>();

        Ring(Path clip, Memory memory, int count, Path runDirectory) throws IOException {
            try {
                for (int i = 0; i < count; i++) {
                    producers.add(Producer.builder(Cameras.key(i))
                            .input(clip.toString())
                            .loop(true)
                            .threads(1)
                            .memory(memory)
                            .publish(publisher -> publisher.runDirectory(runDirectory))
                            .open());
                }
            } catch (IOException | RuntimeException e) {
                close();
                throw e;
            }
        }

        @Override
        int decoders() {
            return producers.size();
        }

        @Override
        long frames(int decoder) {
            return producers.get(decoder).counters().published();
        }

        @Override
        long copied() {
            return producers.stream()
                    .mapToLong(producer -> producer.counters().copied())
                    .sum();
        }

        @Override
        long lost() {
            return producers.stream()
                    .mapToLong(producer -> producer.sourceCounters().get(IngestCounter.DROPPED_NO_SLOT))
                    .sum();
        }

        @Override
        public void close() {
            producers.forEach(Producer::close);
        }
    }
}
