package io.github.cuframes.producer.testing;

import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.PlaneLayout;
import io.github.cuframes.protocol.frame.StreamConfig;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Slots off the heap, which check that they are used as agreed. Every published frame is remembered by the checksum of
 * its visible pixels, taken at once and again when its slot is about to be reused: it must not have changed.
 */
public final class TestSlots implements SlotSource {

    /** A published frame. */
    public record Published(
            int generation,
            long address,
            long checksum,
            long pts,
            long ptsNanos,
            long captureNanos,
            int lost,
            int flags) {}

    private final int extra;
    private final int most;
    private final List<StreamConfig> configs = new ArrayList<>();
    private final List<Integer> writerSlots = new ArrayList<>();
    private final List<Published> frames = new ArrayList<>();
    private List<Memory> memories = new ArrayList<>();
    private int held;
    private int mostHeld;
    private int refusals;
    private boolean keeping = true;
    private final List<String> violations = new ArrayList<>();

    /** As many slots as the writer wants, and a few more for frames that are being read. */
    public TestSlots(int extra) {
        this(extra, Integer.MAX_VALUE);
    }

    private TestSlots(int extra, int most) {
        this.extra = extra;
        this.most = most;
    }

    /** So many slots, whatever the writer wants. */
    public static TestSlots exactly(int slots) {
        return new TestSlots(slots, slots);
    }

    @Override
    public synchronized void configure(StreamConfig config, int slots) {
        configs.add(config);
        writerSlots.add(slots);
        memories = new ArrayList<>();
        for (int i = 0; i < Math.min(most, slots + extra); i++) {
            memories.add(new Memory(config.layout(), configs.size()));
        }
    }

    @Override
    public synchronized Slot acquire() {
        if (refusals > 0) {
            refusals--;
            return null;
        }
        for (int i = 0; i < memories.size(); i++) {
            Memory memory = memories.get(i);
            if (!memory.held) {
                memory.take();
                // the one that was free longest comes last, as in a ring
                memories.add(memories.remove(i));
                return memory;
            }
        }
        return null;
    }

    /** The next so many calls of acquire find no slot. */
    public synchronized void refuse(int calls) {
        refusals = calls;
    }

    /** Remembers frames or only counts them. */
    public synchronized void keep(boolean value) {
        keeping = value;
    }

    /** The configurations, in the order in which they came. */
    public synchronized List<StreamConfig> configs() {
        return List.copyOf(configs);
    }

    /** The slots asked for with each configuration. */
    public synchronized List<Integer> writerSlots() {
        return List.copyOf(writerSlots);
    }

    /** The frames, in the order in which they came. */
    public synchronized List<Published> frames() {
        return List.copyOf(frames);
    }

    /** Slots in the writer's hands. */
    public synchronized int held() {
        return held;
    }

    /** The most slots that were in the writer's hands at a time. */
    public synchronized int mostHeld() {
        return mostHeld;
    }

    /** What was done against the agreement. */
    public synchronized List<String> violations() {
        memories.forEach(Memory::verify);
        return List.copyOf(violations);
    }

    /** A checksum of the visible pixels of a frame. */
    public static long checksum(ByteBuffer buffer, FrameLayout layout) {
        CRC32 crc = new CRC32();
        ByteBuffer bytes = buffer.duplicate();
        for (int plane = 0; plane < layout.planes().size(); plane++) {
            PlaneLayout where = layout.planes().get(plane);
            for (int row = 0; row < layout.format().rows(plane, layout.height()); row++) {
                int start = where.offset() + row * where.pitch();
                bytes.limit(start + layout.format().rowBytes(plane, layout.width()))
                        .position(start);
                crc.update(bytes);
                bytes.clear();
            }
        }
        return crc.getValue();
    }

    private final class Memory implements Slot {
        private final FrameLayout layout;
        private final int generation;
        private final BytePointer block;
        private final ByteBuffer buffer;
        private boolean held;
        private boolean published;
        private long checksum;
        private boolean checked;

        Memory(FrameLayout layout, int generation) {
            this.layout = layout;
            this.generation = generation;
            block = new BytePointer(layout.size() + 4096);
            Pointer.memset(block, 0x5A, block.capacity());
            long skip = 4096 - block.address() % 4096;
            buffer = block.getPointer(skip).capacity(layout.size()).asByteBuffer();
        }

        private void take() {
            verify();
            held = true;
            published = false;
            checked = false;
            TestSlots.this.held++;
            mostHeld = Math.max(mostHeld, TestSlots.this.held);
        }

        private void verify() {
            if (checked && checksum != checksum(buffer, layout)) {
                violations.add("a published frame was changed");
            }
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
            synchronized (TestSlots.this) {
                if (!held || published) {
                    violations.add("published " + (published ? "twice" : "without holding it"));
                }
                if (generation != configs.size()) {
                    violations.add("published in generation " + configs.size() + ", acquired in " + generation);
                }
                published = true;
                if (keeping) {
                    checksum = checksum(buffer, layout);
                    checked = true;
                    frames.add(new Published(
                            generation,
                            new Pointer(buffer).address(),
                            checksum,
                            info.pts(),
                            info.ptsNanos(),
                            info.captureNanos(),
                            info.lostBefore(),
                            info.flags()));
                }
                return frames.size();
            }
        }

        @Override
        public long publishAndKeep(FrameInfo info, Idle idle) {
            throw new UnsupportedOperationException("nobody reads these frames, so that they never become idle");
        }

        @Override
        public void release() {
            synchronized (TestSlots.this) {
                if (!held) {
                    violations.add("released twice");
                }
                held = false;
                TestSlots.this.held--;
            }
        }
    }
}
