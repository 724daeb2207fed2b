package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaIpcMemoryAllocator;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.memory.cuda.ImportedCudaMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Each GPU: what it is, whether its memory can be shared, what it decodes; and which can read each other's memory. */
final class GpuCheck implements Check {

    /** What is allocated to see whether it can be shared; the GPU rounds it up, to 2 MiB as a rule. */
    private static final long TRIAL_BYTES = 1 << 16;

    private final CudaLibrary cuda;

    GpuCheck(CudaLibrary cuda) {
        this.cuda = cuda;
    }

    @Override
    public void run(Report report) throws IOException {
        List<Map<String, Object>> facts = new ArrayList<>();
        report.fact("gpus", facts);
        if (!cuda.isUsable()) {
            return;
        }
        List<CudaDevice> devices = Cuda.devices();
        for (CudaDevice device : devices) {
            Map<String, Object> fact = new LinkedHashMap<>();
            facts.add(fact);
            fact.put("ordinal", device.ordinal());
            fact.put("uuid", "GPU-" + device.uuid());
            fact.put("name", device.name());
            fact.put("memoryBytes", device.totalMemory());
            look(device, fact, report);
        }
        if (devices.size() > 1) {
            report.add(peers(devices, facts));
        }
    }

    private static void look(CudaDevice device, Map<String, Object> fact, Report report) throws IOException {
        String id = "gpu-" + device.ordinal();
        int major = device.attribute(CudaDevice.Attribute.COMPUTE_CAPABILITY_MAJOR);
        int minor = device.attribute(CudaDevice.Attribute.COMPUTE_CAPABILITY_MINOR);
        fact.put("computeCapability", major + "." + minor);
        try (CudaContext context = CudaContext.retain(device)) {
            long free = context.freeMemory();
            fact.put("freeBytes", free);
            report.add(Finding.ok(
                    id,
                    device + ": " + gib(device.totalMemory()) + " GiB, " + gib(free) + " free, compute capability "
                            + major + "." + minor));
            fact.put("sharesDescriptors", shareDescriptors(context, report));
            fact.put("sharesHandles", shareHandles(context, report));
            new NvdecCheck(context, fact).run(report);
        } catch (IOException | IllegalStateException e) {
            report.add(
                    Finding.problem(
                            id,
                            device + " cannot be used: " + e.getMessage(),
                            "see with nvidia-smi whether its memory is full, its compute mode is Default, and it needs a reset"));
        }
    }

    private static String gib(long bytes) {
        return String.format(Locale.ROOT, "%.1f", bytes / (double) (1 << 30));
    }

    /** Does with a small piece what producer and subscriber do with a ring. */
    private static boolean shareDescriptors(CudaContext context, Report report) {
        String id = "memory-cuda-" + context.device().ordinal();
        try {
            try (FrameMemory memory = new CudaMemoryAllocator(context).allocate(TRIAL_BYTES)) {
                FileDescriptor sent = Descriptors.duplicate(memory.descriptor().orElseThrow());
                ImportedCudaMemory.map(context, sent, memory.size()).close();
            }
        } catch (IOException | IllegalStateException e) {
            report.add(Finding.problem(
                    id,
                    "memory of the GPU cannot be shared as a file descriptor: " + e.getMessage(),
                    "use --memory cuda-ipc or host; virtual machines and MIG may forbid it, a newer driver may help"));
            return false;
        }
        report.works(MemoryKind.CUDA);
        report.add(Finding.ok(
                id, "memory of the GPU can be exported as a file descriptor and mapped read-only: --memory cuda"));
        return true;
    }

    /** Only the owner's half: a process cannot open its own legacy handle. */
    private static boolean shareHandles(CudaContext context, Report report) {
        String id = "memory-cuda-ipc-" + context.device().ordinal();
        try {
            new CudaIpcMemoryAllocator(context).allocate(TRIAL_BYTES).close();
        } catch (IOException | IllegalStateException e) {
            report.add(Finding.note(
                    id,
                    "the GPU gives no legacy handles: " + e.getMessage(),
                    "none is needed for --memory cuda, which is the default"));
            return false;
        }
        report.works(MemoryKind.CUDA_IPC);
        report.add(Finding.ok(id, "the GPU gives legacy handles: --memory cuda-ipc"));
        return true;
    }

    private static Finding peers(List<CudaDevice> devices, List<Map<String, Object>> facts) throws IOException {
        List<String> cannot = new ArrayList<>();
        for (CudaDevice device : devices) {
            List<Integer> readable = new ArrayList<>();
            for (CudaDevice other : devices) {
                if (device.canAccess(other)) {
                    readable.add(other.ordinal());
                } else {
                    cannot.add(other.ordinal() + " by " + device.ordinal());
                }
            }
            facts.get(devices.indexOf(device)).put("canRead", readable);
        }
        if (cannot.isEmpty()) {
            return Finding.ok("peer-access", "each of the " + devices.size() + " GPUs can read the others' memory");
        }
        return Finding.warning(
                "peer-access",
                "memory of one GPU that cannot be read by another: " + String.join(", ", cannot),
                "run subscribers on the producer's GPU, or let them copy through the host (--copy-to-my-gpu)");
    }
}
