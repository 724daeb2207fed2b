package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avutil.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.producer.decode.FrameWriter.Outcome;
import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.testing.GpuRing;
import io.github.cuframes.producer.testing.StandInTest;
import io.github.cuframes.producer.testing.TestSlots;
import io.github.cuframes.protocol.frame.FrameFlag;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.standin.StandInControl.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVCodecParameters;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.IntPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Frames that come out of a decoder in slots. The stand-in driver has no NVDEC: its frames context is asked for frames as
 * FFmpeg's decoder asks it, and they are painted by a transfer. MPEG-2 serves, whose parameters need no headers.
 */
class CudaWriterTest extends StandInTest {

    private static final int WIDTH = 322;
    private static final int HEIGHT = 182;

    private CudaContext context;
    private FrameMemoryAllocator allocator;
    private GpuRing ring;
    private CudaWriter writer;
    private AVCodecContext codec;
    private final FrameInfo info = new FrameInfo();

    @BeforeEach
    void open() throws Exception {
        Ffmpeg.load();
        context = CudaContext.retain(Cuda.device("0"));
        allocator = new CudaMemoryAllocator(context);
        ring = new GpuRing(control, allocator, 3); // the newest, and two that are read
        writer = new CudaWriter(ring, allocator, context, true);
        writer.begin(new Rational(1, 25), new Rational(25, 1));
        codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MPEG2VIDEO));
        writer.prepare(codec);
        assertEquals(0, avcodec_open2(codec, codec.codec(), (AVDictionary) null));
        choose(WIDTH, HEIGHT);
    }

    @AfterEach
    void close() {
        endDecoder();
        writer.close();
        ring.close();
        assertEquals(List.of(), ring.violations());
        assertEquals(0, ring.held(), "slots in the writer's hands");
        context.close();
    }

    private void endDecoder() {
        if (codec != null) {
            avcodec_free_context(codec);
            codec = null;
            writer.finished();
        }
    }

    /** As FFmpeg does when it has read a sequence's headers. */
    private void choose(int width, int height) {
        choose(width, height, (width + 15) & -16, (height + 15) & -16);
    }

    private void choose(int width, int height, int codedWidth, int codedHeight) {
        codec.width(width).height(height).coded_width(codedWidth).coded_height(codedHeight);
        codec.sw_pix_fmt(AV_PIX_FMT_YUV420P);
        if (codec.hw_frames_ctx() != null) {
            var frames = codec.hw_frames_ctx();
            av_buffer_unref(frames);
            codec.hw_frames_ctx(null);
        }
        try (IntPointer offered = new IntPointer(AV_PIX_FMT_CUDA, AV_PIX_FMT_YUV420P, AV_PIX_FMT_NONE)) {
            assertEquals(AV_PIX_FMT_CUDA, writer.chooseFormat(codec, offered));
        }
    }

    /** A frame as it comes out of the decoder. */
    private AVFrame decoded(int value) {
        AVFrame frame = av_frame_alloc();
        assertEquals(0, av_hwframe_get_buffer(codec.hw_frames_ctx(), frame, 0));
        AVFrame painted = av_frame_alloc();
        painted.format(AV_PIX_FMT_NV12).width(codec.coded_width()).height(codec.coded_height());
        assertEquals(0, av_frame_get_buffer(painted, 0));
        for (int plane = 0; plane < 2; plane++) {
            for (int y = 0; y < painted.height() >> plane; y++) {
                for (int x = 0; x < painted.width(); x++) {
                    painted.data(plane).put((long) y * painted.linesize(plane) + x, pixel(plane, x, y, value));
                }
            }
        }
        assertEquals(0, av_hwframe_transfer_data(frame, painted, 0));
        av_frame_free(painted);
        frame.width(codec.width()).height(codec.height());
        frame.color_range(codec.color_range())
                .color_primaries(codec.color_primaries())
                .color_trc(codec.color_trc())
                .colorspace(codec.colorspace());
        return frame;
    }

    private static byte pixel(int plane, int x, int y, int value) {
        return (byte) (3 * x + 7 * y + 11 * plane + value);
    }

    private static long expected(int width, int height, int left, int top, int value) {
        FrameLayout layout = FrameLayout.of(PixelFormat.NV12, width, height, 64);
        ByteBuffer bytes = ByteBuffer.allocate((int) layout.size());
        for (int plane = 0; plane < 2; plane++) {
            for (int y = 0; y < layout.format().rows(plane, height); y++) {
                for (int x = 0; x < width; x++) {
                    bytes.put(
                            layout.planes().get(plane).offset()
                                    + y * layout.planes().get(plane).pitch()
                                    + x,
                            pixel(plane, x + left, y + (top >> plane), value));
                }
            }
        }
        return TestSlots.checksum(bytes, layout);
    }

    private Outcome publish(AVFrame frame) throws IOException {
        try {
            return writer.publish(frame, info.reset());
        } finally {
            av_frame_free(frame);
        }
    }

    private void publishInPlace(int value) throws IOException {
        assertEquals(Outcome.IN_PLACE, publish(decoded(value)));
    }

    @Test
    void framesAreSlotsAndComeBack() throws Exception {
        for (int i = 0; i < 20; i++) {
            publishInPlace(i);
        }
        assertEquals(1, ring.configs().size());
        assertEquals(PixelFormat.NV12, ring.configs().get(0).layout().format());
        for (int i = 0; i < 20; i++) {
            assertEquals(expected(WIDTH, HEIGHT, 0, 0, i), ring.checksums().get(i), "frame " + i);
            assertTrue(ring.addresses().contains(ring.frames().get(i).address()));
            assertFalse(FrameFlag.COPIED.in(ring.frames().get(i).flags()));
        }
        // one being filled, the newest, one that FFmpeg does not have back yet: what WRITER_SLOTS and the newest allow
        assertTrue(ring.held() <= 3, () -> ring.held() + " slots");
    }

    @Test
    void aFrameThatIsReadIsNotWritten() throws Exception {
        ring.readAll(true);
        for (int i = 0; i < 3; i++) {
            publishInPlace(i);
        }
        assertEquals(
                3,
                new HashSet<>(ring.frames().stream()
                                .map(GpuRing.Published::address)
                                .toList())
                        .size());
        ring.readAll(false);
        for (int i = 3; i < 30; i++) {
            publishInPlace(i);
        }
        assertTrue(ring.held() <= 6, "no more slots than there are for the writer, the newest and two readers");
    }

    @Test
    void withoutASlotFramesAreCopiedUntilThereAreSlotsAgain() throws Exception {
        publishInPlace(0);
        AVFrame held = decoded(1); // the only free buffer FFmpeg has is none: it asks for more
        long memory = control.live(Kind.MAPPINGS);
        ring.refuse(1);
        AVFrame beside = decoded(2);
        assertEquals(memory + 1, control.live(Kind.MAPPINGS));
        assertFalse(ring.addresses().contains(beside.data(0).address()));
        assertEquals(Outcome.IN_PLACE, publish(held));
        assertEquals(Outcome.COPIED, publish(beside));
        assertTrue(FrameFlag.COPIED.in(ring.frames().get(2).flags()));
        for (int i = 3; i < 9; i++) {
            publishInPlace(i);
        }
        for (int i = 0; i < 9; i++) {
            assertEquals(expected(WIDTH, HEIGHT, 0, 0, i), ring.checksums().get(i), "frame " + i);
        }
        assertEquals(memory, control.live(Kind.MAPPINGS), "memory beside the ring is closed");
        assertEquals(1, ring.configs().size());
    }

    @Test
    void noSlotForTheCopyEitherIsALostFrame() throws Exception {
        publishInPlace(0);
        AVFrame held = decoded(1);
        ring.refuse(2);
        assertEquals(Outcome.NO_SLOT, publish(decoded(2)));
        assertEquals(Outcome.IN_PLACE, publish(held));
    }

    @Test
    void aFailureToAllocateIsToldByTheDecoder() throws Exception {
        publishInPlace(0);
        AVFrame held = decoded(1);
        control.fail("cuMemCreate", 1, 2);
        ring.refuse(1);
        AVFrame none = av_frame_alloc();
        assertTrue(av_hwframe_get_buffer(codec.hw_frames_ctx(), none, 0) < 0);
        av_frame_free(none);
        Throwable failure = writer.takeFailure();
        assertTrue(failure instanceof CudaException, String.valueOf(failure));
        assertTrue(failure.getMessage().contains("use fewer or smaller frames"), failure.getMessage());
        assertNull(writer.takeFailure());
        assertEquals(Outcome.IN_PLACE, publish(held));
        publishInPlace(2);
    }

    @Test
    void noMemoryForTheFirstFrameIsToldToo() {
        control.fail("cuMemCreate", 2, 2);
        AVFrame none = av_frame_alloc();
        assertTrue(av_hwframe_get_buffer(codec.hw_frames_ctx(), none, 0) < 0);
        av_frame_free(none);
        assertTrue(writer.takeFailure() instanceof CudaException);
    }

    @Test
    void anotherColourStartsAGenerationAndLeavesNothingInTheOldOne() throws Exception {
        publishInPlace(0);
        publishInPlace(1);
        AVFrame changed = decoded(2);
        changed.colorspace(AVCOL_SPC_BT709);
        assertEquals(Outcome.COPIED, publish(changed), "its slot is of the generation before");
        codec.colorspace(AVCOL_SPC_BT709);
        for (int i = 3; i < 8; i++) {
            publishInPlace(i);
        }
        assertEquals(2, ring.configs().size());
        assertEquals(AVCOL_SPC_BT709, ring.configs().get(1).colour().matrix());
        for (int i = 0; i < 8; i++) {
            assertEquals(i < 2 ? 1 : 2, ring.frames().get(i).generation());
            assertEquals(expected(WIDTH, HEIGHT, 0, 0, i), ring.checksums().get(i), "frame " + i);
        }
        assertTrue(ring.held() <= 3);
    }

    @Test
    void anotherSizeInMidStreamGivesTheOldSlotsBack() throws Exception {
        ring.readAll(true);
        for (int i = 0; i < 3; i++) {
            publishInPlace(i);
        }
        AVFrame late = decoded(3); // the old sequence's last picture
        choose(160, 128);
        assertEquals(3 + 1, ring.held());
        codec.width(WIDTH).height(HEIGHT);
        assertEquals(Outcome.COPIED, publish(late));
        codec.width(160).height(128);
        assertEquals(0, ring.held(), "readers have leases of their own");
        for (int i = 4; i < 8; i++) {
            publishInPlace(i);
        }
        ring.readAll(false);
        assertEquals(2, ring.configs().size());
        assertEquals(160, ring.configs().get(1).layout().width());
        for (int i = 4; i < 8; i++) {
            assertEquals(expected(160, 128, 0, 0, i), ring.checksums().get(i));
        }
    }

    @Test
    void whatIsCroppedAtTheLeftAndTheTopIsCutOff() throws Exception {
        choose(WIDTH - 2, HEIGHT - 4, codec.coded_width(), codec.coded_height());
        for (int i = 0; i < 3; i++) {
            AVFrame frame = decoded(i);
            frame.width(WIDTH).height(HEIGHT); // FFmpeg crops frames on a GPU at the right and the bottom only
            frame.crop_left(2);
            frame.crop_top(4);
            assertEquals(Outcome.COPIED, publish(frame));
            assertEquals(
                    expected(WIDTH - 2, HEIGHT - 4, 2, 4, i), ring.checksums().get(i));
        }
        assertEquals(1, ring.configs().size());
        assertEquals(WIDTH - 2, ring.configs().get(0).layout().width());
    }

    @Test
    void theNextDecoderGoesOnInTheSameGeneration() throws Exception {
        publishInPlace(0);
        publishInPlace(1);
        endDecoder();
        assertEquals(0, ring.held());
        writer.begin(new Rational(1, 25), new Rational(25, 1));
        codec = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MPEG2VIDEO));
        writer.prepare(codec);
        assertEquals(0, avcodec_open2(codec, codec.codec(), (AVDictionary) null));
        choose(WIDTH, HEIGHT);
        publishInPlace(2);
        assertEquals(1, ring.configs().size());
    }

    @Test
    void aFrameThatOutlivesDecoderAndWriterKeepsItsSlot() throws Exception {
        publishInPlace(0);
        AVFrame kept = decoded(1);
        List<AVFrame> published = new ArrayList<>(List.of(decoded(2)));
        assertEquals(Outcome.IN_PLACE, writer.publish(published.get(0), info.reset()));
        endDecoder();
        assertEquals(3, ring.held(), "FFmpeg has its frames context for as long as there are frames");
        writer.close();
        Thread other = new Thread(() -> {
            av_frame_free(kept);
            av_frame_free(published.get(0));
        });
        other.start();
        other.join();
        assertEquals(0, ring.held());
    }

    @Test
    void whenPublishingFailsTheSlotComesBackWithTheDecoder() throws Exception {
        publishInPlace(0);
        ring.fail(new IllegalStateException("the publisher of \"cam\" is closed"));
        AVFrame frame = decoded(1);
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> publish(frame));
        assertTrue(e.getMessage().contains("closed"));
        endDecoder();
        assertEquals(0, ring.held());
    }

    @Test
    void aFrameIsPublishedWhenTheGpuHasWrittenIt() throws Exception {
        publishInPlace(0);
        AVFrame frame = decoded(1);
        control.blockAll(true);
        Thread publishing = new Thread(() -> {
            try {
                publish(frame);
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        });
        publishing.start();
        while (control.calls("cuEventSynchronize") == 0) {
            Thread.onSpinWait();
        }
        assertEquals(1, ring.frames().size());
        control.blockAll(false);
        publishing.join();
        assertEquals(2, ring.frames().size());
    }

    @Test
    void aGpuThatFailsIsNoDamagedStream() throws Exception {
        publishInPlace(0);
        writer.damaged();
        control.breakDevice(0, 700);
        CudaException e = assertThrows(CudaException.class, () -> writer.damaged());
        assertTrue(e.getMessage().contains("700") || e.getMessage().contains("ILLEGAL_ADDRESS"), e.getMessage());
        control.reset();
    }

    @Test
    void av1IsNvdecsOnlyIfTheGpuSaysSo() {
        AVCodecParameters parameters = avcodec_parameters_alloc();
        parameters.codec_id(AV_CODEC_ID_AV1);
        parameters.width(1920).height(1080).format(AV_PIX_FMT_YUV420P);
        assertEquals("av1", writer.decoderFor(parameters).name().getString());
        String software = avcodec_find_decoder(AV_CODEC_ID_AV1).name().getString();
        assertNotEquals("av1", software);
        parameters.format(AV_PIX_FMT_YUV420P10LE);
        assertEquals(software, writer.decoderFor(parameters).name().getString());
        parameters.format(AV_PIX_FMT_YUV444P);
        assertEquals(software, writer.decoderFor(parameters).name().getString());
        parameters.format(AV_PIX_FMT_YUV420P).width(7680).height(4320);
        assertEquals(software, writer.decoderFor(parameters).name().getString());
        parameters.format(AV_PIX_FMT_NONE);
        assertEquals(software, writer.decoderFor(parameters).name().getString());
        parameters.codec_id(AV_CODEC_ID_H264);
        assertEquals("h264", writer.decoderFor(parameters).name().getString());
        avcodec_parameters_free(parameters);
    }
}
