package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Frame;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C over every byte of a frame that carries a sample, read in place. Not thread-safe. */
final class FrameChecksum {

    private final CRC32C crc = new CRC32C();

    /** The checksum of all planes. */
    long of(Frame frame) {
        crc.reset();
        for (int i = 0; i < frame.planeCount(); i++) {
            ByteBuffer plane = frame.plane(i);
            int pitch = frame.pitch(i);
            int rowBytes = frame.rowBytes(i);
            if (pitch == rowBytes) {
                crc.update(plane);
                continue;
            }
            for (int row = 0; row < frame.rows(i); row++) {
                plane.limit(row * pitch + rowBytes).position(row * pitch);
                crc.update(plane);
            }
        }
        return crc.getValue();
    }
}
