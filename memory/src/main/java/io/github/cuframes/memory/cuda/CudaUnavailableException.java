package io.github.cuframes.memory.cuda;

import java.io.IOException;

/** CUDA, or the GPU that was asked for, cannot be used in this process; the message says why and what helps. */
public final class CudaUnavailableException extends IOException {

    private static final long serialVersionUID = 1;

    CudaUnavailableException(String message) {
        super(message);
    }
}
