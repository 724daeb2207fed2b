package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.producer.ingest.Ingest;
import io.github.cuframes.producer.ingest.IngestCounter;
import io.github.cuframes.producer.ingest.IngestOptions;
import io.github.cuframes.producer.ingest.IngestState;
import io.github.cuframes.producer.ingest.SafeUrl;
import io.github.cuframes.producer.ingest.SourceOptions;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.TestClip;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.PixelFormat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class DecodeTest {

    private static final int FRAMES = 30;

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({
        "libopenh264, 320, 240, yuv420p, mp4, YUV420P, true",
        "libopenh264, 322, 182, yuv420p, mkv, YUV420P, true",
        "mjpeg, 176, 144, yuvj420p, avi, YUV420P, true",
        "mjpeg, 178, 142, yuvj422p, avi, YUV422P, true",
        "mjpeg, 176, 144, yuvj444p, mkv, YUV444P, true",
        "libvpx-vp9, 320, 180, yuv420p, mkv, YUV420P, true",
        "libvpx-vp9, 320, 180, yuv444p, mkv, YUV444P, true",
        "libvpx, 176, 144, yuv420p, mkv, YUV420P, true",
        "libsvtav1, 320, 180, yuv420p, mkv, YUV420P, true",
        "libsvtav1, 320, 180, yuv420p10le, mkv, YUV420P10, true",
        "mpeg4, 352, 288, yuv420p, mp4, YUV420P, true",
        "mpeg2video, 704, 576, yuv420p, ts, YUV420P, true",
        "ffv1, 160, 120, yuv422p10le, mkv, YUV422P10, true",
        "ffv1, 160, 120, yuv444p10le, mkv, YUV444P10, true",
        "ffv1, 160, 120, gray, mkv, GRAY8, true",
        "ffv1, 160, 120, bgra, mkv, BGRA, true",
        "png, 160, 120, rgb24, mkv, RGB24, true",
        "qtrle, 160, 120, rgb24, mov, RGB24, true",
        "rawvideo, 160, 120, nv12, nut, NV12, false",
        "rawvideo, 160, 120, yuv420p, avi, YUV420P, false",
    })
    void slotsHoldWhatAPlainDecoderMakes(
            String encoder,
            int width,
            int height,
            String format,
            String container,
            PixelFormat expected,
            boolean direct)
            throws Exception {
        assumeTrue(TestClip.has(encoder), "no encoder " + encoder);
        Path clip = new TestClip(encoder, width, height, av_get_pix_fmt(format), Map.of())
                .write(directory.resolve("clip." + container), FRAMES);
        TestSlots slots = new TestSlots(2);
        Ingest ingest = runToEnd(clip, slots);

        assertEquals(PlainDecode.checksums(clip), checksums(slots));
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
        assertEquals(1, slots.configs().size());
        assertEquals(expected, slots.configs().get(0).layout().format());
        assertEquals(width, slots.configs().get(0).layout().width());
        assertEquals(height, slots.configs().get(0).layout().height());
        assertEquals(direct ? 0 : FRAMES, ingest.counters().get(IngestCounter.COPIED));
        assertTrue(slots.mostHeld() <= slots.writerSlots().get(0));
        slots.frames().forEach(frame -> assertEquals(!direct, FrameFlag.COPIED.in(frame.flags())));
    }

    static Ingest runToEnd(Path clip, TestSlots slots) throws InterruptedException {
        IngestOptions options = IngestOptions.of(SourceOptions.of(SafeUrl.of(clip.toString())));
        try (Ingest ingest = new Ingest(options, slots, (from, to, cause) -> {})) {
            ingest.start();
            assertTrue(ingest.awaitEnd(Duration.ofSeconds(30)));
            assertEquals(IngestState.ENDED, ingest.state(), () -> String.valueOf(ingest.failure()));
            return ingest;
        }
    }

    static List<Long> checksums(TestSlots slots) {
        return slots.frames().stream().map(TestSlots.Published::checksum).toList();
    }

    @ParameterizedTest
    @CsvSource({
        "hevc-322x182.mkv, YUV420P",
        "hevc-10bit-322x182.mkv, YUV420P10",
        "h264-bframes-322x182.mkv, YUV420P",
        "h264-interlaced-320x180.mkv, YUV420P",
    })
    void picturesThatWaitForOthersStayInTheirSlots(String name, PixelFormat expected) throws Exception {
        Path clip = resource(name);
        TestSlots slots = new TestSlots(2);
        Ingest ingest = runToEnd(clip, slots);

        assertEquals(PlainDecode.checksums(clip), checksums(slots));
        assertEquals(40, slots.frames().size());
        assertEquals(List.of(), slots.violations());
        assertEquals(expected, slots.configs().get(0).layout().format());
        assertEquals(0, ingest.counters().get(IngestCounter.COPIED));
        assertTrue(slots.mostHeld() > 2, "the decoder keeps references in slots");
        assertTrue(slots.mostHeld() <= slots.writerSlots().get(0), () -> slots.mostHeld() + " held");
        assertEquals(0, slots.held());
    }

    @Test
    void interlacedFramesSaySo() throws Exception {
        TestSlots slots = new TestSlots(2);
        runToEnd(resource("h264-interlaced-320x180.mkv"), slots);
        slots.frames().forEach(frame -> {
            assertTrue(FrameFlag.INTERLACED.in(frame.flags()));
            assertTrue(FrameFlag.TOP_FIELD_FIRST.in(frame.flags()));
        });
    }

    /** The planes of such frames begin inside the slot, at no place that a layout could name. */
    @Test
    void framesCroppedAtTheLeftAreCopied() throws Exception {
        Path clip = resource("h264-cropped-left.mkv");
        TestSlots slots = new TestSlots(2);
        Ingest ingest = runToEnd(clip, slots);

        assertEquals(PlainDecode.checksums(clip), checksums(slots));
        assertEquals(40, ingest.counters().get(IngestCounter.COPIED));
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
    }

    @Test
    void fewerSlotsThanAskedForCostCopiesAndThenFrames() throws Exception {
        Path clip = resource("hevc-322x182.mkv");
        TestSlots slots = TestSlots.exactly(4);
        Ingest ingest = runToEnd(clip, slots);

        // a picture that had to be decoded elsewhere is copied; one for which there is no slot at all is dropped
        long published = ingest.counters().get(IngestCounter.PUBLISHED);
        long dropped = ingest.counters().get(IngestCounter.DROPPED_NO_SLOT);
        assertEquals(40, published + dropped);
        assertTrue(ingest.counters().get(IngestCounter.COPIED) > 0);
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
        List<Long> all = PlainDecode.checksums(clip);
        int next = 0;
        int lost = 0;
        for (TestSlots.Published frame : slots.frames()) {
            next += frame.lost();
            lost += frame.lost();
            assertEquals(all.get(next), frame.checksum());
            next++;
        }
        assertTrue(lost <= dropped);
    }

    @Test
    void sizeChangesInMidStream() throws Exception {
        Path first = TestClip.h264(320, 240).write(directory.resolve("a.h264"), 20);
        Path second = TestClip.h264(176, 144).write(directory.resolve("b.h264"), 20);
        Path clip = directory.resolve("both.h264");
        Files.write(clip, Files.readAllBytes(first));
        Files.write(clip, Files.readAllBytes(second), StandardOpenOption.APPEND);
        TestSlots slots = new TestSlots(2);
        Ingest ingest = runToEnd(clip, slots);

        assertEquals(PlainDecode.checksums(clip), checksums(slots));
        assertEquals(40, slots.frames().size());
        assertEquals(2, slots.configs().size());
        assertEquals(320, slots.configs().get(0).layout().width());
        assertEquals(176, slots.configs().get(1).layout().width());
        assertEquals(
                20, slots.frames().stream().filter(f -> f.generation() == 1).count());
        assertTrue(ingest.counters().get(IngestCounter.COPIED) < 5, "only what was decoded before the change is due");
        assertEquals(List.of(), slots.violations());
        assertEquals(0, slots.held());
        for (int i = 1; i < 40; i++) {
            assertTrue(slots.frames().get(i).pts() > slots.frames().get(i - 1).pts(), "time goes on without stamps");
        }
    }

    @Test
    void formatsThatNobodyKnowsAreConverted() throws Exception {
        Path clip = new TestClip("ffv1", 160, 120, av_get_pix_fmt("yuv410p"), Map.of())
                .write(directory.resolve("clip.mkv"), FRAMES);
        TestSlots slots = new TestSlots(2);
        Ingest ingest = runToEnd(clip, slots);

        assertEquals(PixelFormat.YUV420P, slots.configs().get(0).layout().format());
        assertEquals(FRAMES, ingest.counters().get(IngestCounter.CONVERTED));
        assertEquals(
                FRAMES,
                slots.frames().stream()
                        .map(TestSlots.Published::checksum)
                        .distinct()
                        .count());
        assertEquals(List.of(), slots.violations());
    }

    @Test
    void fullRangeIsSaid() throws Exception {
        Path clip =
                new TestClip("mjpeg", 176, 144, AV_PIX_FMT_YUVJ420P, Map.of()).write(directory.resolve("clip.avi"), 3);
        TestSlots slots = new TestSlots(2);
        runToEnd(clip, slots);
        assertTrue(slots.configs().get(0).colour().fullRange());
    }

    @Test
    void slotsAreReleasedWhenTheInputIsStoppedInTheMiddle() throws Exception {
        TestSlots slots = new TestSlots(2);
        SourceOptions source = SourceOptions.of(
                        SafeUrl.of(resource("hevc-322x182.mkv").toString()))
                .withLoop(true);
        CountDownLatch streaming = new CountDownLatch(1);
        try (Ingest ingest = new Ingest(IngestOptions.of(source), slots, (from, to, cause) -> {
            if (to == IngestState.STREAMING) {
                streaming.countDown();
            }
        })) {
            ingest.start();
            assertTrue(streaming.await(20, TimeUnit.SECONDS));
            assertTrue(ingest.stop(Duration.ofSeconds(20)));
            assertEquals(IngestState.CLOSED, ingest.state());
        }
        assertEquals(0, slots.held());
        assertEquals(List.of(), slots.violations());
    }

    private static Path resource(String name) throws Exception {
        return Path.of(DecodeTest.class.getResource("/clips/" + name).toURI());
    }
}
