package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.javacpp.BytePointer;

/** Queues copies of frames into slots on the GPU, on the camera's stream. Belongs to the decoding thread. */
final class Uploader implements AutoCloseable {

    private final CudaHardware hardware;
    private final FrameCopier converter = new FrameCopier();

    // a frame in host memory, converted, on its way to the GPU
    private BytePointer memory;
    private SlotMemory converted;
    private FrameLayout convertedLayout;
    private AVFrame described;
    private boolean closed;

    Uploader(CudaHardware hardware) {
        this.hardware = hardware;
    }

    /** From a frame on the same GPU. */
    void copy(AVFrame frame, Slot slot) throws CudaException {
        CudaCopy copy = hardware.copy();
        FrameLayout layout = slot.layout();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            copy.onDevice(
                    frame.data(i).address(),
                    frame.linesize(i),
                    slot.deviceAddress() + plane.offset(),
                    plane.pitch(),
                    layout.format().rowBytes(i, layout.width()),
                    layout.format().rows(i, layout.height()),
                    hardware.stream().handle());
        }
    }

    /** From a frame in host memory, which has to stay until the copy is done. */
    void upload(AVFrame frame, Slot slot) throws CudaException {
        CudaCopy copy = hardware.copy();
        FrameLayout layout = slot.layout();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            long first = frame.data(i).address();
            int rows = layout.format().rows(i, layout.height());
            int pitch = frame.linesize(i);
            if (pitch < 0) {
                throw new IllegalArgumentException(
                        "a frame that is upside down (pitch " + pitch + ") was not expected");
            }
            copy.toDevice(
                    first,
                    pitch,
                    slot.deviceAddress() + plane.offset(),
                    plane.pitch(),
                    layout.format().rowBytes(i, layout.width()),
                    rows,
                    hardware.stream().handle());
        }
    }

    /** From a frame in host memory whose format subscribers do not know. */
    void convert(AVFrame frame, Slot slot) throws CudaException, DecodeException {
        PixelFormat format = slot.layout().format();
        if (!slot.layout().equals(convertedLayout)) {
            free();
            memory = new BytePointer(slot.layout().size() + SlotMemory.ALIGNMENT);
            convertedLayout = slot.layout();
            long misaligned = memory.address() % SlotMemory.ALIGNMENT;
            converted = new SlotMemory(
                    memory.getPointer((SlotMemory.ALIGNMENT - misaligned) % SlotMemory.ALIGNMENT), convertedLayout);
            described = av_frame_alloc();
            if (described == null) {
                throw new OutOfMemoryError("av_frame_alloc");
            }
            converted.describeTo(described);
        }
        converter.convert(frame, converted, format);
        upload(described, slot);
    }

    private void free() {
        if (memory != null) {
            memory.close();
            memory = null;
            convertedLayout = null;
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
