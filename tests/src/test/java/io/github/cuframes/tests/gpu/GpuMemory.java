package io.github.cuframes.tests.gpu;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.subscriber.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Memory of this process on a GPU, and work on it. The GPU's context is the thread's current one when it is made. It ends with the
 * process: to free it would wait for all streams.
 */
final class GpuMemory {

    private final CudaCopy copy;
    private final long address;
    private final int size;

    GpuMemory(CudaContext context, int size) {
        this.copy = new CudaCopy(context);
        this.address = RawCuda.allocate(size);
        this.size = size;
    }

    /** Queues a copy of a frame, its planes one behind the other. */
    void copyFrom(Frame frame, long stream) throws IOException {
        long to = address;
        for (int i = 0; i < frame.planeCount(); i++) {
            int bytes = frame.rowBytes(i);
            copy.onDevice(frame.deviceAddress(i), frame.pitch(i), to, bytes, bytes, frame.rows(i), stream);
            to += (long) bytes * frame.rows(i);
        }
    }

    /** Queues a number of copies within this memory, which take their time. */
    void work(int copies, long stream) throws IOException {
        int half = size / 2;
        for (int i = 0; i < copies; i++) {
            copy.onDevice(address, half, address + half, half, half, 1, stream);
        }
    }

    /** What lies in it when a stream's work is done. */
    int sum(FrameSum sum, long stream) throws IOException {
        ByteBuffer host = ByteBuffer.allocateDirect(size);
        copy.toHost(address, size, host, size, size, 1, stream);
        return sum.of(host);
    }
}
