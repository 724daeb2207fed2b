package io.github.cuframes.tests.gpu;

import static org.bytedeco.ffmpeg.global.avcodec.*;
import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.zip.CRC32C;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVPixFmtDescriptor;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;

/**
 * Decodes a file with FFmpeg as its documentation shows it, into FFmpeg's own memory and with nothing of cuframes but
 * its way to load the libraries: what cuframes' frames and its rate are compared with. Owns what it opens; for one
 * thread.
 */
public final class PlainDecoder implements AutoCloseable {

    /** What decodes. */
    public enum Device {
        /** NVDEC, in the primary context of the first GPU. */
        CUDA,
        /** FFmpeg's own decoder. */
        SOFTWARE
    }

    private final Device device;
    private final AVFormatContext input = new AVFormatContext(null);
    private final AVPacket packet = av_packet_alloc();
    private final AVFrame frame = av_frame_alloc();
    private final AVFrame downloaded = av_frame_alloc();
    private final AVBufferRef hardware = new AVBufferRef(null);
    private AVCodecContext codec;
    private AVStream stream;
    private int repeats;
    private boolean draining;

    /**
     * Opens a file and its video stream.
     *
     * @param repeats how often the file is started over at its end, without draining the decoder between
     * @throws IOException with FFmpeg's sentence
     */
    public PlainDecoder(Path file, Device device, int repeats) throws IOException {
        Ffmpeg.load();
        this.device = device;
        this.repeats = repeats;
        try {
            open(file);
        } catch (IOException | RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private void open(Path file) throws IOException {
        check(avformat_open_input(input, file.toString(), null, (AVDictionary) null), "open " + file);
        check(avformat_find_stream_info(input, (AVDictionary) null), "read " + file);
        int index = check(
                av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, (AVCodec) null, 0), "find video in " + file);
        stream = input.streams(index);
        AVCodec decoder = avcodec_find_decoder(stream.codecpar().codec_id());
        if (decoder == null) {
            throw new IOException("this FFmpeg has no decoder for " + file);
        }
        if (device == Device.CUDA && decoder.name().getString().startsWith("libdav1d")) {
            // the first decoder of AV1 that FFmpeg finds has no hardware
            decoder = avcodec_find_decoder_by_name("av1");
        }
        codec = avcodec_alloc_context3(decoder);
        check(avcodec_parameters_to_context(codec, stream.codecpar()), "read the headers of " + file);
        codec.thread_count(1);
        if (device == Device.CUDA) {
            AVDictionary options = new AVDictionary(null);
            try {
                av_dict_set(options, "primary_ctx", "1", 0);
                check(av_hwdevice_ctx_create(hardware, AV_HWDEVICE_TYPE_CUDA, "0", options, 0), "open the GPU");
            } finally {
                av_dict_free(options);
            }
            codec.hw_device_ctx(av_buffer_ref(hardware));
            codec.get_format(ChooseCuda.INSTANCE);
        }
        check(avcodec_open2(codec, decoder, (AVDictionary) null), "open the decoder for " + file);
    }

    private static int check(int result, String what) throws IOException {
        if (result < 0) {
            throw new IOException("cannot " + what + ": " + Ffmpeg.errorText(result));
        }
        return result;
    }

    /**
     * Decodes the next picture, in the order of display. What the last one lay in is given back first.
     *
     * @return false at the end
     * @throws IOException if the file or the decoder fails, or if NVDEC was asked for and did not decode it
     */
    public boolean next() throws IOException {
        while (true) {
            int received = avcodec_receive_frame(codec, frame);
            if (received == AVERROR_EOF()) {
                return false;
            }
            if (received != AVERROR_EAGAIN()) {
                check(received, "decode");
                if (device == Device.CUDA && frame.format() != AV_PIX_FMT_CUDA) {
                    throw new IOException("NVDEC does not decode this: the frame came in host memory, as "
                            + av_get_pix_fmt_name(frame.format()).getString());
                }
                return true;
            }
            send();
        }
    }

    private void send() throws IOException {
        int read = av_read_frame(input, packet);
        if (read == AVERROR_EOF() && repeats > 0) {
            repeats--;
            check(av_seek_frame(input, stream.index(), 0, AVSEEK_FLAG_BACKWARD), "go back to the start");
            return;
        }
        if (read == AVERROR_EOF() && !draining) {
            draining = true;
            check(avcodec_send_packet(codec, null), "drain the decoder");
            return;
        }
        check(read, "read");
        try {
            if (packet.stream_index() == stream.index()) {
                check(avcodec_send_packet(codec, packet), "decode");
            }
        } finally {
            av_packet_unref(packet);
        }
    }

    /**
     * The picture in host memory, cropped as it is to be shown; downloaded if it lies in the GPU's. Valid until the next
     * call of this object.
     */
    public AVFrame inHostMemory() throws IOException {
        if (device == Device.SOFTWARE) {
            return frame;
        }
        av_frame_unref(downloaded);
        check(av_hwframe_transfer_data(downloaded, frame, 0), "download a frame");
        return downloaded;
    }

    /** The picture where it was decoded. Valid until the next call of this object. */
    AVFrame frame() {
        return frame;
    }

    /** The stream that is decoded. */
    AVStream stream() {
        return stream;
    }

    /** FFmpeg's name for the layout of {@link #inHostMemory()}, such as nv12. */
    public String format() throws IOException {
        return av_get_pix_fmt_name(inHostMemory().format()).getString();
    }

    /** The CRC32C of the picture's planes, one after the other, row by row, without what pads the rows. */
    public int checksum() throws IOException {
        return checksum(inHostMemory());
    }

    /** The same of any picture in host memory. */
    static int checksum(AVFrame picture) {
        CRC32C crc = new CRC32C();
        for (int plane = 0; plane < av_pix_fmt_count_planes(picture.format()); plane++) {
            update(crc, picture, plane);
        }
        return (int) crc.getValue();
    }

    /** The CRC32C of the first plane: the same for yuv420p and nv12. */
    public int lumaChecksum() throws IOException {
        CRC32C crc = new CRC32C();
        update(crc, inHostMemory(), 0);
        return (int) crc.getValue();
    }

    private static void update(CRC32C crc, AVFrame picture, int plane) {
        int bytes = av_image_get_linesize(picture.format(), picture.width(), plane);
        AVPixFmtDescriptor format = av_pix_fmt_desc_get(picture.format());
        int shift = plane == 1 || plane == 2 ? format.log2_chroma_h() : 0;
        int rows = -(-picture.height() >> shift); // rounded up
        int pitch = picture.linesize(plane);
        ByteBuffer all = new BytePointer(picture.data(plane))
                .capacity((long) pitch * (rows - 1) + bytes)
                .asByteBuffer();
        for (int row = 0; row < rows; row++) {
            all.limit(row * pitch + bytes).position(row * pitch);
            crc.update(all);
        }
    }

    @Override
    public void close() {
        av_frame_free(downloaded);
        av_frame_free(frame);
        av_packet_free(packet);
        if (codec != null) {
            avcodec_free_context(codec);
        }
        if (!hardware.isNull()) {
            av_buffer_unref(hardware);
        }
        avformat_close_input(input);
    }

    /** One for all decoders: JavaCPP has trampolines for ten. */
    private static final class ChooseCuda extends AVCodecContext.Get_format_AVCodecContext_IntPointer {
        static final ChooseCuda INSTANCE = new ChooseCuda();

        @Override
        public int call(AVCodecContext codec, IntPointer formats) {
            for (int i = 0; formats.get(i) != AV_PIX_FMT_NONE; i++) {
                if (formats.get(i) == AV_PIX_FMT_CUDA) {
                    return AV_PIX_FMT_CUDA;
                }
            }
            return AV_PIX_FMT_NONE;
        }
    }
}
