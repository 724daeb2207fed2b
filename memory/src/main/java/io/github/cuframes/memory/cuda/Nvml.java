package io.github.cuframes.memory.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How busy the GPUs are, as NVIDIA's management library says: all GPUs that it shows this process, whatever {@code
 * CUDA_VISIBLE_DEVICES} says. Needs no CUDA context. The library is loaded at the first question; any thread may ask, and
 * waits for the driver, which takes milliseconds, or for ever where a GPU has failed badly.
 */
public final class Nvml {

    private static final String LIBRARY = System.getProperty("cuframes.nvml.library", "libnvidia-ml.so.1");

    private static final int SUCCESS = 0;
    private static final int NOT_SUPPORTED = 3;

    // in a thread's scratch
    private static final int HANDLE = 0;
    private static final int UUID = 16;
    private static final int UUID_SIZE = 96;
    // nvmlMemory_t: total, free, used
    private static final int MEMORY = 128;
    private static final int MEMORY_USED = MEMORY + 2 * Long.BYTES;
    private static final int PERCENT = 160;
    private static final int PERIOD = 164;

    /**
     * One GPU at one moment. What it does not tell is empty: the decoder's use of a GPU that is divided (MIG), for one.
     *
     * @param uuid as {@code nvidia-smi -L} shows it
     * @param decoderPercent how much of the last sampling period the decoder was busy
     * @param memoryUsed bytes in use, by all processes
     * @param memoryTotal bytes that there are
     */
    public record Usage(String uuid, OptionalInt decoderPercent, OptionalLong memoryUsed, OptionalLong memoryTotal) {}

    /**
     * All GPUs at one moment.
     *
     * @param gpus those that answered
     * @param problems what did not, each a sentence
     */
    public record Reading(List<Usage> gpus, List<String> problems) {}

    private Nvml() {}

    /** Loads the library once for the process. */
    private static final class Loaded {
        static final String FAILURE = SharedLibraries.problem(LIBRARY).orElseGet(Loaded::initialize);

        private static String initialize() {
            try {
                int code = NvmlLibrary.nvmlInit_v2();
                return code == SUCCESS ? null : LIBRARY + " does not start: " + describe("nvmlInit_v2", code);
            } catch (LinkageError e) {
                return LIBRARY + " cannot be used: " + e.getMessage();
            }
        }
    }

    /** The library's name; the system property {@code cuframes.nvml.library} may name another. Loads nothing. */
    public static String library() {
        return LIBRARY;
    }

    /** Why the library cannot be used; empty if it can. */
    public static Optional<String> unavailable() {
        return Optional.ofNullable(Loaded.FAILURE);
    }

    /** What the GPUs do now; nothing where the library cannot be used. */
    public static Reading read() {
        List<Usage> gpus = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        if (Loaded.FAILURE == null) {
            int count = count(problems);
            for (int i = 0; i < count; i++) {
                usage(i, problems).ifPresent(gpus::add);
            }
        }
        return new Reading(gpus, problems);
    }

    private static int count(List<String> problems) {
        Scratch scratch = Scratch.cleared();
        boolean counted =
                isDone("nvmlDeviceGetCount_v2", NvmlLibrary.nvmlDeviceGetCount_v2(scratch.address()), problems);
        return counted ? scratch.getInt(0) : 0;
    }

    private static Optional<Usage> usage(int index, List<String> problems) {
        Scratch scratch = Scratch.cleared();
        int code = NvmlLibrary.nvmlDeviceGetHandleByIndex_v2(index, scratch.at(HANDLE));
        if (!isDone("nvmlDeviceGetHandleByIndex_v2(" + index + ")", code, problems)) {
            return Optional.empty();
        }
        long device = scratch.getLong(HANDLE);
        if (!isDone(
                "nvmlDeviceGetUUID", NvmlLibrary.nvmlDeviceGetUUID(device, scratch.at(UUID), UUID_SIZE), problems)) {
            return Optional.empty();
        }
        boolean memory = isDone(
                "nvmlDeviceGetMemoryInfo", NvmlLibrary.nvmlDeviceGetMemoryInfo(device, scratch.at(MEMORY)), problems);
        boolean decoder = isDone(
                "nvmlDeviceGetDecoderUtilization",
                NvmlLibrary.nvmlDeviceGetDecoderUtilization(device, scratch.at(PERCENT), scratch.at(PERIOD)),
                problems);
        return Optional.of(new Usage(
                scratch.getText(UUID),
                decoder ? OptionalInt.of(scratch.getInt(PERCENT)) : OptionalInt.empty(),
                memory ? OptionalLong.of(scratch.getLong(MEMORY_USED)) : OptionalLong.empty(),
                memory ? OptionalLong.of(scratch.getLong(MEMORY)) : OptionalLong.empty()));
    }

    /** Whether there is a result; why not is a problem, unless the GPU just does not have it. */
    private static boolean isDone(String function, int code, List<String> problems) {
        if (code != SUCCESS && code != NOT_SUPPORTED) {
            problems.add(describe(function, code));
        }
        return code == SUCCESS;
    }

    private static String describe(String function, int code) {
        return function + ": " + NvmlLibrary.nvmlErrorString(code) + " (" + code + ")";
    }
}
