package io.github.cuframes.producer;

/** Where a producer's frames live. */
public enum Memory {
    /** On a GPU where one can be used, else in host memory. */
    AUTO("auto"),
    /** On a GPU; subscribers get descriptors and map them read-only. */
    CUDA("cuda"),
    /** On a GPU; subscribers open legacy handles, for those that cannot receive descriptors. */
    CUDA_IPC("cuda-ipc"),
    /** In host memory. */
    HOST("host");

    private final String label;

    Memory(String label) {
        this.label = label;
    }

    /** What users call it. */
    public String label() {
        return label;
    }

    @Override
    public String toString() {
        return label;
    }
}
