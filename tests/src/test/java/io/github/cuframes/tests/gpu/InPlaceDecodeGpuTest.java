package io.github.cuframes.tests.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.decode.CudaWriter;
import io.github.cuframes.producer.decode.FrameWriter;
import io.github.cuframes.producer.ingest.Ingest;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.IngestState;
import io.github.cuframes.producer.ingest.RtspTransport;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.tests.Checkout;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What NVDEC decodes comes out of FFmpeg at the addresses of the ring's slots. */
@GpuTest
class InPlaceDecodeGpuTest {

    @TempDir
    private Path runDirectory;

    @ParameterizedTest
    @CsvSource({
        "h264-1080p, 1000, NV12",
        "hevc-2160p, 250, NV12",
        "hevc-1080p-10bit, 60, P010",
        "h264-interlaced, 60, NV12",
        "pattern-h264, 1250, NV12",
        "pattern-hevc, 1250, NV12"
    })
    void framesComeOutOfTheDecoderInSlots(String clip, int frames, PixelFormat format, TestReporter reporter)
            throws Exception {
        try (CudaContext context = CudaContext.retain(Cuda.device("0"))) {
            CudaMemoryAllocator allocator = new CudaMemoryAllocator(context);
            long free = context.freeMemory();
            try (Publisher publisher = Publisher.builder("in-place")
                    .runDirectory(runDirectory)
                    .allocator(allocator)
                    .open()) {
                RecordingSlots slots = new RecordingSlots(publisher);
                List<Long> addresses = new ArrayList<>();
                SourceOptions source = new SourceOptions(
                        SafeUrl.of(Checkout.clip(clip).toString()),
                        RtspTransport.TCP,
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(5),
                        false,
                        false);
                long begin = System.nanoTime();
                try (Ingest ingest = new Ingest(
                        IngestOptions.of(source),
                        filtered ->
                                new RecordingWriter(new CudaWriter(slots, allocator, context, !filtered), addresses),
                        (from, to, cause) -> {})) {
                    ingest.start();
                    assertTrue(ingest.awaitEnd(Duration.ofMinutes(1)), "still decoding");
                    assertEquals(null, ingest.failure());
                    assertEquals(IngestState.ENDED, ingest.state());
                    assertEquals(frames, ingest.counters().get(IngestCounter.PUBLISHED));
                    assertEquals(0, ingest.counters().get(IngestCounter.COPIED));
                }
                double seconds = (System.nanoTime() - begin) / 1e9;
                assertEquals(format, slots.config.layout().format());
                assertEquals(frames, addresses.size());
                assertTrue(slots.addresses.containsAll(addresses), "frames lie elsewhere than in slots");
                assertEquals(0, publisher.counters().copied());
                reporter.publishEntry(
                        clip,
                        String.format(
                                "%.0f frames a second, opening included; %d slots of %d, %d bytes; taken from the GPU: %d",
                                frames / seconds,
                                new HashSet<>(addresses).size(),
                                publisher.counters().slots(),
                                publisher.counters().memoryBytes(),
                                free - context.freeMemory()));
            }
        }
    }

    /** A publisher's slots, whose addresses are noted. */
    private static final class RecordingSlots implements SlotSource {
        private final SlotSource slots;
        private final Set<Long> addresses = new HashSet<>();
        private StreamConfig config;

        RecordingSlots(SlotSource slots) {
            this.slots = slots;
        }

        @Override
        public void configure(StreamConfig next, int writerSlots) throws IOException {
            config = next;
            slots.configure(next, writerSlots);
        }

        @Override
        public Slot acquire() {
            Slot slot = slots.acquire();
            if (slot != null) {
                addresses.add(slot.deviceAddress());
            }
            return slot;
        }
    }

    /** A writer that notes where the frames are that the decoder hands out. */
    private static final class RecordingWriter implements FrameWriter {
        private final FrameWriter writer;
        private final List<Long> addresses;

        RecordingWriter(FrameWriter writer, List<Long> addresses) {
            this.writer = writer;
            this.addresses = addresses;
        }

        @Override
        public Outcome publish(AVFrame frame, FrameInfo info) throws IOException {
            addresses.add(frame.data(0).address());
            return writer.publish(frame, info);
        }

        @Override
        public void begin(Rational base, Rational rate) {
            writer.begin(base, rate);
        }

        @Override
        public FrameWriter another(SlotSource slots) throws IOException {
            return writer.another(slots);
        }

        @Override
        public void reserve(int frames) {
            writer.reserve(frames);
        }

        @Override
        public void watch(CallWatch watch) {
            writer.watch(watch);
        }

        @Override
        public void prepare(AVCodecContext context) {
            writer.prepare(context);
        }

        @Override
        public int chooseFormat(AVCodecContext context, IntPointer offered) {
            return writer.chooseFormat(context, offered);
        }

        @Override
        public int allocate(AVCodecContext context, AVFrame frame, int flags) {
            return writer.allocate(context, frame, flags);
        }

        @Override
        public Throwable takeFailure() {
            return writer.takeFailure();
        }

        @Override
        public void finished() {
            writer.finished();
        }

        @Override
        public void close() {
            writer.close();
        }
    }
}
