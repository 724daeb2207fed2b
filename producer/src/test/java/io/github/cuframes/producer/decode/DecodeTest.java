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
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
}
