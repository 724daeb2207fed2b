package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameLayout;
import java.nio.ByteBuffer;

/**
 * One slot: memory of a slab, an index in the ring's tables, and a count of holds. The writer, being the newest frame,
 * and each lease are a hold each; without any the slot is free. Guarded by the publisher's lock, but for what never
 * changes.
 */
final class RingSlot implements Slot {

    /** What a slot's writer does with it. */
    interface Writer {

        /** See {@link Slot#publish}. */
        long publish(RingSlot slot, FrameInfo info);

        /** See {@link Slot#release}. */
        void release(RingSlot slot);
    }

    final int index;
    final Slab slab;
    private final FrameLayout layout;
    private final ByteBuffer buffer;
    private final Writer writer;

    int holds;
    boolean heldByWriter;
    boolean published;
    long sequence;

    RingSlot(Writer writer, int index, Slab slab, long offset, FrameLayout layout) {
        this.writer = writer;
        this.index = index;
        this.slab = slab;
        this.layout = layout;
        this.buffer = slab.memory().slice(offset, layout.size());
    }

    int generation() {
        return slab.generation();
    }

    @Override
    public FrameLayout layout() {
        return layout;
    }

    @Override
    public ByteBuffer buffer() {
        return buffer;
    }

    @Override
    public long publish(FrameInfo info) {
        return writer.publish(this, info);
    }

    @Override
    public void release() {
        writer.release(this);
    }

    @Override
    public String toString() {
        return "slot " + index + " of generation " + generation();
    }
}
