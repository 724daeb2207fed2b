package io.github.cuframes.subscriber;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.MessageCodec;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * The GPUs that this process sees.
 *
 * @param devices in the driver's order
 * @param problem why there are none, or null
 */
record Gpus(List<CudaDevice> devices, String problem) {

    /** What the process sees does not change while it lives: the driver is asked once. */
    private static final class Seen {
        static final Gpus GPUS = look();

        private static Gpus look() {
            Optional<String> unavailable = Cuda.unavailable();
            if (unavailable.isPresent()) {
                return new Gpus(List.of(), unavailable.get());
            }
            try {
                return new Gpus(List.copyOf(Cuda.devices()), null);
            } catch (CudaException e) {
                return new Gpus(List.of(), "the CUDA driver cannot tell its GPUs: " + e.getMessage());
            }
        }
    }

    /** Those of this process; the first call loads the driver, where there is one. */
    static Gpus seen() {
        return Seen.GPUS;
    }

    /** The memory kinds that this process can map, as HELLO says them. */
    int memoryKinds() {
        return devices.isEmpty()
                ? MemoryKind.HOST.bit()
                : MemoryKind.HOST.bit() | MemoryKind.CUDA.bit() | MemoryKind.CUDA_IPC.bit();
    }

    /** Their names, as HELLO says them. */
    List<UUID> uuids() {
        return devices.stream()
                .limit(MessageCodec.MAX_GPUS)
                .map(CudaDevice::uuid)
                .toList();
    }

    /** One of them by its name. */
    Optional<CudaDevice> find(UUID uuid) {
        return devices.stream().filter(device -> device.uuid().equals(uuid)).findFirst();
    }
}
