package io.github.cuframes.producer.publish;

import io.github.cuframes.memory.FrameMemory;

/** An allocation of frame memory and how many slots of it still exist. Guarded by the publisher's lock. */
final class Slab {

    private final int id;
    private final int generation;
    private final FrameMemory memory;
    int slots;

    Slab(int id, int generation, FrameMemory memory) {
        this.id = id;
        this.generation = generation;
        this.memory = memory;
    }

    int id() {
        return id;
    }

    int generation() {
        return generation;
    }

    FrameMemory memory() {
        return memory;
    }
}
