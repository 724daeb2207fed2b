package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaUnavailableException;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.ProtocolException;
import java.util.Optional;
import java.util.UUID;

/**
 * Which GPUs have to do with the frames of a generation.
 *
 * @param frames the name of the one that they lie on
 * @param mapped the one that the slots are mapped for
 * @param reading the one that the application reads them with; another than {@code mapped} if they are copied
 */
record GpuChoice(UUID frames, CudaDevice mapped, CudaDevice reading) {

    /**
     * What the application asked for.
     *
     * @param name the GPU that is to read, by number or UUID; null for the frames' own or else the first
     * @param copy whether frames of another GPU are copied to that one
     */
    record Wish(String name, boolean copy) {}

    /**
     * Chooses.
     *
     * @throws ProtocolException MEMORY_UNREACHABLE if the wish cannot be fulfilled; says why and what can be done
     */
    static GpuChoice of(Wish wish, MemoryKind kind, Optional<UUID> framesGpu) throws ProtocolException {
        Gpus seen = Gpus.seen();
        if (seen.devices().isEmpty()) {
            throw unreachable(
                    "they are in " + kind.label() + " memory, and this process has " + seen.problem()
                            + "; or start the producer with --memory host",
                    null);
        }
        UUID frames = framesGpu.orElseThrow(
                () -> Incoming.violation("a MEMORY message of kind " + kind.label() + " names no GPU"));
        Optional<CudaDevice> own = seen.find(frames);
        CudaDevice reading = wish.name() == null ? own.orElse(seen.devices().get(0)) : named(wish.name());
        if (!wish.copy()) {
            return new GpuChoice(frames, reading, reading).checked(own);
        }
        CudaDevice mapped = own.orElseThrow(() -> unreachable(
                "they lie on GPU-" + frames + ", which this process does not see and cannot copy from; make it visible"
                        + " (CUDA_VISIBLE_DEVICES, in a container --gpus), or do not ask for copies",
                null));
        return new GpuChoice(frames, mapped, reading);
    }

    private static CudaDevice named(String name) throws ProtocolException {
        try {
            return Cuda.device(name);
        } catch (CudaException | CudaUnavailableException e) {
            throw unreachable(e.getMessage(), e);
        }
    }

    private GpuChoice checked(Optional<CudaDevice> own) throws ProtocolException {
        try {
            if (own.isPresent() && !mapped.canAccess(own.get())) {
                throw cannotMap("these two have no peer access", null);
            }
            return this;
        } catch (CudaException e) {
            throw cannotMap(e.getMessage(), e);
        }
    }

    /** Whether frames are copied from the one to the other. */
    boolean isCopying() {
        return !mapped.equals(reading);
    }

    /** A slab cannot be mapped. */
    ProtocolException cannotMap(String why, Throwable cause) {
        String sentence = mapped.uuid().equals(frames)
                ? "their memory on GPU " + mapped + " cannot be mapped: " + why
                : "they lie on GPU-" + frames + " and cannot be mapped for GPU " + mapped + ", which is to read them ("
                        + why + "); read them on the GPU that they lie on (gpu(\"" + frames
                        + "\"), --gpu), or have them"
                        + " copied (copyToMyGpu(true), --copy-to-my-gpu)";
        return unreachable(sentence, cause);
    }

    static ProtocolException unreachable(String what, Throwable cause) {
        ProtocolException exception = new ProtocolException(ErrorCode.MEMORY_UNREACHABLE, what);
        exception.initCause(cause);
        return exception;
    }
}
