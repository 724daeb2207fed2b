package io.github.cuframes.subscriber;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.SlotDescriptor;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A slot as this process sees it: checked once for each generation, shared by all of its frames. Immutable. */
final class SlotView {

    private final FrameMap.Generation generation;
    private final int[] rows;
    private final int[] rowBytes;
    /** The slot's bytes in host memory, which this keeps mapped; else null. */
    private final ByteBuffer bytes;
    /** What the slot lies in on a GPU, else null. */
    private final GpuMemory memory;
    /** Where it begins there. */
    private final long address;

    private SlotView(FrameMap.Generation generation, ByteBuffer bytes, GpuMemory memory, long address) {
        this.generation = generation;
        this.bytes = bytes;
        this.memory = memory;
        this.address = address;
        FrameLayout layout = generation.config().layout();
        int planes = layout.planes().size();
        this.rows = new int[planes];
        this.rowBytes = new int[planes];
        for (int i = 0; i < planes; i++) {
            rows[i] = layout.format().rows(i, layout.height());
            rowBytes[i] = layout.format().rowBytes(i, layout.width());
        }
    }

    /**
     * Checks what the ring says of a slot.
     *
     * @param slab the memory that the descriptor names
     * @param generation as which it was delivered
     * @throws ProtocolException if the slot is not what the generation announced, or lies outside its slab
     */
    static SlotView of(int slot, SlotDescriptor descriptor, FrameMap.Slab slab, FrameMap.Generation generation)
            throws ProtocolException {
        if (descriptor.generation() != generation.number()) {
            throw violation(
                    slot,
                    "is of generation " + descriptor.generation() + " and was delivered as of " + generation.number());
        }
        FrameLayout layout;
        try {
            layout = descriptor.layout();
        } catch (IllegalArgumentException e) {
            throw violation(slot, "has no valid geometry: " + e.getMessage());
        }
        if (!layout.equals(generation.config().layout())) {
            throw violation(slot, "has another geometry than its generation: " + layout);
        }
        if (slab.kind() != generation.kind()) {
            throw violation(
                    slot,
                    "lies in " + slab.kind().label() + " memory, and its generation in "
                            + generation.kind().label());
        }
        long offset = descriptor.offsetInSlab(slab.kind());
        if (offset < 0 || offset > slab.size() - layout.size()) {
            throw violation(
                    slot,
                    "reaches from " + offset + " over " + layout.size() + " bytes, outside its slab of " + slab.size());
        }
        return slab.host() != null
                ? new SlotView(generation, slab.host().slice(offset, layout.size()), null, 0)
                : new SlotView(generation, null, slab.gpu(), slab.gpu().address() + offset);
    }

    private static ProtocolException violation(int slot, String what) {
        return new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, "slot " + slot + " " + what);
    }

    int generation() {
        return generation.number();
    }

    MemoryKind kind() {
        return generation.kind();
    }

    StreamConfig config() {
        return generation.config();
    }

    /** Where frames of the slot are copied to, or null. */
    CopyBuffers copies() {
        return generation.copies();
    }

    /** What the slot lies in on a GPU; null for host memory. */
    GpuMemory memory() {
        return memory;
    }

    /** Where the slot begins on the GPU that it is mapped for. */
    long address() {
        return address;
    }

    /** Bytes from the beginning of the slot to a plane's first sample. */
    int offset(int plane) {
        return config().layout().planes().get(plane).offset();
    }

    int rows(int plane) {
        return rows[plane];
    }

    int rowBytes(int plane) {
        return rowBytes[plane];
    }

    int pitch(int plane) {
        return config().layout().planes().get(plane).pitch();
    }

    /** A new view of a plane, from its first sample to its last. */
    ByteBuffer plane(int plane) {
        PlaneLayout layout = config().layout().planes().get(plane);
        int size = Math.toIntExact((long) layout.pitch() * (rows[plane] - 1) + rowBytes[plane]);
        return bytes.slice(layout.offset(), size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
