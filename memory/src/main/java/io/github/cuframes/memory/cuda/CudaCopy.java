package io.github.cuframes.memory.cuda;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Copies of rectangles: rows of bytes between GPU memory and GPU or host memory. Holds the driver's parameter block, so
 * that a copy makes no garbage. One thread at a time.
 */
public final class CudaCopy {

    private static final int HOST = 1;
    private static final int DEVICE = 2;

    // CUDA_MEMCPY2D
    private static final int SOURCE_TYPE = 16;
    private static final int SOURCE_HOST = 24;
    private static final int SOURCE_DEVICE = 32;
    private static final int SOURCE_PITCH = 48;
    private static final int TARGET_TYPE = 72;
    private static final int TARGET_HOST = 80;
    private static final int TARGET_DEVICE = 88;
    private static final int TARGET_PITCH = 104;
    private static final int WIDTH = 112;
    private static final int HEIGHT = 120;
    private static final int SIZE = 128;

    private final CudaContext context;
    private final ByteBuffer parameters = ByteBuffer.allocateDirect(SIZE).order(ByteOrder.nativeOrder());
    private final long address = Pointer.nativeValue(Native.getDirectBufferPointer(parameters));

    /** Copies of a context's memory. */
    public CudaCopy(CudaContext context) {
        this.context = context;
    }

    /**
     * Queues a copy from GPU to GPU memory.
     *
     * @param from address of the first row
     * @param fromPitch bytes from row to row there
     * @param to address of the first row
     * @param toPitch bytes from row to row there
     * @param rowBytes bytes of each row that are copied
     * @param rows number of rows
     * @param stream a {@code CUstream} of the context
     */
    public void onDevice(long from, long fromPitch, long to, long toPitch, long rowBytes, long rows, long stream)
            throws CudaException {
        describe(DEVICE, from, fromPitch, DEVICE, to, toPitch, rowBytes, rows);
        queue(stream, "copy a frame on the GPU");
    }

    /** Queues a copy from host to GPU memory; the host memory has to stay until it is done. See {@link #onDevice}. */
    public void toDevice(long from, long fromPitch, long to, long toPitch, long rowBytes, long rows, long stream)
            throws CudaException {
        describe(HOST, from, fromPitch, DEVICE, to, toPitch, rowBytes, rows);
        queue(stream, "copy a frame to the GPU");
    }

    /**
     * Copies from GPU to host memory and waits for it. See {@link #onDevice}.
     *
     * @param to direct, written from its position on, which stays
     * @throws IllegalArgumentException if the rows do not fit in there
     */
    public void toHost(long from, long fromPitch, ByteBuffer to, long toPitch, long rowBytes, long rows, long stream)
            throws CudaException {
        if (!to.isDirect() || to.isReadOnly()) {
            throw new IllegalArgumentException("a copy from the GPU needs a direct buffer that can be written");
        }
        if (rowBytes < 0 || rows < 0 || (rows > 1 && toPitch < rowBytes)) {
            throw new IllegalArgumentException(
                    "no rectangle: " + rows + " rows of " + rowBytes + " bytes, " + toPitch + " bytes from row to row");
        }
        long needed = rows == 0 ? 0 : Math.addExact(Math.multiplyExact(toPitch, rows - 1), rowBytes);
        if (to.remaining() < needed) {
            throw new IllegalArgumentException(
                    "a copy from the GPU needs " + needed + " bytes; the buffer has " + to.remaining() + " left");
        }
        long target = Pointer.nativeValue(Native.getDirectBufferPointer(to)) + to.position();
        describe(DEVICE, from, fromPitch, HOST, target, toPitch, rowBytes, rows);
        context.enter();
        try {
            CudaException.check(Driver.cuMemcpy2DAsync(address, stream), "cuMemcpy2DAsync", "copy a frame to the host");
            CudaException.check(Driver.cuStreamSynchronize(stream), "cuStreamSynchronize", "copy a frame to the host");
        } finally {
            Reference.reachabilityFence(to);
            context.leave();
        }
    }

    /**
     * Queues a copy of bytes from one GPU's memory to another's; the driver goes by way of the host where the two have no
     * peer access. Any thread may call it.
     *
     * @param fromContext where {@code from} is mapped
     * @param toContext where {@code to} is mapped, and what the stream is of
     * @param stream a {@code CUstream} of {@code toContext}
     */
    public static void acrossDevices(
            CudaContext fromContext, long from, CudaContext toContext, long to, long size, long stream)
            throws CudaException {
        toContext.enter();
        try {
            int code = Driver.cuMemcpyPeerAsync(to, toContext.handle(), from, fromContext.handle(), size, stream);
            if (code != Driver.SUCCESS) { // the text is made only then: this is done for every frame
                String purpose = "copy a frame from GPU " + fromContext.device() + " to GPU " + toContext.device();
                CudaException.check(code, "cuMemcpyPeerAsync", purpose);
            }
        } finally {
            toContext.leave();
        }
    }

    private void describe(
            int fromType, long from, long fromPitch, int toType, long to, long toPitch, long rowBytes, long rows) {
        parameters.putInt(SOURCE_TYPE, fromType);
        parameters.putLong(fromType == HOST ? SOURCE_HOST : SOURCE_DEVICE, from);
        parameters.putLong(SOURCE_PITCH, fromPitch);
        parameters.putInt(TARGET_TYPE, toType);
        parameters.putLong(toType == HOST ? TARGET_HOST : TARGET_DEVICE, to);
        parameters.putLong(TARGET_PITCH, toPitch);
        parameters.putLong(WIDTH, rowBytes);
        parameters.putLong(HEIGHT, rows);
    }

    private void queue(long stream, String purpose) throws CudaException {
        context.enter();
        try {
            CudaException.check(Driver.cuMemcpy2DAsync(address, stream), "cuMemcpy2DAsync", purpose);
        } finally {
            context.leave();
        }
    }
}
