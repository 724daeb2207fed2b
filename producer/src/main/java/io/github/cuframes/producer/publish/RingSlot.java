package io.github.cuframes.producer.publish;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * One slot: memory of a slab, an index in the ring's tables, and a count of holds. The writer, being the newest frame,
 * and each lease are a hold each; without any the slot is free. Guarded by the publisher's lock, but for what never
 * changes.
 */
final class RingSlot implements Slot {

    /** What a slot's writer does with it. */
    interface Writer {

        /**
         * See {@link Slot#publish} and {@link Slot#publishAndKeep}.
         *
         * @param idle null if the writer does not keep the slot
         */
        long publish(RingSlot slot, FrameInfo info, Idle idle);

        /** See {@link Slot#release}. */
        void release(RingSlot slot);
    }

    final int index;
    final Slab slab;
    private final FrameLayout layout;
    private final long offset;
    /** Null if the slot is on a GPU. */
    private final ByteBuffer buffer;

    private final Writer writer;

    int holds;
    boolean heldByWriter;
    boolean published;
    /** Whom to tell when only the writer holds the slot; null if nobody. */
    Idle idle;

    long sequence;

    RingSlot(Writer writer, int index, Slab slab, long offset, FrameLayout layout) {
        this.writer = writer;
        this.index = index;
        this.slab = slab;
        this.layout = layout;
        this.offset = offset;
        this.buffer = memoryKind() == MemoryKind.HOST ? slab.memory().slice(offset, layout.size()) : null;
    }

    int generation() {
        return slab.generation();
    }

    @Override
    public FrameLayout layout() {
        return layout;
    }

    @Override
    public MemoryKind memoryKind() {
        return slab.memory().kind();
    }

    @Override
    public ByteBuffer buffer() {
        if (buffer == null) {
            throw new UnsupportedOperationException(this + " is " + memoryKind().label()
                    + " memory, which the host cannot address; write to its device address");
        }
        return buffer;
    }

    @Override
    public long deviceAddress() {
        return slab.memory().deviceAddress() + offset;
    }

    @Override
    public long publish(FrameInfo info) {
        return writer.publish(this, info, null);
    }

    @Override
    public long publishAndKeep(FrameInfo info, Idle whenIdle) {
        return writer.publish(this, info, Objects.requireNonNull(whenIdle, "idle"));
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
