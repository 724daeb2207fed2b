package io.github.cuframes.subscriber;

import io.github.cuframes.memory.ImportedMemory;
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

    private final int generation;
    private final MemoryKind kind;
    private final StreamConfig config;
    private final int[] rows;
    private final int[] rowBytes;
    /** Keeps the mapping alive. */
    private final ByteBuffer bytes;

    private SlotView(int generation, MemoryKind kind, StreamConfig config, ByteBuffer bytes) {
        this.generation = generation;
        this.kind = kind;
        this.config = config;
        this.bytes = bytes;
        FrameLayout layout = config.layout();
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
     * @param config what holds for the generation
     * @throws ProtocolException if the slot is not what the generation announced, or lies outside its slab
     */
    static SlotView of(int slot, SlotDescriptor descriptor, ImportedMemory slab, int generation, StreamConfig config)
            throws ProtocolException {
        if (descriptor.generation() != generation) {
            throw violation(
                    slot, "is of generation " + descriptor.generation() + " and was delivered as of " + generation);
        }
        FrameLayout layout;
        try {
            layout = descriptor.layout();
        } catch (IllegalArgumentException e) {
            throw violation(slot, "has no valid geometry: " + e.getMessage());
        }
        if (!layout.equals(config.layout())) {
            throw violation(slot, "has another geometry than its generation: " + layout);
        }
        try {
            ByteBuffer bytes = slab.slice(descriptor.offsetInSlab(slab.kind()), layout.size());
            return new SlotView(generation, slab.kind(), config, bytes);
        } catch (IndexOutOfBoundsException e) {
            throw violation(
                    slot,
                    "reaches from " + descriptor.offsetInSlab(slab.kind()) + " over " + layout.size()
                            + " bytes, outside its slab of " + slab.size());
        }
    }

    private static ProtocolException violation(int slot, String what) {
        return new ProtocolException(ErrorCode.PROTOCOL_VIOLATION, "slot " + slot + " " + what);
    }

    int generation() {
        return generation;
    }

    MemoryKind kind() {
        return kind;
    }

    StreamConfig config() {
        return config;
    }

    int rows(int plane) {
        return rows[plane];
    }

    int rowBytes(int plane) {
        return rowBytes[plane];
    }

    int pitch(int plane) {
        return config.layout().planes().get(plane).pitch();
    }

    /** A new view of a plane, from its first sample to its last. */
    ByteBuffer plane(int plane) {
        PlaneLayout layout = config.layout().planes().get(plane);
        int size = Math.toIntExact((long) layout.pitch() * (rows[plane] - 1) + rowBytes[plane]);
        return bytes.slice(layout.offset(), size).order(ByteOrder.LITTLE_ENDIAN);
    }
}
