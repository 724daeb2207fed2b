package io.github.cuframes.producer.javacv;

import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_YUV420P;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.ingest.InputException;
import io.github.cuframes.producer.testing.PlainDecode;
import io.github.cuframes.producer.testing.StubServer;
import io.github.cuframes.producer.testing.TestClip;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacv.Frame;
import org.bytedeco.javacv.FrameGrabber;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class InPlaceFrameGrabberTest {

    @TempDir
    Path directory;

    @Test
    void framesAreThePlanesOfTheDecoder() throws Exception {
        Path clip = TestClip.h264(322, 182).write(directory.resolve("clip.mp4"), 30);
        List<Long> sums = new ArrayList<>();
        try (InPlaceFrameGrabber grabber = new InPlaceFrameGrabber(clip.toString())) {
            grabber.start();
            assertEquals(322, grabber.getImageWidth());
            assertEquals(182, grabber.getImageHeight());
            assertEquals(25, grabber.getFrameRate());
            assertEquals(AV_PIX_FMT_YUV420P, grabber.getPixelFormat());
            Frame frame = grabber.grab();
            while (frame != null) {
                assertEquals(sums.size() * 40_000L, frame.timestamp);
                AVFrame decoded = (AVFrame) frame.opaque;
                for (int plane = 0; plane < 3; plane++) {
                    assertEquals(decoded.data(plane).address(), new Pointer(frame.image[plane]).address());
                }
                sums.add(checksum(frame, decoded));
                frame = grabber.grab();
            }
            assertNull(grabber.grab());
        }
        assertEquals(PlainDecode.checksums(clip), sums);
    }

    private static long checksum(Frame frame, AVFrame decoded) {
        CRC32 crc = new CRC32();
        for (int plane = 0; plane < 3; plane++) {
            int width = plane == 0 ? frame.imageWidth : (frame.imageWidth + 1) / 2;
            int height = plane == 0 ? frame.imageHeight : (frame.imageHeight + 1) / 2;
            ByteBuffer bytes = (ByteBuffer) frame.image[plane];
            for (int y = 0; y < height; y++) {
                int start = y * decoded.linesize(plane);
                bytes.limit(start + width).position(start);
                crc.update(bytes);
            }
        }
        return crc.getValue();
    }

    @Test
    void isInterruptedFromAnotherThread() throws Exception {
        try (StubServer server = StubServer.silent();
                InPlaceFrameGrabber grabber =
                        new InPlaceFrameGrabber("rtsp://user:hunter2@127.0.0.1:" + server.port() + "/x")) {
            grabber.setTimeout(300_000);
            CompletableFuture<Throwable> starting =
                    CompletableFuture.supplyAsync(() -> assertThrows(FrameGrabber.Exception.class, grabber::start));
            assertTrue(server.awaitConnection(Duration.ofSeconds(20)));
            grabber.interrupt();
            Throwable thrown = starting.get(20, TimeUnit.SECONDS);
            assertEquals(InputException.Kind.INTERRUPTED, ((InputException) thrown.getCause()).kind());
            assertTrue(!thrown.getMessage().contains("hunter2"), thrown.getMessage());
        }
    }

    @Test
    void timesOut() throws Exception {
        try (StubServer server = StubServer.silent();
                InPlaceFrameGrabber grabber = new InPlaceFrameGrabber("rtsp://127.0.0.1:" + server.port() + "/x")) {
            grabber.setTimeout(300);
            FrameGrabber.Exception thrown = assertThrows(FrameGrabber.Exception.class, grabber::start);
            assertEquals(InputException.Kind.TIMED_OUT, ((InputException) thrown.getCause()).kind());
        }
    }

    @Test
    void refusesToConvert() {
        InPlaceFrameGrabber grabber = new InPlaceFrameGrabber("clip.mp4");
        grabber.setImageMode(FrameGrabber.ImageMode.COLOR);
        FrameGrabber.Exception thrown = assertThrows(FrameGrabber.Exception.class, grabber::start);
        assertTrue(thrown.getMessage().contains("RAW"));
    }
}
