package io.github.cuframes.memory.cuda;

import com.sun.jna.Native;

/**
 * The functions of NVIDIA's management library that cuframes calls; all exist since NVML 4. Handles and pointers are {@code
 * long}, {@code nvmlReturn_t} is the {@code int} that comes back. Initializing this class loads the library.
 */
final class NvmlLibrary {

    static {
        Native.register(NvmlLibrary.class, Nvml.library());
    }

    private NvmlLibrary() {}

    static native int nvmlInit_v2();

    static native int nvmlDeviceGetCount_v2(long count);

    static native int nvmlDeviceGetHandleByIndex_v2(int index, long device);

    static native int nvmlDeviceGetUUID(long device, long text, int length);

    static native int nvmlDeviceGetMemoryInfo(long device, long memory);

    static native int nvmlDeviceGetDecoderUtilization(long device, long percent, long periodMicros);

    static native String nvmlErrorString(int code);
}
