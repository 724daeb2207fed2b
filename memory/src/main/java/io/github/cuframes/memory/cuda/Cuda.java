package io.github.cuframes.memory.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Whether and where this process can use CUDA. Loads the driver at the first question; any thread may ask. */
public final class Cuda {

    /** The driver's library; the system property {@code cuframes.cuda.library} may name another. */
    static final String LIBRARY = System.getProperty("cuframes.cuda.library", "libcuda.so.1");

    /** The oldest {@link #driverVersion()} that has all functions that cuframes calls: CUDA 12.0. */
    public static final int OLDEST_VERSION = 12000;

    private Cuda() {}

    /** The driver library's name. Loads nothing. */
    public static String library() {
        return LIBRARY;
    }

    /** Initializes the driver once for the process. */
    private static final class Initialized {
        /** 0 where no driver says. */
        static final int VERSION;

        static final String FAILURE;

        static {
            int version = 0;
            String failure;
            try {
                Scratch scratch = Scratch.cleared();
                int code = Driver.cuDriverGetVersion(scratch.address());
                version = code == Driver.SUCCESS ? scratch.getInt(0) : 0;
                failure = code == Driver.SUCCESS
                        ? initialize(version)
                        : "the CUDA driver does not tell its version: " + CudaException.describe(code);
            } catch (LinkageError e) {
                failure = explain(e);
            }
            VERSION = version;
            FAILURE = failure;
        }

        private static String initialize(int version) {
            if (version < OLDEST_VERSION) {
                return "the driver supports CUDA " + text(version) + ", and cuframes needs " + text(OLDEST_VERSION)
                        + "; update the driver to 525 or later; until then use --memory host";
            }
            int code = Driver.cuInit(0);
            if (code != Driver.SUCCESS) {
                return "the CUDA driver does not start: " + CudaException.describe(code)
                        + "; see whether nvidia-smi works here";
            }
            Scratch scratch = Scratch.cleared();
            code = Driver.cuDeviceGetCount(scratch.address());
            if (code != Driver.SUCCESS) {
                return "the CUDA driver does not count the GPUs: " + CudaException.describe(code);
            }
            return scratch.getInt(0) > 0
                    ? null
                    : "the CUDA driver finds no GPU; see CUDA_VISIBLE_DEVICES, and in a container --gpus";
        }

        private static String text(int version) {
            return version / 1000 + "." + version % 1000 / 10;
        }

        /** A missing library shows itself as the error of the class that binds it, or as that error's cause. */
        private static String explain(LinkageError e) {
            Throwable cause = e.getCause() instanceof UnsatisfiedLinkError ? e.getCause() : e;
            String first = cause.getMessage() == null
                    ? cause.toString()
                    : cause.getMessage().lines().skip(1).findFirst().orElse(cause.getMessage());
            return "no usable CUDA driver (" + first + "); install NVIDIA's driver for CUDA 12.0 or later, start a"
                    + " container with --gpus, and see that java.io.tmpdir or jna.tmpdir can be written and allows"
                    + " execution";
        }
    }

    /** Why this process cannot use CUDA, with the remedy; empty if it can. */
    public static Optional<String> unavailable() {
        return Optional.ofNullable(Initialized.FAILURE);
    }

    /**
     * Makes sure that CUDA can be used.
     *
     * @throws CudaUnavailableException if not
     */
    static void require() throws CudaUnavailableException {
        if (Initialized.FAILURE != null) {
            throw new CudaUnavailableException(Initialized.FAILURE);
        }
    }

    /**
     * The CUDA version that the driver supports, as major * 1000 + minor * 10; also of one that is too old to be used. 0
     * where there is none.
     */
    public static int driverVersion() {
        return Initialized.VERSION;
    }

    /** The GPUs that this process sees, in the driver's order; empty where CUDA cannot be used. */
    public static List<CudaDevice> devices() throws CudaException {
        if (Initialized.FAILURE != null) {
            return List.of();
        }
        Scratch scratch = Scratch.cleared();
        CudaException.check(Driver.cuDeviceGetCount(scratch.address()), "cuDeviceGetCount", "list the GPUs");
        int count = scratch.getInt(0);
        List<CudaDevice> devices = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            devices.add(CudaDevice.ofOrdinal(i));
        }
        return devices;
    }

    /** The GPU with a UUID, if this process sees it. */
    public static Optional<CudaDevice> device(UUID uuid) throws CudaException {
        return devices().stream().filter(device -> device.uuid().equals(uuid)).findFirst();
    }

    /**
     * The GPU that a user named.
     *
     * @param name its number in this process, or its UUID with or without {@code GPU-}
     * @throws CudaUnavailableException if there is no such GPU, or none at all; lists those that there are
     */
    public static CudaDevice device(String name) throws CudaException, CudaUnavailableException {
        require();
        String wanted = name.startsWith("GPU-") ? name.substring(4) : name;
        List<CudaDevice> devices = devices();
        for (CudaDevice device : devices) {
            if (wanted.equalsIgnoreCase(device.uuid().toString()) || wanted.equals(String.valueOf(device.ordinal()))) {
                return device;
            }
        }
        throw new CudaUnavailableException("there is no GPU \"" + name + "\"; this process sees " + devices);
    }
}
