package io.github.cuframes.subscriber;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
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
import java.util.concurrent.CopyOnWriteArrayList;

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
     * Memory that a MEMORY message brought.
     *
     * @param generation the one that it was announced for
     * @param kind where it is
     * @param size bytes
     * @param host the host's, or null
     * @param reader what maps a GPU's, or null
     * @param gpu a GPU's, or null; of kind CUDA_IPC also while no slot in it was delivered, whose descriptor has the handle
     */
    record Slab(int generation, MemoryKind kind, long size, ImportedMemory host, GpuReader reader, GpuMemory gpu) {
        /** Host memory stays mapped while a buffer of it is reachable, a GPU's while it is held. */
        void retire() {
            if (host != null) {
                host.close();
            } else if (gpu != null) {
                gpu.letGo();
            }
        }
    }

    /** Generations that may be announced without a frame of them. */
    private static final int MOST_GENERATIONS = 1024;

    private final Ring ring;
    private final GpuChoice.Wish wish;
    private final int credits;

    private final Map<Integer, Slab> slabs = new HashMap<>();
    private final Map<Integer, Generation> generations = new HashMap<>();
    private final SlotView[] views;
    private int newestGeneration;
    private int takenGeneration;

    /** One for each GPU that frames lie on: none, or one as a rule. */
    private final List<GpuReader> readers = new CopyOnWriteArrayList<>();

    /** Holds the context of the GPU that will most likely read, or null. */
    private CudaContext warm;

    private boolean closed;

    FrameMap(Ring ring, GpuChoice.Wish wish, int credits) {
        this.ring = ring;
        this.wish = wish;
        this.credits = credits;
        this.views = new SlotView[ring.slotCapacity()];
    }

    /**
     * Prepares for frames on a GPU if that is where they are: its first use takes a process half a second, during which
     * no frame should be waiting.
     *
     * @throws ProtocolException if it cannot be used
     */
    synchronized void warmUp() throws ProtocolException {
        if (closed || ring.memoryKind().filter(kind -> kind != MemoryKind.HOST).isEmpty()) {
            return;
        }
        try {
            List<CudaDevice> seen = Gpus.seen().devices();
            if (wish.name() != null || seen.size() == 1) {
                warm = CudaContext.retain(wish.name() != null ? Cuda.device(wish.name()) : seen.get(0));
            }
        } catch (CudaException | CudaUnavailableException e) {
            throw GpuChoice.unreachable("the GPU cannot be used to read them: " + e.getMessage(), e);
        }
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
        if (known == null && generations.size() >= MOST_GENERATIONS) {
            throw Incoming.violation("generation " + memory.generation() + " was announced, and no frame of the "
                    + generations.size() + " before it was delivered");
        }
        GpuReader reader = memory.kind() == MemoryKind.HOST ? null : reader(memory);
        for (int i = 0; i < memory.slabs().size(); i++) {
            Message.Slab slab = memory.slabs().get(i);
            if (slabs.containsKey(slab.id()) || slabs.size() >= views.length) {
                throw Incoming.violation("slab " + slab.id() + " was announced twice, or is one too many");
            }
            slabs.put(slab.id(), map(memory, slab, reader, i < files.size() ? files.get(i) : null));
        }
        if (known == null) {
            generations.put(
                    memory.generation(),
                    new Generation(memory.generation(), memory.kind(), memory.config(), buffers(memory, reader)));
        }
        newestGeneration = memory.generation();
    }

    private static Slab map(Message.Memory memory, Message.Slab slab, GpuReader reader, FileDescriptor file)
            throws ProtocolException {
        MemoryKind kind = memory.kind();
        ImportedMemory host = null;
        GpuMemory gpu = null;
        if (kind == MemoryKind.HOST) {
            host = Incoming.map(() -> ImportedMemory.map(kind, file, slab.size()));
        } else if (kind == MemoryKind.CUDA) {
            try {
                gpu = reader.map(file, slab.size());
            } catch (IOException e) {
                throw reader.choice().cannotMap(e.getMessage(), e);
            }
        }
        return new Slab(memory.generation(), kind, slab.size(), host, reader, gpu);
    }

    private static Slab open(Slab slab, byte[] legacyHandle) throws ProtocolException {
        try {
            GpuMemory gpu = slab.reader().open(legacyHandle, slab.size());
            return new Slab(slab.generation(), slab.kind(), slab.size(), null, slab.reader(), gpu);
        } catch (IOException e) {
            throw slab.reader().choice().cannotMap(e.getMessage(), e);
        }
    }

    private GpuReader reader(Message.Memory memory) throws ProtocolException {
        GpuChoice choice = GpuChoice.of(wish, memory.kind(), memory.gpu());
        for (GpuReader reader : readers) {
            if (reader.choice().equals(choice)) {
                return reader;
            }
        }
        try {
            GpuReader reader = GpuReader.open(choice);
            readers.add(reader);
            return reader;
        } catch (CudaException e) {
            throw GpuChoice.unreachable("the GPU cannot be used to read them: " + e.getMessage(), e);
        }
    }

    private CopyBuffers buffers(Message.Memory memory, GpuReader reader) throws ProtocolException {
        if (reader == null || !reader.choice().isCopying()) {
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
        int number = known == null ? 0 : descriptor.slab(known.kind());
        Slab slab = known == null ? null : slabs.get(number);
        if (slab == null || closed) {
            return null;
        }
        if (slab.kind() == MemoryKind.CUDA_IPC && slab.gpu() == null) {
            slab = open(slab, descriptor.legacyHandle());
            slabs.put(number, slab);
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
        for (int i = 0; i < readers.size(); i++) { // makes no iterator
            readers.get(i).pending().poll();
        }
    }

    /** Whether frames lie on a GPU. */
    boolean isOnGpu() {
        return !readers.isEmpty();
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
        readers.forEach(GpuReader::letGo);
        if (warm != null) {
            GpuReader.end("context", warm);
        }
    }
}
