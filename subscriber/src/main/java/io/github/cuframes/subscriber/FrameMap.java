package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.layout.SlotDescriptor;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.ProtocolException;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Where the frames of one connection lie: generations and slabs as MEMORY messages announced them, each slab mapped once, and
 * slots, each checked once for each generation.
 *
 * <p>One thread at a time uses it; {@link #close()} is for any. Its lock keeps a slab from being mapped after the end.
 */
final class FrameMap implements AutoCloseable {

    /**
     * What holds for the frames of a generation.
     *
     * @param number from 1
     * @param kind where they live
     * @param config geometry, times and colour
     * @param copies where they are copied to, or null
     */
    record Generation(int number, MemoryKind kind, StreamConfig config, CopyBuffers copies) {
        void retire() {
            if (copies != null) {
                copies.retire();
            }
        }
    }

    /**
     * Memory that a MEMORY message brought, of the host or of a GPU; the other is null.
     *
     * @param generation the one that it was announced for
     */
    record Slab(int generation, ImportedMemory host, GpuMemory gpu, MemoryKind kind) {
        long size() {
            return gpu == null ? host.size() : gpu.size();
        }

        /** Host memory stays mapped while a buffer of it is reachable, a GPU's while it is held. */
        void retire() {
            if (gpu == null) {
                host.close();
            } else {
                gpu.letGo();
            }
        }
    }

    private final Ring ring;
    private final GpuChoice.Wish wish;
    private final int credits;

    private final Map<Integer, Slab> slabs = new HashMap<>();
    private final Map<Integer, Generation> generations = new HashMap<>();
    private final SlotView[] views;
    private int newestGeneration;
    private int takenGeneration;

    /** Of the newest generation that lies on a GPU, or null. */
    private volatile GpuReader reader;

    private boolean closed;

    FrameMap(Ring ring, GpuChoice.Wish wish, int credits) {
        this.ring = ring;
        this.wish = wish;
        this.credits = credits;
        this.views = new SlotView[ring.slotCapacity()];
    }

    /** Slots that there may be. */
    int capacity() {
        return views.length;
    }

    /** How many descriptors come with a MEMORY message. */
    static int descriptors(Message.Memory memory) {
        return memory.kind() == MemoryKind.CUDA_IPC ? 0 : memory.slabs().size();
    }

    /**
     * Maps what a MEMORY message brings.
     *
     * @param files {@link #descriptors} of them; closed by this call
     * @throws ProtocolException if the message is wrong, or the memory cannot be reached
     */
    synchronized void announce(Message.Memory memory, List<FileDescriptor> files) throws ProtocolException {
        try {
            if (!closed) {
                map(memory, files);
            }
        } finally {
            files.forEach(Descriptors::close); // those that were not reached
        }
    }

    private void map(Message.Memory memory, List<FileDescriptor> files) throws ProtocolException {
        Generation known = generations.get(memory.generation());
        if (memory.generation() < newestGeneration
                || known != null && (!known.config().equals(memory.config()) || known.kind() != memory.kind())) {
            throw Incoming.violation("generation " + memory.generation() + " was announced after " + newestGeneration
                    + ", or announced anew with another geometry or kind of memory");
        }
        if (memory.kind() != MemoryKind.HOST) {
            findReader(memory);
        }
        for (int i = 0; i < memory.slabs().size(); i++) {
            Message.Slab slab = memory.slabs().get(i);
            if (slabs.containsKey(slab.id()) || slabs.size() >= views.length) {
                throw Incoming.violation("slab " + slab.id() + " was announced twice, or is one too many");
            }
            slabs.put(slab.id(), map(memory, slab, i < files.size() ? files.get(i) : null));
        }
        if (known == null) {
            generations.put(
                    memory.generation(),
                    new Generation(memory.generation(), memory.kind(), memory.config(), buffers(memory)));
        }
        newestGeneration = memory.generation();
    }

    private Slab map(Message.Memory memory, Message.Slab slab, FileDescriptor file) throws ProtocolException {
        MemoryKind kind = memory.kind();
        if (kind == MemoryKind.HOST) {
            ImportedMemory host = Incoming.map(() -> ImportedMemory.map(kind, file, slab.size()));
            return new Slab(memory.generation(), host, null, kind);
        }
        try {
            GpuMemory gpu = kind == MemoryKind.CUDA
                    ? reader.map(file, slab.size())
                    : reader.open(handle(memory.generation(), slab.id()), slab.size());
            return new Slab(memory.generation(), null, gpu, kind);
        } catch (ProtocolException e) {
            throw e;
        } catch (IOException e) {
            throw reader.choice().cannotMap(e.getMessage(), e);
        }
    }

    /** A slab's legacy handle, which stands in the descriptor of each of its slots. */
    private byte[] handle(int generation, int slab) throws ProtocolException {
        for (int i = 0; i < views.length; i++) {
            SlotDescriptor descriptor = ring.descriptor(i);
            if (descriptor.generation() == generation && descriptor.slab(MemoryKind.CUDA_IPC) == slab) {
                return descriptor.legacyHandle();
            }
        }
        throw Incoming.violation(
                "slab " + slab + " was announced, and no slot of generation " + generation + " has its handle");
    }

    private void findReader(Message.Memory memory) throws ProtocolException {
        GpuChoice choice = GpuChoice.of(wish, memory.kind(), memory.gpu());
        if (reader != null && reader.choice().equals(choice)) {
            return;
        }
        GpuReader before = reader;
        try {
            reader = GpuReader.open(choice);
        } catch (CudaException e) {
            throw GpuChoice.unreachable("the GPU cannot be used to read them: " + e.getMessage(), e);
        }
        if (before != null) {
            before.letGo();
        }
    }

    private CopyBuffers buffers(Message.Memory memory) throws ProtocolException {
        if (memory.kind() == MemoryKind.HOST || !reader.choice().isCopying()) {
            return null;
        }
        try {
            return new CopyBuffers(reader, memory.config().layout().size(), credits);
        } catch (IOException e) {
            throw GpuChoice.unreachable(
                    "there is no room on GPU " + reader.choice().reading() + " for copies of them: " + e.getMessage(),
                    e);
        }
    }

    /**
     * A slot, checked when its generation is new.
     *
     * @return null if the generation or the slot's slab was not announced
     */
    SlotView view(int slot, int generation) throws ProtocolException {
        SlotView view = views[slot];
        if (view != null && view.generation() == generation) {
            return view;
        }
        return check(slot, generation);
    }

    /** A slot that was checked. */
    SlotView view(int slot) {
        return views[slot];
    }

    private synchronized SlotView check(int slot, int generation) throws ProtocolException {
        SlotDescriptor descriptor = ring.descriptor(slot);
        Generation known = generations.get(generation);
        Slab slab = known == null ? null : slabs.get(descriptor.slab(known.kind()));
        if (slab == null || closed) {
            return null;
        }
        views[slot] = SlotView.of(slot, descriptor, slab, known);
        return views[slot];
    }

    /** Whether frames of a generation are over, since one of a later one was taken. */
    boolean isOver(int generation) {
        return generation < takenGeneration;
    }

    /** Lets go of what generations before this one had; frames that are still held keep what they lie in. */
    void retire(int generation) {
        if (generation != takenGeneration) {
            takenGeneration = generation;
            retireBefore(generation);
        }
    }

    private synchronized void retireBefore(int generation) {
        for (int i = 0; i < views.length; i++) {
            if (views[i] != null && views[i].generation() < generation) {
                views[i] = null;
            }
        }
        for (Iterator<Generation> all = generations.values().iterator(); all.hasNext(); ) {
            Generation old = all.next();
            if (old.number() < generation) {
                all.remove();
                old.retire();
            }
        }
        for (Iterator<Slab> all = slabs.values().iterator(); all.hasNext(); ) {
            Slab slab = all.next();
            if (slab.generation() < generation) {
                all.remove();
                slab.retire();
            }
        }
    }

    /** Gives back what the GPU has done with. Cheap if there is nothing. */
    void poll() {
        GpuReader current = reader;
        if (current != null) {
            current.pending().poll();
        }
    }

    /** Whether frames lie on a GPU. */
    boolean isOnGpu() {
        return reader != null;
    }

    /** Lets go of all; frames that are held keep what they lie in. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        generations.values().forEach(Generation::retire);
        slabs.values().forEach(Slab::retire);
        if (reader != null) {
            reader.letGo();
        }
    }
}
