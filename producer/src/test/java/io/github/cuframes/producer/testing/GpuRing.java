package io.github.cuframes.producer.testing;

import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.producer.publish.SlotSource;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.standin.StandInControl;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Slots in the memory of a GPU, which check that they are used as agreed. Each published frame is remembered by the
 * checksum of its visible pixels as they are in that memory at the moment of publication. Only the newest frame is read,
 * unless {@link #readAll} says otherwise.
 */
public final class GpuRing implements SlotSource, AutoCloseable {

    /** A published frame. */
    public record Published(
            int generation,
            long address,
            long checksum,
            long pts,
            long ptsNanos,
            long durationNanos,
            long captureNanos,
            int lost,
            int flags) {}

    private final StandInControl control;
    private final FrameMemoryAllocator allocator;
    private final int extra;
    private final List<StreamConfig> configs = new ArrayList<>();
    private final List<Published> frames = new ArrayList<>();
    private final List<GpuSlot> slots = new ArrayList<>();
    private final List<String> violations = new ArrayList<>();
    private Runnable whenConfigured = () -> {};
    private RuntimeException failure;
    private GpuSlot newest;
    private int refusals;
    private boolean readingAll;

    /** As many slots as the writer wants, and a few more for frames that are being read. */
    public GpuRing(StandInControl control, FrameMemoryAllocator allocator, int extra) {
        this.control = control;
        this.allocator = allocator;
        this.extra = extra;
    }

    /** Does something at the end of each configuration, on its thread. */
    public synchronized void whenConfigured(Runnable action) {
        whenConfigured = action;
    }

    /** The next so many calls of acquire find no slot. */
    public synchronized void refuse(int calls) {
        refusals = calls;
    }

    /** What publishing throws from now on. */
    public synchronized void fail(RuntimeException thrown) {
        failure = thrown;
    }

    /** Whether frames published from now on are read until this is called with false. */
    public synchronized void readAll(boolean reading) {
        readingAll = reading;
        if (!reading) {
            for (GpuSlot slot : List.copyOf(slots)) {
                slot.dropUnless(newest);
            }
        }
    }

    @Override
    public synchronized void configure(StreamConfig config, int writerSlots) throws IOException {
        configs.add(config);
        newest = null;
        for (GpuSlot slot : List.copyOf(slots)) {
            if (!readingAll) {
                slot.dropUnless(null);
            }
            slot.closeIfUnused();
        }
        for (int i = 0; i < writerSlots + extra; i++) {
            slots.add(new GpuSlot(allocator.allocate(config.layout().size()), config.layout(), configs.size()));
        }
        whenConfigured.run();
    }

    @Override
    public synchronized Slot acquire() {
        if (refusals > 0) {
            refusals--;
            return null;
        }
        for (GpuSlot slot : slots) {
            if (slot.generation == configs.size() && !slot.held && !slot.read) {
                slot.held = true;
                slot.published = false;
                return slot;
            }
        }
        return null;
    }

    /** The configurations, in the order in which they came. */
    public synchronized List<StreamConfig> configs() {
        return List.copyOf(configs);
    }

    /** The frames, in the order in which they came. */
    public synchronized List<Published> frames() {
        return List.copyOf(frames);
    }

    /** Checksums of the frames. */
    public List<Long> checksums() {
        return frames().stream().map(Published::checksum).toList();
    }

    /** Slots in the writer's hands. */
    public synchronized int held() {
        return (int) slots.stream().filter(slot -> slot.held).count();
    }

    /** Addresses of all slots. */
    public synchronized List<Long> addresses() {
        return slots.stream().map(Slot::deviceAddress).toList();
    }

    /** What was done against the agreement. */
    public synchronized List<String> violations() {
        return List.copyOf(violations);
    }

    /** Frees the memory that nobody holds. */
    @Override
    public synchronized void close() {
        configs.add(null);
        newest = null;
        readAll(false);
        for (GpuSlot slot : List.copyOf(slots)) {
            slot.closeIfUnused();
        }
    }

    private final class GpuSlot implements Slot {
        private final FrameMemory memory;
        private final FrameLayout layout;
        private final int generation;
        private boolean held;
        private boolean published;
        private boolean read;
        private Idle idle;

        GpuSlot(FrameMemory memory, FrameLayout layout, int generation) {
            this.memory = memory;
            this.layout = layout;
            this.generation = generation;
        }

        private void dropUnless(GpuSlot spared) {
            if (this != spared && read) {
                read = false;
                if (idle != null) {
                    Idle told = idle;
                    idle = null;
                    published = false;
                    told.idle(this);
                }
                closeIfUnused();
            }
        }

        private void closeIfUnused() {
            if (!held && !read && generation != configs.size() && slots.remove(this)) {
                memory.close();
            }
        }

        @Override
        public FrameLayout layout() {
            return layout;
        }

        @Override
        public MemoryKind memoryKind() {
            return memory.kind();
        }

        @Override
        public ByteBuffer buffer() {
            throw new UnsupportedOperationException("on a GPU");
        }

        @Override
        public long deviceAddress() {
            return memory.deviceAddress();
        }

        @Override
        public long publish(FrameInfo info) {
            return publish(info, null);
        }

        @Override
        public long publishAndKeep(FrameInfo info, Idle whenIdle) {
            return publish(info, whenIdle);
        }

        private long publish(FrameInfo info, Idle whenIdle) {
            synchronized (GpuRing.this) {
                if (failure != null) {
                    throw failure;
                }
                if (!held || published) {
                    violations.add("published " + (published ? "twice" : "without holding it"));
                }
                if (generation != configs.size()) {
                    violations.add("published in generation " + configs.size() + ", acquired in " + generation);
                }
                published = true;
                read = true;
                idle = whenIdle;
                byte[] bytes = control.peek(deviceAddress(), (int) layout.size());
                frames.add(new Published(
                        generation,
                        deviceAddress(),
                        TestSlots.checksum(ByteBuffer.wrap(bytes), layout),
                        info.pts(),
                        info.ptsNanos(),
                        info.durationNanos(),
                        info.captureNanos(),
                        info.lostBefore(),
                        info.flags()));
                GpuSlot before = newest;
                newest = this;
                if (before != null && !readingAll) {
                    before.dropUnless(newest);
                }
                return frames.size();
            }
        }

        @Override
        public void release() {
            synchronized (GpuRing.this) {
                if (!held) {
                    violations.add("released twice");
                }
                held = false;
                idle = null;
                closeIfUnused();
            }
        }
    }
}
