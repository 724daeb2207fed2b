package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Frame;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC-32C over bytes of a frame that carry a sample. Not thread-safe. */
final class FrameChecksum {

    private final CRC32C crc = new CRC32C();
    private ByteBuffer row;

    /** The checksum of all planes. */
    long of(Frame frame, HostPixels pixels) {
        crc.reset();
        for (int i = 0; i < frame.planeCount(); i++) {
            ByteBuffer plane = pixels.plane(i);
            int pitch = pixels.pitch(i);
            int rowBytes = frame.rowBytes(i);
            if (pitch == rowBytes) {
                crc.update(plane);
                continue;
            }
            for (int r = 0; r < frame.rows(i); r++) {
                plane.limit(r * pitch + rowBytes).position(r * pitch);
                crc.update(plane);
            }
        }
        return crc.getValue();
    }

    /** The checksum of the first and the last row of each plane, which are all that is fetched from a GPU. */
    long ofEdges(Frame frame) {
        crc.reset();
        for (int i = 0; i < frame.planeCount(); i++) {
            row = HostPixels.reserve(row, frame.rowBytes(i));
            frame.download(i, 0, 1, row, frame.rowBytes(i));
            crc.update(row);
            frame.download(i, frame.rows(i) - 1, 1, row.rewind(), frame.rowBytes(i));
            crc.update(row);
        }
        return crc.getValue();
    }
}
