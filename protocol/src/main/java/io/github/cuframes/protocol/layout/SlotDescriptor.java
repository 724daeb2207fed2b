package io.github.cuframes.protocol.layout;

import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.PlaneLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a slot's bytes are: 192 bytes in the ring, one for each slot, written by the publisher.
 *
 * <pre>
 *             0         4         8                 16                            64
 *             +---------+---------+-----------------+------------------------------+
 *   HOST,     | slab    |    0    | offset in slab  |  0                           |  memory handle
 *   CUDA      +---------+---------+-----------------+------------------------------+
 *   CUDA_IPC  | legacy handle of the slab                                          |
 *             +--------------------------------------------------------------------+
 *             64        68        72                80                           128
 *             +--------------------------------------------------------------------+
 *   HOST,     |  0                                                                 |  second area
 *   CUDA      +---------+---------+-----------------+------------------------------+
 *   CUDA_IPC  | slab    |    0    | offset in slab  |  0                           |
 *             +---------+---------+-----------------+------------------------------+
 *   128       132       136       140       144                  176      184     192
 *   +---------+---------+---------+---------+--------------------+--------+---+----+
 *   | width   | height  | format  | state   | 4 x (offset,pitch) |  size  |gen| 0  |  geometry and state
 *   +---------+---------+---------+---------+--------------------+--------+---+----+
 * </pre>
 *
 * <p>All but the state is written while nobody has a lease on the slot and stays until its generation is retired;
 * readers come here through a delivered {@link QueueEntry}.
 */
public final class SlotDescriptor {

    static final int SLAB_OFFSET = 0;
    static final int HANDLE_RESERVED_OFFSET = SLAB_OFFSET + Integer.BYTES;
    static final int OFFSET_IN_SLAB_OFFSET = HANDLE_RESERVED_OFFSET + Integer.BYTES;
    static final int SECOND_AREA_OFFSET = 64;
    static final int WIDTH_OFFSET = SECOND_AREA_OFFSET + 64;
    static final int HEIGHT_OFFSET = WIDTH_OFFSET + Integer.BYTES;
    static final int FORMAT_OFFSET = HEIGHT_OFFSET + Integer.BYTES;
    static final int STATE_OFFSET = FORMAT_OFFSET + Integer.BYTES;
    static final int PLANES_OFFSET = STATE_OFFSET + Integer.BYTES;
    static final int SLOT_SIZE_OFFSET = PLANES_OFFSET + PixelFormat.MAX_PLANES * 2 * Integer.BYTES;
    static final int GENERATION_OFFSET = SLOT_SIZE_OFFSET + Long.BYTES;
    static final int RESERVED_OFFSET = GENERATION_OFFSET + Integer.BYTES;

    /** Bytes of a legacy CUDA handle, which fills the first area. */
    public static final int HANDLE_SIZE = SECOND_AREA_OFFSET;

    /** Bytes of the structure. */
    public static final int SIZE = RESERVED_OFFSET + Integer.BYTES;

    private final ByteBuffer ring;
    private final int base;

    SlotDescriptor(ByteBuffer ring, int base) {
        this.ring = ring;
        this.base = base;
    }

    /** Where slab and offset stand: a legacy handle takes the first area, and they make way for it. */
    private int place(MemoryKind kind) {
        return kind == MemoryKind.CUDA_IPC ? base + SECOND_AREA_OFFSET : base;
    }

    /**
     * The slab that holds the slot.
     *
     * @param kind of the slot's generation
     */
    public int slab(MemoryKind kind) {
        return Fields.getInt(ring, place(kind) + SLAB_OFFSET);
    }

    /**
     * Bytes from the start of the slab to the slot.
     *
     * @param kind of the slot's generation
     */
    public long offsetInSlab(MemoryKind kind) {
        return Fields.getLong(ring, place(kind) + OFFSET_IN_SLAB_OFFSET);
    }

    /** The {@link #HANDLE_SIZE} bytes by which a slab of kind {@link MemoryKind#CUDA_IPC} is opened; a new array. */
    public byte[] legacyHandle() {
        byte[] handle = new byte[HANDLE_SIZE];
        ring.get(base, handle);
        return handle;
    }

    /** The generation that the slot belongs to, 0 for none. */
    public int generation() {
        return Fields.getInt(ring, base + GENERATION_OFFSET);
    }

    /** What the slot is used for just now. */
    public SlotState state() {
        return SlotState.ofCode(Fields.getInt(ring, base + STATE_OFFSET));
    }

    /**
     * The geometry.
     *
     * @throws IllegalArgumentException if what stands there is no valid geometry
     */
    public FrameLayout layout() {
        int code = Fields.getInt(ring, base + FORMAT_OFFSET);
        PixelFormat format = PixelFormat.ofCode(code)
                .orElseThrow(() -> new IllegalArgumentException("unknown pixel format number " + code));
        List<PlaneLayout> planes = new ArrayList<>();
        for (int i = 0; i < format.planeCount(); i++) {
            int at = base + PLANES_OFFSET + i * 2 * Integer.BYTES;
            planes.add(new PlaneLayout(Fields.getInt(ring, at), Fields.getInt(ring, at + Integer.BYTES)));
        }
        return new FrameLayout(
                format,
                Fields.getInt(ring, base + WIDTH_OFFSET),
                Fields.getInt(ring, base + HEIGHT_OFFSET),
                planes,
                Fields.getLong(ring, base + SLOT_SIZE_OFFSET));
    }

    /** Gives memory whose slab was sent as a descriptor, of kind HOST or CUDA, to the slot; the publisher's side. */
    public void write(int slab, long offsetInSlab, FrameLayout layout, int generation) {
        clear();
        write(base, slab, offsetInSlab, layout, generation);
    }

    /**
     * Gives memory of kind {@link MemoryKind#CUDA_IPC} to the slot; the publisher's side.
     *
     * @param legacyHandle the slab's, {@link #HANDLE_SIZE} bytes
     */
    public void write(byte[] legacyHandle, int slab, long offsetInSlab, FrameLayout layout, int generation) {
        if (legacyHandle.length != HANDLE_SIZE) {
            throw new IllegalArgumentException(
                    "a legacy handle has " + HANDLE_SIZE + " bytes, not " + legacyHandle.length);
        }
        clear();
        ring.put(base, legacyHandle);
        write(base + SECOND_AREA_OFFSET, slab, offsetInSlab, layout, generation);
    }

    private void clear() {
        for (int i = 0; i < SIZE; i += Long.BYTES) {
            Fields.putLong(ring, base + i, 0);
        }
    }

    private void write(int place, int slab, long offsetInSlab, FrameLayout layout, int generation) {
        Fields.putInt(ring, place + SLAB_OFFSET, slab);
        Fields.putLong(ring, place + OFFSET_IN_SLAB_OFFSET, offsetInSlab);
        Fields.putInt(ring, base + WIDTH_OFFSET, layout.width());
        Fields.putInt(ring, base + HEIGHT_OFFSET, layout.height());
        Fields.putInt(ring, base + FORMAT_OFFSET, layout.format().code());
        for (int i = 0; i < layout.planes().size(); i++) {
            int at = base + PLANES_OFFSET + i * 2 * Integer.BYTES;
            Fields.putInt(ring, at, layout.planes().get(i).offset());
            Fields.putInt(ring, at + Integer.BYTES, layout.planes().get(i).pitch());
        }
        Fields.putLong(ring, base + SLOT_SIZE_OFFSET, layout.size());
        Fields.putInt(ring, base + GENERATION_OFFSET, generation);
        state(SlotState.FREE);
    }

    /** Shows observers what the slot is used for; the publisher's side. */
    public void state(SlotState state) {
        // Pairs with nothing: a hint for observers, who must not draw conclusions from it.
        Fields.putInt(ring, base + STATE_OFFSET, state.code());
    }
}
