package io.github.cuframes.standin;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Memory;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.HexFormat;

/** The driver's functions as the tests call them. Those that return something else than a code expect success. */
final class Cuda {

    static final int SUCCESS = 0;
    static final int INVALID_VALUE = 1;
    static final int OUT_OF_MEMORY = 2;
    static final int NOT_INITIALIZED = 3;
    static final int INVALID_DEVICE = 101;
    static final int INVALID_CONTEXT = 201;
    static final int INVALID_HANDLE = 400;
    static final int NOT_READY = 600;
    static final int ILLEGAL_ADDRESS = 700;
    static final int NOT_PERMITTED = 800;
    static final int NOT_SUPPORTED = 801;
    static final int READ = 1;
    static final int READ_WRITE = 3;
    static final long GRANULARITY = 2 << 20;

    private final NativeLibrary library;

    Cuda(NativeLibrary library) {
        this.library = library;
    }

    /** The CUresult of a call. Numbers have to be given in the width of the parameter. */
    int call(String function, Object... arguments) {
        return library.getFunction(function).invokeInt(arguments);
    }

    void expect(int code, String function, Object... arguments) {
        assertEquals(code, call(function, arguments), function);
    }

    void ok(String function, Object... arguments) {
        expect(SUCCESS, function, arguments);
    }

    long out(String function, Object... rest) {
        LongByReference value = new LongByReference();
        Object[] arguments = new Object[rest.length + 1];
        arguments[0] = value;
        System.arraycopy(rest, 0, arguments, 1, rest.length);
        ok(function, arguments);
        return value.getValue();
    }

    void primary(int device) {
        PointerByReference context = new PointerByReference();
        ok("cuInit", 0);
        ok("cuDevicePrimaryCtxRetain", context, device);
        ok("cuCtxSetCurrent", context.getValue());
    }

    void releasePrimary(int device) {
        ok("cuCtxSetCurrent", Pointer.NULL);
        ok("cuDevicePrimaryCtxRelease_v2", device);
    }

    String uuid(int device) {
        try (Memory uuid = new Memory(16)) {
            ok("cuDeviceGetUuid_v2", uuid, device);
            return HexFormat.of().formatHex(uuid.getByteArray(0, 16));
        }
    }

    static Memory allocationOn(int device) {
        Memory prop = new Memory(32);
        prop.clear();
        prop.setInt(0, 1);
        prop.setInt(4, 1);
        prop.setInt(8, 1);
        prop.setInt(12, device);
        return prop;
    }

    long create(int device, long size) {
        return out("cuMemCreate", size, allocationOn(device), 0L);
    }

    int export(long handle) {
        IntByReference fd = new IntByReference();
        ok("cuMemExportToShareableHandle", fd, handle, 1, 0L);
        return fd.getValue();
    }

    int setAccess(long address, long size, int device, int flags) {
        Memory access = new Memory(12);
        access.setInt(0, 1);
        access.setInt(4, device);
        access.setInt(8, flags);
        return call("cuMemSetAccess", address, size, access, 1L);
    }

    long map(long handle, long size, int device, int flags) {
        long address = out("cuMemAddressReserve", size, 0L, 0L, 0L);
        ok("cuMemMap", address, size, 0L, handle, 0L);
        assertEquals(SUCCESS, setAccess(address, size, device, flags));
        return address;
    }

    void unmap(long address, long size) {
        ok("cuMemUnmap", address, size);
        ok("cuMemAddressFree", address, size);
    }

    byte[] read(long address, int size) {
        try (Memory bytes = new Memory(size)) {
            ok("cuMemcpyDtoH_v2", bytes, address, (long) size);
            return bytes.getByteArray(0, size);
        }
    }

    int write(long address, byte[] bytes) {
        try (Memory source = new Memory(bytes.length)) {
            source.write(0, bytes, 0, bytes.length);
            return call("cuMemcpyHtoD_v2", address, source, (long) bytes.length);
        }
    }
}
