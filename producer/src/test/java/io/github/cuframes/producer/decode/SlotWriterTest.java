package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.decode.FrameWriter.Outcome;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.Source;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SlotWriterTest {

    private static final Rational MILLISECONDS = new Rational(1, 1000);

    @TempDir
    Path directory;

    /** A VP9 frame of one byte: frame marker, profile 0, show_existing_frame, number 0 of the eight references. */
    private static final byte SHOW_REFERENCE_0 = (byte) 0b1000_1000;

    @Test
    void aPictureThatIsShownAgainIsPublishedFromAnotherSlot() throws Exception {
        Path clip = new TestClip("libvpx-vp9", 160, 120, AV_PIX_FMT_YUV420P, Map.of("lag-in-frames", "0"))
                .write(directory.resolve("clip.mkv"), 6);
        TestSlots slots = new TestSlots(2);
        List<Outcome> outcomes = new ArrayList<>();
        try (Pipe pipe = new Pipe(clip, slots)) {
            for (int i = 0; i < 6; i++) {
                assertTrue(pipe.feed(outcomes));
            }
            assertEquals(Collections.nCopies(6, Outcome.IN_PLACE), outcomes);
            outcomes.clear();
            pipe.feed(SHOW_REFERENCE_0, outcomes);
            pipe.feed(SHOW_REFERENCE_0, outcomes);
            assertEquals(List.of(Outcome.COPIED, Outcome.COPIED), outcomes);
        }
        List<TestSlots.Published> frames = slots.frames();
        TestSlots.Published again = frames.get(frames.size() - 1);
        TestSlots.Published first = frames.stream()
                .filter(frame -> frame.checksum() == again.checksum())
                .findFirst()
                .orElseThrow();
        assertNotEquals(first.address(), again.address());
        assertFalse(FrameFlag.COPIED.in(first.flags()));
        assertTrue(FrameFlag.COPIED.in(again.flags()));
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
    }

    /** Decoders of screen content update their last picture in place, unless somebody else may be reading it. */
    @Test
    void aPublishedPictureIsNotUpdatedInPlace() throws Exception {
        Path clip = new TestClip("qtrle", 160, 120, AV_PIX_FMT_RGB24, Map.of("g", "100"))
                .write(directory.resolve("clip.mov"), 12);
        TestSlots slots = new TestSlots(8);
        DecodeTest.runToEnd(clip, slots);
        assertEquals(12, slots.frames().size());
        assertEquals(List.of(), slots.violations());
        assertEquals(
                12,
                slots.frames().stream()
                        .map(TestSlots.Published::checksum)
                        .distinct()
                        .count());
    }

    @Test
    void aFrameThatOutlivesItsDecoderKeepsItsSlot() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 3);
        TestSlots slots = new TestSlots(2);
        AVFrame kept = av_frame_alloc();
        List<Outcome> outcomes = new ArrayList<>();
        try (Pipe pipe = new Pipe(clip, slots)) {
            pipe.keep = kept;
            assertTrue(pipe.feed(outcomes));
            assertEquals(List.of(Outcome.IN_PLACE), outcomes);
        }
        assertEquals(1, slots.held());
        av_frame_free(kept);
        assertEquals(0, slots.held());
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void theNextDecoderGoesOnInTheSameGeneration() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 3);
        TestSlots slots = new TestSlots(2);
        List<Outcome> outcomes = new ArrayList<>();
        try (SlotWriter writer = new SlotWriter(slots)) {
            for (int i = 0; i < 3; i++) {
                try (Pipe pipe = new Pipe(clip, writer)) {
                    while (pipe.feed(outcomes)) {
                        assertTrue(slots.held() <= slots.writerSlots().get(0));
                    }
                }
            }
        }
        assertEquals(9, slots.frames().size());
        assertEquals(1, slots.configs().size());
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void aChangeOfTimeBaseStartsAGeneration() throws Exception {
        Path mp4 = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 3);
        Path mkv = TestClip.h264(320, 240).write(directory.resolve("clip.mkv"), 3);
        TestSlots slots = new TestSlots(2);
        try (SlotWriter writer = new SlotWriter(slots)) {
            for (Path clip : List.of(mp4, mkv)) {
                try (Pipe pipe = new Pipe(clip, writer)) {
                    while (pipe.feed(new ArrayList<>())) {
                        assertTrue(slots.held() > 0);
                    }
                }
            }
        }
        assertEquals(2, slots.configs().size());
        assertEquals(MILLISECONDS, slots.configs().get(1).timeBase());
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void noSlotWhileAFrameIsDecodedCostsACopy() throws Exception {
        Path clip =
                new TestClip("mjpeg", 160, 120, AV_PIX_FMT_YUVJ420P, Map.of()).write(directory.resolve("clip.avi"), 4);
        TestSlots slots = new TestSlots(2);
        List<Outcome> outcomes = new ArrayList<>();
        try (Pipe pipe = new Pipe(clip, slots)) {
            assertTrue(pipe.feed(outcomes));
            slots.refuse(1);
            assertTrue(pipe.feed(outcomes));
            slots.refuse(2);
            assertTrue(pipe.feed(outcomes));
            assertTrue(pipe.feed(outcomes));
        }
        assertEquals(List.of(Outcome.IN_PLACE, Outcome.COPIED, Outcome.NO_SLOT, Outcome.IN_PLACE), outcomes);
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void whatTheSlotSourceThrowsComesOutOfTheDecoder() throws Exception {
        Path clip = TestClip.h264(320, 240).write(directory.resolve("clip.mp4"), 3);
        SlotSource full = new SlotSource() {
            @Override
            public void configure(StreamConfig config, int writerSlots) throws IOException {
                throw new IOException("no room for " + writerSlots + " slots");
            }

            @Override
            public Slot acquire() {
                return null;
            }
        };
        try (Pipe pipe = new Pipe(clip, full)) {
            DecodeException e = assertThrows(DecodeException.class, () -> pipe.feed(new ArrayList<>()));
            assertTrue(e.getMessage().startsWith("no room for "), e.getMessage());
        }
    }

    @Test
    void limitsOfHevcLevels() {
        assertEquals(6, ReferencePictures.hevcDpb(120, 1920 * 1088));
        assertEquals(16, ReferencePictures.hevcDpb(153, 1920 * 1088));
        assertEquals(12, ReferencePictures.hevcDpb(120, 1280 * 720));
        assertEquals(16, ReferencePictures.hevcDpb(0, 1280 * 720));
    }

    /** A source, a decoder and a writer, by hand. */
    private static final class Pipe implements AutoCloseable {
        private final Source source;
        private final Decoder decoder;
        private final SlotWriter writer;
        private final boolean ownsWriter;
        private final AVPacket packet = av_packet_alloc();
        private final AVFrame frame = av_frame_alloc();
        private final FrameInfo info = new FrameInfo();
        private AVFrame keep;

        Pipe(Path clip, SlotSource slots) throws IOException {
            this(clip, new SlotWriter(slots), true);
        }

        Pipe(Path clip, SlotWriter writer) throws IOException {
            this(clip, writer, false);
        }

        private Pipe(Path clip, SlotWriter writer, boolean ownsWriter) throws IOException {
            this.writer = writer;
            this.ownsWriter = ownsWriter;
            source = new Source(SourceOptions.of(SafeUrl.of(clip.toString())));
            source.open();
            writer.begin(source.timeBase(), source.frameRate());
            decoder = new Decoder(source.codecParameters(), source.timeBase(), DecoderOptions.DEFAULT, writer);
        }

        boolean feed(List<Outcome> outcomes) throws IOException {
            if (source.read(packet) == Source.Read.END) {
                decoder.send(null, 0);
                publish(outcomes);
                decoder.flush();
                return false;
            }
            decoder.send(packet, 0);
            av_packet_unref(packet);
            publish(outcomes);
            return true;
        }

        void feed(byte single, List<Outcome> outcomes) throws IOException {
            assertEquals(0, av_new_packet(packet, 1));
            packet.data().put(single);
            assertTrue(decoder.send(packet, 0));
            av_packet_unref(packet);
            publish(outcomes);
        }

        private void publish(List<Outcome> outcomes) throws IOException {
            while (decoder.receive(frame) == Decoder.Receive.FRAME) {
                FrameFacts.tell(frame, source.timeBase(), info.reset());
                outcomes.add(writer.publish(frame, info));
                if (keep != null && keep.width() == 0) {
                    assertEquals(0, av_frame_ref(keep, frame));
                }
                av_frame_unref(frame);
            }
        }

        @Override
        public void close() {
            av_frame_free(frame);
            av_packet_free(packet);
            decoder.close();
            source.close();
            if (ownsWriter) {
                writer.close();
            }
        }
    }
}
