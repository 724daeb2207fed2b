package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.watch.CallWatch;
import io.github.cuframes.producer.watch.NativeCall;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;

/** Queues copies of frames into slots on the GPU, on the camera's stream. Belongs to the decoding thread. */
final class Uploader implements AutoCloseable {

    private final CudaHardware hardware;
    private final FrameCopier converter = new FrameCopier();

    // a frame in host memory, converted or turned, on its way to the GPU
    private BytePointer memory;
    private SlotMemory staged;
    private FrameLayout stagedLayout;
    private AVFrame described;
    private boolean closed;

    Uploader(CudaHardware hardware) {
        this.hardware = hardware;
    }

    /** From a frame on the same GPU. */
    void copy(AVFrame frame, Slot slot) throws CudaException {
        CallWatch.enter(hardware.watch(), NativeCall.COPY);
        try {
            queueOnDevice(frame, slot);
        } finally {
            CallWatch.exit(hardware.watch());
        }
    }

    private void queueOnDevice(AVFrame frame, Slot slot) throws CudaException {
        CudaCopy copy = hardware.copy();
        FrameLayout layout = slot.layout();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            // FFmpeg leaves what is to be cut off at the left and the top of a frame on a GPU to whoever reads it
            long left = frame.crop_left() == 0 ? 0 : layout.format().rowBytes(i, (int) frame.crop_left());
            long top = frame.crop_top() == 0 ? 0 : layout.format().rows(i, (int) frame.crop_top());
            copy.onDevice(
                    frame.data(i).address() + top * frame.linesize(i) + left,
                    frame.linesize(i),
                    slot.deviceAddress() + plane.offset(),
                    plane.pitch(),
                    layout.format().rowBytes(i, layout.width()),
                    layout.format().rows(i, layout.height()),
                    hardware.stream().handle());
        }
    }

    /** From a frame in host memory, which has to stay until the copy is done. */
    void upload(AVFrame frame, Slot slot) throws CudaException, DecodeException {
        if (isUpsideDown(frame, slot.layout())) {
            stage(slot.layout());
            converter.copy(frame, staged);
            queue(described, slot);
        } else {
            queue(frame, slot);
        }
    }

    /** Uncompressed video may have its rows from the bottom to the top, which the GPU cannot copy. */
    private static boolean isUpsideDown(AVFrame frame, FrameLayout layout) {
        for (int i = 0; i < layout.planes().size(); i++) {
            if (frame.linesize(i) < 0) {
                return true;
            }
        }
        return false;
    }

    private void queue(AVFrame frame, Slot slot) throws CudaException {
        CallWatch.enter(hardware.watch(), NativeCall.COPY);
        try {
            queueFromHost(frame, slot);
        } finally {
            CallWatch.exit(hardware.watch());
        }
    }

    private void queueFromHost(AVFrame frame, Slot slot) throws CudaException {
        CudaCopy copy = hardware.copy();
        FrameLayout layout = slot.layout();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            copy.toDevice(
                    frame.data(i).address(),
                    frame.linesize(i),
                    slot.deviceAddress() + plane.offset(),
                    plane.pitch(),
                    layout.format().rowBytes(i, layout.width()),
                    layout.format().rows(i, layout.height()),
                    hardware.stream().handle());
        }
    }

    /** From a frame in host memory whose format subscribers do not know. */
    void convert(AVFrame frame, Slot slot) throws CudaException, DecodeException {
        PixelFormat format = slot.layout().format();
        stage(slot.layout());
        converter.convert(frame, staged, format);
        queue(described, slot);
    }

    private void stage(FrameLayout layout) {
        if (layout.equals(stagedLayout)) {
            return;
        }
        free();
        memory = new BytePointer(layout.size() + SlotMemory.ALIGNMENT);
        long misaligned = memory.address() % SlotMemory.ALIGNMENT;
        staged = new SlotMemory(memory.getPointer((SlotMemory.ALIGNMENT - misaligned) % SlotMemory.ALIGNMENT), layout);
        described = av_frame_alloc();
        if (described == null) {
            throw new OutOfMemoryError("av_frame_alloc");
        }
        staged.describeTo(described);
        stagedLayout = layout;
    }

    private void free() {
        if (memory != null) {
            memory.close();
            memory = null;
            stagedLayout = null;
        }
        if (described != null) {
            av_frame_free(described);
            described = null;
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            free();
            converter.close();
        }
    }
}
