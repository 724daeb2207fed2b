package io.github.cuframes.tests.gpu;

import io.github.cuframes.subscriber.Frame;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Checksums of frames that a subscriber reads, as {@link PlainDecoder#checksum} has them. One thread. */
final class FrameSum {

    private final CRC32C crc = new CRC32C();
    private ByteBuffer plane = ByteBuffer.allocateDirect(0);

    /** Downloads a frame and sums it up. */
    int of(Frame frame) {
        crc.reset();
        for (int i = 0; i < frame.planeCount(); i++) {
            int size = frame.rows(i) * frame.rowBytes(i);
            if (plane.capacity() < size) {
                plane = ByteBuffer.allocateDirect(size);
            }
            frame.download(i, plane.clear().limit(size));
            crc.update(plane);
        }
        return (int) crc.getValue();
    }

    /** The sum of planes that lie one behind the other, without gaps. */
    int of(ByteBuffer planes) {
        crc.reset();
        crc.update(planes);
        return (int) crc.getValue();
    }

    /** Bytes of a frame's planes without gaps. */
    static int size(Frame frame) {
        int size = 0;
        for (int i = 0; i < frame.planeCount(); i++) {
            size += frame.rows(i) * frame.rowBytes(i);
        }
        return size;
    }
}
