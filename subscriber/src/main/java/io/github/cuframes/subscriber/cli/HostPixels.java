package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.Frame;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A frame's planes for the host to read: in place where they are in host memory, else downloaded into buffers that are used
 * again for the next frame. Valid while the frame is open and until the next one is looked at. Not thread-safe.
 */
final class HostPixels {

    private ByteBuffer[] buffers = {};
    private ByteBuffer[] planes = {};
    private int[] pitches = {};

    /** Looks at a frame; this object. */
    HostPixels look(Frame frame) {
        int count = frame.planeCount();
        if (planes.length != count) {
            buffers = new ByteBuffer[count];
            planes = new ByteBuffer[count];
            pitches = new int[count];
        }
        boolean onGpu = frame.gpu().isPresent();
        for (int i = 0; i < count; i++) {
            pitches[i] = onGpu ? frame.rowBytes(i) : frame.pitch(i);
            if (onGpu) {
                buffers[i] = reserve(buffers[i], frame.rows(i) * frame.rowBytes(i));
                planes[i] = buffers[i];
                frame.download(i, planes[i]);
            } else {
                planes[i] = frame.plane(i);
            }
        }
        return this;
    }

    /** A direct buffer of that size, the old one if it is large enough. */
    static ByteBuffer reserve(ByteBuffer old, int size) {
        ByteBuffer buffer = old == null || old.capacity() < size
                ? ByteBuffer.allocateDirect(size).order(ByteOrder.LITTLE_ENDIAN)
                : old;
        return buffer.clear().limit(size);
    }

    /** A plane from its first sample to its last; not to be written. */
    ByteBuffer plane(int plane) {
        return planes[plane].duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Bytes from one row of {@link #plane} to the next. */
    int pitch(int plane) {
        return pitches[plane];
    }
}
