package io.github.cuframes.protocol.frame;

import java.util.Optional;

/** Where frames live, and how another process reaches them. The numbers are those of the wire and are never reused. */
public enum MemoryKind {
    /** Host memory: a sealed file without a name, sent as a read-only descriptor. */
    HOST(1, "host"),
    /** GPU memory of CUDA's virtual-memory API, sent as a POSIX descriptor. */
    CUDA(2, "cuda"),
    /** GPU memory of cuMemAlloc, named by a 64-byte legacy handle. */
    CUDA_IPC(3, "cuda-ipc");

    private final int code;
    private final String label;

    MemoryKind(int code, String label) {
        this.code = code;
        this.label = label;
    }

    /** The number of this kind on the wire. */
    public int code() {
        return code;
    }

    /** The name as commands take and print it. */
    public String label() {
        return label;
    }

    /** This kind in a set of kinds: bit {@code code}. */
    public int bit() {
        return 1 << code;
    }

    /** The kind with a wire number, or nothing for a number that this version does not know. */
    public static Optional<MemoryKind> ofCode(int code) {
        for (MemoryKind kind : values()) {
            if (kind.code == code) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }
}
