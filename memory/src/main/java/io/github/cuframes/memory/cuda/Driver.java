package io.github.cuframes.memory.cuda;

import com.sun.jna.FunctionMapper;
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Structure;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The driver functions that cuframes calls, as JNA binds them: some 100 ns a call and no garbage. All exist since CUDA
 * 12.0. Pointers, handles and {@code size_t} are {@code long}, {@code CUresult} is the {@code int} that comes back.
 *
 * <p>Initializing this class loads the driver; {@link Cuda} does it and turns what fails into a sentence.
 */
final class Driver {

    static final int SUCCESS = 0;
    static final int INVALID_VALUE = 1;
    static final int OUT_OF_MEMORY = 2;
    static final int INVALID_CONTEXT = 201;
    static final int NOT_READY = 600;

    /** Functions whose symbol carries the version of their parameters. */
    private static final Set<String> SECOND_VERSION = Set.of(
            "cuDeviceGetUuid",
            "cuDeviceTotalMem",
            "cuDevicePrimaryCtxRelease",
            "cuDevicePrimaryCtxSetFlags",
            "cuCtxPushCurrent",
            "cuCtxPopCurrent",
            "cuMemGetInfo",
            "cuMemAlloc",
            "cuMemFree",
            "cuMemGetAddressRange",
            "cuMemsetD8",
            "cuMemcpy2D",
            "cuMemcpy2DAsync",
            "cuMemcpyDtoDAsync",
            "cuIpcOpenMemHandle",
            "cuStreamDestroy",
            "cuEventDestroy");

    static {
        FunctionMapper symbols = (library, method) -> symbolOf(method.getName());
        Native.register(
                Driver.class, NativeLibrary.getInstance(Cuda.LIBRARY, Map.of(Library.OPTION_FUNCTION_MAPPER, symbols)));
    }

    private Driver() {}

    private static String symbolOf(String function) {
        return SECOND_VERSION.contains(function) ? function + "_v2" : function;
    }

    /** The symbols that are looked up in the library. */
    static List<String> symbols() {
        return Arrays.stream(Driver.class.getDeclaredMethods())
                .filter(method -> Modifier.isNative(method.getModifiers()))
                .map(Method::getName)
                .map(Driver::symbolOf)
                .sorted()
                .toList();
    }

    /** {@code CUipcMemHandle}, which one function takes by value. */
    @Structure.FieldOrder("reserved")
    public static final class IpcHandle extends Structure implements Structure.ByValue {
        // CHECKSTYLE:OFF JNA wants fields that it can write
        /** Opaque. */
        public byte[] reserved = new byte[64];
        // CHECKSTYLE:ON
    }

    static native int cuInit(int flags);

    static native int cuDriverGetVersion(long version);

    static native int cuGetErrorName(int error, long text);

    static native int cuGetErrorString(int error, long text);

    static native int cuDeviceGetCount(long count);

    static native int cuDeviceGet(long device, int ordinal);

    static native int cuDeviceGetName(long name, int length, int device);

    static native int cuDeviceGetUuid(long uuid, int device);

    static native int cuDeviceTotalMem(long bytes, int device);

    static native int cuDeviceGetAttribute(long value, int attribute, int device);

    static native int cuDeviceCanAccessPeer(long can, int device, int peer);

    static native int cuDevicePrimaryCtxRetain(long context, int device);

    static native int cuDevicePrimaryCtxRelease(int device);

    static native int cuDevicePrimaryCtxSetFlags(int device, int flags);

    static native int cuDevicePrimaryCtxGetState(int device, long flags, long active);

    static native int cuCtxPushCurrent(long context);

    static native int cuCtxPopCurrent(long context);

    static native int cuMemGetInfo(long free, long total);

    static native int cuMemGetAllocationGranularity(long granularity, long properties, int option);

    static native int cuMemCreate(long handle, long size, long properties, long flags);

    static native int cuMemRelease(long handle);

    static native int cuMemExportToShareableHandle(long shareable, long handle, int type, long flags);

    static native int cuMemImportFromShareableHandle(long handle, long shareable, int type);

    static native int cuMemAddressReserve(long address, long size, long alignment, long wanted, long flags);

    static native int cuMemAddressFree(long address, long size);

    static native int cuMemMap(long address, long size, long offset, long handle, long flags);

    static native int cuMemUnmap(long address, long size);

    static native int cuMemSetAccess(long address, long size, long descriptions, long count);

    static native int cuMemAlloc(long address, long size);

    static native int cuMemFree(long address);

    static native int cuMemGetAddressRange(long base, long size, long address);

    static native int cuMemsetD8(long address, byte value, long count);

    static native int cuMemcpy2D(long parameters);

    static native int cuMemcpy2DAsync(long parameters, long stream);

    static native int cuMemcpyDtoDAsync(long to, long from, long size, long stream);

    static native int cuMemcpyPeerAsync(long to, long toContext, long from, long fromContext, long size, long stream);

    static native int cuIpcGetMemHandle(long handle, long address);

    static native int cuIpcOpenMemHandle(long address, IpcHandle handle, int flags);

    static native int cuIpcCloseMemHandle(long address);

    static native int cuStreamCreate(long stream, int flags);

    static native int cuStreamDestroy(long stream);

    static native int cuStreamQuery(long stream);

    static native int cuStreamSynchronize(long stream);

    static native int cuStreamWaitEvent(long stream, long event, int flags);

    static native int cuEventCreate(long event, int flags);

    static native int cuEventDestroy(long event);

    static native int cuEventRecord(long event, long stream);

    static native int cuEventQuery(long event);

    static native int cuEventSynchronize(long event);
}
