package io.github.cuframes.producer.decode;

import static org.bytedeco.ffmpeg.global.avutil.*;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.producer.ffmpeg.Handles;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PlaneLayout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.ffmpeg.avutil.AVBufferPool;
import org.bytedeco.ffmpeg.avutil.AVBufferRef;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVHWFramesContext;
import org.bytedeco.ffmpeg.avutil.Alloc_Pointer_long;
import org.bytedeco.ffmpeg.avutil.Free_Pointer_BytePointer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A frame pool of FFmpeg's whose buffers are slots of a ring. A buffer that it was given once it keeps and uses again
 * whenever the last reference to it is gone, so that a frame that is being read has to be kept referenced: {@link
 * Buffer#keep}. The slots come back when the pool is at its end.
 *
 * <p>FFmpeg asks for a buffer when a frame is due, on the decoding thread, and treats none as a fatal error. Where all
 * slots are in use it gets memory beside the ring, from which the frame has to be copied.
 */
final class CudaFramePool {

    /** What the pool's first buffer waits for, and where its memory comes from. */
    interface Supplier {
        /** Makes the slots what the pool's frames need; called before the first buffer. */
        void prepare(CudaFramePool pool) throws IOException;

        /** A slot, or null if all are in use. */
        Slot acquire();

        /** Memory beside the ring. */
        FrameMemory allocate(long size) throws IOException;

        /** A callback failed, and FFmpeg is going to. */
        void failed(Throwable cause);
    }

    private static final Logger LOG = LoggerFactory.getLogger(CudaFramePool.class);
    private static final Handles<CudaFramePool> POOLS = new Handles<>();
    private static final Handles<Buffer> BUFFERS = new Handles<>();

    private final Supplier supplier;
    private final FrameLayout layout;
    private final long handle;
    private final AVBufferPool pool;
    /** Guarded by itself. */
    private final List<Buffer> buffers = new ArrayList<>();

    private final Handles.Opaque opaque = new Handles.Opaque(0);
    private boolean prepared;
    private boolean told;

    /**
     * Makes a pool the one of a frames context that is not initialized yet; it ends with that context.
     *
     * @param layout of its frames, as FFmpeg lays them out
     */
    CudaFramePool(Supplier supplier, FrameLayout layout, AVHWFramesContext frames) {
        this.supplier = supplier;
        this.layout = layout;
        this.handle = POOLS.register(this);
        this.pool = av_buffer_pool_init2(layout.size(), new Handles.Opaque(handle), Allocate.INSTANCE, null);
        if (pool == null) {
            POOLS.remove(handle);
            throw new OutOfMemoryError("av_buffer_pool_init2");
        }
        frames.pool(pool);
        frames.user_opaque(new Handles.Opaque(handle));
        frames._free(End.INSTANCE);
    }

    private CudaFramePool(CudaFramePool before, FrameLayout layout, AVHWFramesContext frames) {
        this(before.supplier, layout, frames);
        told = before.told;
    }

    FrameLayout layout() {
        return layout;
    }

    /**
     * Has FFmpeg take its next frames from another pool; the frames of this one stay valid while they are referenced, and
     * their slots then go back to the ring.
     *
     * @param frames the context whose pool this is
     */
    CudaFramePool renew(FrameLayout next, AVHWFramesContext frames) {
        CudaFramePool renewed = new CudaFramePool(this, next, frames);
        end();
        return renewed;
    }

    /** The buffer that a frame's pixels lie in, at its beginning and laid out as expected; null if there is none. */
    Buffer find(AVFrame frame) {
        long address = frame.data(0).address();
        synchronized (buffers) {
            for (int i = 0; i < buffers.size(); i++) {
                Buffer buffer = buffers.get(i);
                if (buffer.address == address) {
                    return isLaidOut(frame) ? buffer : null;
                }
            }
        }
        return null;
    }

    private boolean isLaidOut(AVFrame frame) {
        long base = frame.data(0).address();
        for (int i = 0; i < layout.planes().size(); i++) {
            PlaneLayout plane = layout.planes().get(i);
            if (frame.data(i).address() - base != plane.offset() || frame.linesize(i) != plane.pitch()) {
                return false;
            }
        }
        return true;
    }

    /** Gives FFmpeg back the buffers of frames that nobody reads any more. */
    void recycle() {
        synchronized (buffers) {
            for (int i = 0; i < buffers.size(); i++) {
                buffers.get(i).recycle();
            }
        }
    }

    /**
     * Lets go of all frames, read or not: their slots are no longer written, because the decoder is gone.
     */
    void abandon() {
        List<Buffer> all;
        synchronized (buffers) {
            all = List.copyOf(buffers);
        }
        all.forEach(Buffer::letGo); // may remove them from the list
    }

    private AVBufferRef allocate() throws IOException {
        if (!prepared) {
            supplier.prepare(this);
            prepared = true;
        }
        Slot slot = supplier.acquire();
        FrameMemory beside = slot == null ? supplier.allocate(layout.size()) : null;
        if (beside != null && !told) {
            told = true;
            LOG.warn("all slots are in use: the decoder gets memory beside the ring, and its frames are copied");
        }
        Buffer buffer = new Buffer(this, slot, beside);
        long number = BUFFERS.register(buffer);
        AVBufferRef reference =
                av_buffer_create(new Address(buffer.address), layout.size(), Return.INSTANCE, opaque.set(number), 0);
        if (reference == null) {
            BUFFERS.remove(number);
            buffer.end();
            throw new OutOfMemoryError("av_buffer_create");
        }
        synchronized (buffers) {
            buffers.add(buffer);
        }
        return reference;
    }

    /** No frame is taken from it any more: whoever still reads one holds a lease, and the slots need no keeping. */
    private void end() {
        POOLS.remove(handle);
        av_buffer_pool_uninit(pool); // lives on until its buffers have come back
        abandon();
    }

    /**
     * One buffer of the pool. {@link #idle} and {@link #letGo} are called by any thread, as FFmpeg's last reference may end on
     * any; everything else by the decoding one.
     */
    static final class Buffer implements Slot.Idle {
        private final CudaFramePool pool;
        private final Slot slot;
        private final FrameMemory beside;
        private final long address;
        private final AtomicReference<AVBufferRef> kept = new AtomicReference<>();
        /** Written under the publisher's lock, read by the decoding thread. */
        private volatile boolean idle;

        private Buffer(CudaFramePool pool, Slot slot, FrameMemory beside) {
            this.pool = pool;
            this.slot = slot;
            this.beside = beside;
            this.address = slot != null ? slot.deviceAddress() : beside.deviceAddress();
        }

        /** Null if it lies beside the ring. */
        Slot slot() {
            return slot;
        }

        /** Whether it is a slot of this pool's generation that is not published already. */
        boolean isPublishableFrom(CudaFramePool current) {
            return slot != null && pool == current && kept.get() == null;
        }

        /** Whether it is memory beside the ring, for want of a slot. */
        boolean isBesideOf(CudaFramePool current) {
            return slot == null && pool == current;
        }

        /** Keeps FFmpeg from writing to it until {@link #idle}. */
        void keep(AVFrame frame) {
            idle = false;
            AVBufferRef reference = av_buffer_ref(frame.buf(0));
            if (reference == null) {
                throw new OutOfMemoryError("av_buffer_ref");
            }
            kept.set(reference);
        }

        @Override
        public void idle(Slot unread) {
            idle = true;
        }

        private void recycle() {
            if (idle) {
                letGo();
            }
        }

        void letGo() {
            AVBufferRef reference = kept.getAndSet(null);
            if (reference != null) {
                av_buffer_unref(reference);
            }
        }

        private void end() {
            if (slot != null) {
                slot.release();
            } else {
                beside.close();
            }
        }

        private void comeBack() {
            synchronized (pool.buffers) {
                pool.buffers.remove(this);
            }
            end();
        }
    }

    /** A device address dressed as a pointer, which nobody on the host may follow. */
    private static final class Address extends BytePointer {
        Address(long value) {
            super((Pointer) null);
            address = value;
        }
    }

    // One callback object of a kind for all pools: JavaCPP has trampolines for ten. Nothing may be thrown through C.

    private static final class Allocate extends Alloc_Pointer_long {
        static final Allocate INSTANCE = new Allocate();

        @Override
        public AVBufferRef call(Pointer handle, long size) {
            CudaFramePool pool = POOLS.get(handle.address());
            if (pool == null) {
                return null;
            }
            try {
                return pool.allocate();
            } catch (IOException | RuntimeException | Error e) {
                pool.supplier.failed(e);
                return null;
            }
        }
    }

    private static final class Return extends Free_Pointer_BytePointer {
        static final Return INSTANCE = new Return();

        @Override
        public void call(Pointer handle, BytePointer data) {
            try {
                Buffer buffer = BUFFERS.remove(handle.address());
                if (buffer == null) {
                    LOG.error("FFmpeg returned a buffer that was not lent: {}", handle.address());
                } else {
                    buffer.comeBack();
                }
            } catch (RuntimeException | Error e) {
                LOG.error("a slot could not be released", e);
            }
        }
    }

    private static final class End extends AVHWFramesContext.Free_AVHWFramesContext {
        static final End INSTANCE = new End();

        @Override
        public void call(AVHWFramesContext frames) {
            try {
                CudaFramePool pool = POOLS.get(frames.user_opaque().address());
                if (pool != null) {
                    pool.end();
                }
            } catch (RuntimeException | Error e) {
                LOG.error("a frame pool could not be freed", e);
            }
        }
    }
}
