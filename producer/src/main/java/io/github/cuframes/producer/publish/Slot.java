package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameLayout;
import java.nio.ByteBuffer;

/**
 * A piece of frame memory in its writer's hands. Any thread may call {@link #release()}; everything else belongs to the
 * thread that acquired the slot.
 */
public interface Slot {

    /** The geometry, which is that of the generation the slot was acquired in. */
    FrameLayout layout();

    /** The bytes of the slot, writable, position 0, limit {@link FrameLayout#size()}; the same object at each call. */
    ByteBuffer buffer();

    /**
     * Offers the frame to the subscribers. The bytes must be complete and must not change until the slot comes back
     * from {@link SlotSource#acquire()}; the writer may go on reading them while it holds the slot. At most once for
     * each acquisition.
     *
     * @param info copied before the call returns, so that the caller can use one object for all frames
     * @return the frame's sequence number, from 1; 0 if the thread was interrupted or told to stop while it
     *     waited for a lossless subscriber, in which case the frame is not published
     * @throws IllegalStateException if the slot is not the caller's, is published already, or the publisher is closed
     */
    long publish(FrameInfo info);

    /** Ends the writer's hold, published or not; once for each acquisition. */
    void release();
}
