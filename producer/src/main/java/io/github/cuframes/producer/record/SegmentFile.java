package io.github.cuframes.producer.record;

import static org.bytedeco.ffmpeg.global.avformat.*;
import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.producer.ffmpeg.Ffmpeg;
import io.github.cuframes.producer.ffmpeg.Handles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.BooleanSupplier;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.Seek_Pointer_long_int;
import org.bytedeco.ffmpeg.avformat.Write_packet_Pointer_BytePointer_int;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A file that FFmpeg's muxers write to. It is made with the first bytes, so that there are no empty ones, and when the disk is
 * full room is asked for and the write goes on. One thread's.
 */
final class SegmentFile implements AutoCloseable {

    private static final Handles<SegmentFile> OPEN = new Handles<>();

    /** Most fragments are written at once. */
    private static final int BUFFER = 256 << 10;

    private final Path path;
    private final BooleanSupplier makeRoom;
    private final long handle;
    private final AVIOContext io;
    private FileChannel channel;
    private IOException failure;
    private long written;

    SegmentFile(Path path, BooleanSupplier makeRoom) {
        this.path = path;
        this.makeRoom = makeRoom;
        handle = OPEN.register(this);
        BytePointer buffer = new BytePointer(Ffmpeg.require(av_malloc(BUFFER), "av_malloc"));
        io = Ffmpeg.require(
                avio_alloc_context(buffer, BUFFER, 1, new Handles.Opaque(handle), null, Write.INSTANCE, Seek.INSTANCE),
                "avio_alloc_context");
    }

    Path path() {
        return path;
    }

    /** What the muxer writes to; this object's. */
    AVIOContext io() {
        return io;
    }

    /** Bytes written, with those that were written over. */
    long written() {
        return written;
    }

    /** Whether it is on the disk. */
    boolean exists() {
        return channel != null;
    }

    /** Throws what went wrong while FFmpeg wrote. */
    void check() throws IOException {
        if (failure != null) {
            throw failure;
        }
    }

    /** Where the next byte goes, with nothing left in FFmpeg's buffer. */
    long position() {
        return avio_tell(io);
    }

    /** Cuts off what was written after a position; keeps what went wrong before. */
    void cut(long end) throws IOException {
        if (channel != null) {
            channel.truncate(end);
        }
    }

    private int write(BytePointer bytes, int size) {
        ByteBuffer source = bytes.capacity(size).asByteBuffer();
        while (failure == null && source.hasRemaining()) {
            try {
                if (channel == null) {
                    channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                }
                written += channel.write(source);
            } catch (IOException e) {
                if (!isFull(e) || !makeRoom.getAsBoolean()) {
                    failure = e;
                }
            }
        }
        return failure == null ? size : AVERROR_EIO();
    }

    /** Java has no code for it, and the text is the system's, in any language: so the disk is asked, too. */
    private boolean isFull(IOException e) {
        String text = String.valueOf(e.getMessage());
        if (text.contains("No space left") || text.contains("quota exceeded")) {
            return true;
        }
        try {
            return Files.getFileStore(path.getParent()).getUsableSpace() < BUFFER;
        } catch (IOException second) {
            e.addSuppressed(second);
            return false;
        }
    }

    private long seek(long offset, int whence) {
        try {
            long size = channel == null ? 0 : channel.size();
            if (whence == AVSEEK_SIZE) {
                return size;
            }
            if (channel == null) {
                return offset == 0 ? 0 : AVERROR_EIO();
            }
            // SEEK_SET, SEEK_CUR and SEEK_END of the C library
            long target = offset + (whence == 0 ? 0 : whence == 1 ? channel.position() : size);
            channel.position(target);
            return target;
        } catch (IOException | IllegalArgumentException e) {
            failure = failure == null ? new IOException("cannot seek in " + path + ": " + e.getMessage(), e) : failure;
            return AVERROR_EIO();
        }
    }

    @Override
    public void close() throws IOException {
        if (OPEN.remove(handle) == null) {
            return;
        }
        av_free(io.buffer());
        avio_context_free(io);
        if (channel != null) {
            channel.close();
        }
    }

    /** One for all files: JavaCPP has trampolines for ten. */
    private static final class Write extends Write_packet_Pointer_BytePointer_int {
        static final Write INSTANCE = new Write();

        @Override
        public int call(Pointer opaque, BytePointer bytes, int size) {
            SegmentFile file = OPEN.get(opaque.address());
            return file == null ? AVERROR_EIO() : file.write(bytes, size);
        }
    }

    private static final class Seek extends Seek_Pointer_long_int {
        static final Seek INSTANCE = new Seek();

        @Override
        public long call(Pointer opaque, long offset, int whence) {
            SegmentFile file = OPEN.get(opaque.address());
            return file == null ? AVERROR_EIO() : file.seek(offset, whence & ~AVSEEK_FORCE);
        }
    }
}
