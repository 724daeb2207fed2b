package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.nio.ByteBuffer;

/**
 * A piece of frame memory in its writer's hands. Any thread may call {@link #release()}; everything else belongs to the
 * thread that acquired the slot.
 */
public interface Slot {

    /** Learns that a slot, published by {@link Slot#publishAndKeep}, is its writer's alone again. */
    interface Idle {

        /**
         * Called on any thread, with the publisher's lock held: only note it, in a queue for example. Must not throw, wait,
         * or call the publisher, the slot's methods that publish or release, or native code.
         */
        void idle(Slot slot);
    }

    /** The geometry, which is that of the generation the slot was acquired in. */
    FrameLayout layout();

    /** Where the bytes are. */
    default MemoryKind memoryKind() {
        return MemoryKind.HOST;
    }

    /**
     * The bytes of the slot, writable, position 0, limit {@link FrameLayout#size()}; the same object at each call.
     *
     * @throws UnsupportedOperationException if the slot lies on a GPU; there is {@link #deviceAddress()} then
     */
    ByteBuffer buffer();

    /**
     * Where the slot begins for work on its GPU, as a {@code CUdeviceptr}; valid while the writer holds the slot.
     *
     * @throws UnsupportedOperationException if the slot is not on a GPU
     */
    default long deviceAddress() {
        throw new UnsupportedOperationException(memoryKind().label() + " memory has no device address");
    }

    /**
     * Offers the frame to the subscribers. The bytes must be complete, work on a GPU included, and must not change until the slot comes back
     * from {@link SlotSource#acquire()}; the writer may go on reading them while it holds the slot. At most once for
     * each acquisition.
     *
     * @param info copied before the call returns, so that the caller can use one object for all frames
     * @return the frame's sequence number, from 1; 0 if the thread was interrupted or told to stop while it
     *     waited for a lossless subscriber, in which case the frame is not published
     * @throws IllegalStateException if the slot is not the caller's, is published already, or the publisher is closed
     */
    long publish(FrameInfo info);

    /**
     * Offers the frame as {@link #publish} does, for writers whose slots never go back: the buffers of a decoder's
     * pool. The writer keeps its hold. As soon as nobody else has one, because a newer frame has come and the last
     * lease has ended, {@code idle} is called, once; from then on the slot may be written and published again without
     * being acquired again. Until then it can neither be written nor published. Releasing the slot ends all this, and
     * {@code idle} is not called.
     *
     * <p>A slot of an earlier generation may be published until a frame of a later one was; then only released.
     *
     * @param info as for {@link #publish}
     * @param idle where to say that the writer is alone with the slot; not called if the result is 0
     * @return as for {@link #publish}
     * @throws IllegalStateException as for {@link #publish}; published already means: and not idle since
     */
    long publishAndKeep(FrameInfo info, Idle idle);

    /** Ends the writer's hold, published or not; once for each acquisition. */
    void release();
}
