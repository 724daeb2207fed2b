package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotState;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The slots of a ring: which have memory, which are free, and what belongs to a generation that is over. Every method
 * wants the publisher's lock. A slot of a retired generation loses its index and its share of the slab as soon as
 * nobody holds it, and the slab's memory goes with its last slot: into a queue, to be closed without the lock, because
 * unmapping GPU memory takes milliseconds.
 */
final class SlotPool {

    /** Slots begin at pages, so that none shares one with its neighbour. */
    static final int ALIGNMENT = 4096;

    private final RingSlot.Writer writer;
    private final Ring ring;
    private final ArrayDeque<Integer> freeIndexes = new ArrayDeque<>();
    private final ArrayDeque<RingSlot> free = new ArrayDeque<>();
    private final List<Slab> slabs = new ArrayList<>();
    private final ArrayDeque<FrameMemory> finished = new ArrayDeque<>();

    private StreamConfig config;
    private int generation;
    private int nextSlab = 1;
    private int slots;
    private int inUse;
    private long bytes;

    SlotPool(RingSlot.Writer writer, Ring ring) {
        this.writer = writer;
        this.ring = ring;
        for (int i = 0; i < ring.slotCapacity(); i++) {
            freeIndexes.add(i);
        }
    }

    static long stride(StreamConfig config) {
        return (config.layout().size() + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** The generation's configuration; null before the first. */
    StreamConfig config() {
        return config;
    }

    int generation() {
        return generation;
    }

    /** Slots of this generation. */
    int slots() {
        return slots;
    }

    /** Slots that somebody holds, of retired generations too. */
    int inUse() {
        return inUse;
    }

    /** Bytes of all memory that is not closed, of retired generations too. */
    long bytes() {
        return bytes;
    }

    /** Slots that the ring's tables still have room for. */
    int room() {
        return freeIndexes.size();
    }

    /** Ends the current generation and starts the next; its memory comes with {@link #add}. */
    void startGeneration(StreamConfig next) {
        retire();
        config = next;
        generation++;
    }

    /** Ends the current generation: its slots go as they become free. */
    void retire() {
        RingSlot slot;
        while ((slot = free.pollLast()) != null) {
            remove(slot);
        }
        slots = 0;
    }

    /**
     * Makes slots of new memory, which from now on is the pool's: as many as fit, which may be more than were asked for,
     * but no more than the ring has room for.
     */
    Slab add(FrameMemory memory) {
        Slab slab = new Slab(nextSlab++, generation, memory);
        long stride = stride(config);
        slabs.add(slab);
        bytes += memory.size();
        for (long offset = 0; offset + stride <= memory.size() && room() > 0; offset += stride) {
            RingSlot slot = new RingSlot(writer, freeIndexes.removeFirst(), slab, offset, config.layout());
            if (memory.kind() == MemoryKind.CUDA_IPC) {
                byte[] handle = memory.legacyHandle().orElseThrow();
                ring.descriptor(slot.index).write(handle, slab.id(), offset, config.layout(), generation);
            } else {
                ring.descriptor(slot.index).write(slab.id(), offset, config.layout(), generation);
            }
            slab.slots++;
            slots++;
            free.addLast(slot);
        }
        return slab;
    }

    /** The slabs of the current generation. */
    List<Slab> current() {
        return slabs.stream().filter(slab -> slab.generation() == generation).toList();
    }

    /** Takes a free slot for the writer, or null. */
    RingSlot acquire() {
        RingSlot slot = free.pollLast();
        if (slot != null) {
            slot.heldByWriter = true;
            slot.published = false;
            hold(slot);
            ring.descriptor(slot.index).state(SlotState.WRITING);
        }
        return slot;
    }

    void hold(RingSlot slot) {
        if (slot.holds++ == 0) {
            inUse++;
        }
    }

    void drop(RingSlot slot) {
        if (--slot.holds > 0) {
            if (slot.holds == 1 && slot.idle != null) {
                becomeIdle(slot);
            }
            return;
        }
        inUse--;
        if (slot.generation() == generation && config != null) {
            ring.descriptor(slot.index).state(SlotState.FREE);
            free.addLast(slot);
        } else {
            remove(slot);
        }
    }

    /** The one hold left is the writer's, who kept the slot. */
    private void becomeIdle(RingSlot slot) {
        Slot.Idle idle = slot.idle;
        slot.idle = null;
        slot.published = false;
        ring.descriptor(slot.index).state(SlotState.WRITING);
        idle.idle(slot);
    }

    private void remove(RingSlot slot) {
        ring.descriptor(slot.index).state(SlotState.UNUSED);
        freeIndexes.addLast(slot.index);
        if (--slot.slab.slots == 0) {
            slabs.remove(slot.slab);
            finished.addLast(slot.slab.memory());
        }
    }

    /** Memory that nobody here uses any more, for the caller to close without the lock; null if there is none. */
    FrameMemory pollFinished() {
        return finished.pollFirst();
    }

    /** So many bytes of finished memory are closed. */
    void closed(long size) {
        bytes -= size;
    }

    /** Whether there are no slots. */
    boolean isEmpty() {
        return slabs.isEmpty();
    }

    /** Ends everything: what the writer still holds goes with its release. */
    void close() {
        retire();
        config = null;
    }
}
