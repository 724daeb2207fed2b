package io.github.cuframes.producer.decode;

import io.github.cuframes.protocol.frame.FrameLayout;
import java.nio.ByteBuffer;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;

/** A slot's memory as FFmpeg wants it: one address a plane. Made once for each slot of a generation. */
final class SlotMemory {

    /** What the widest vector instructions want. */
    static final int ALIGNMENT = 64;

    private final FrameLayout layout;
    private final BytePointer base;
    private final BytePointer[] planes;

    SlotMemory(ByteBuffer buffer, FrameLayout layout) {
        this(new BytePointer(buffer), layout);
    }

    SlotMemory(BytePointer base, FrameLayout layout) {
        this.layout = layout;
        this.base = base;
        this.planes = new BytePointer[layout.planes().size()];
        for (int i = 0; i < planes.length; i++) {
            planes[i] = base.getPointer(layout.planes().get(i).offset());
        }
    }

    BytePointer base() {
        return base;
    }

    boolean isAligned() {
        return base.address() % ALIGNMENT == 0;
    }

    /** Points a frame's planes here; its buffers are the caller's business. */
    void describeTo(AVFrame frame) {
        for (int i = 0; i < planes.length; i++) {
            frame.data(i, planes[i]);
            frame.linesize(i, layout.planes().get(i).pitch());
        }
    }

    /** Whether a frame's first pixels are where a reader of the slot looks for them. */
    boolean holds(AVFrame frame) {
        for (int i = 0; i < planes.length; i++) {
            if (frame.data(i).address() != planes[i].address()
                    || frame.linesize(i) != layout.planes().get(i).pitch()) {
                return false;
            }
        }
        return true;
    }
}
