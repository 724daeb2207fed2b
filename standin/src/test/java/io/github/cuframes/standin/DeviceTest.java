package io.github.cuframes.standin;

import static io.github.cuframes.standin.Cuda.GRANULARITY;
import static io.github.cuframes.standin.Cuda.READ;
import static io.github.cuframes.standin.Cuda.READ_WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class DeviceTest extends StandInTest {

    private static final int PEER_ACCESS_UNSUPPORTED = 217;

    @Test
    void memoryOfOneDeviceIsMappedByAnotherWherePeersCan() {
        control.set(StandInDriver.GPUS, 2);
        cuda.primary(0);
        long handle = cuda.create(0, GRANULARITY);
        long address = cuda.map(handle, GRANULARITY, 0, READ_WRITE);
        assertEquals(Cuda.SUCCESS, cuda.write(address, BYTES));
        PointerByReference second = new PointerByReference();
        cuda.ok("cuDevicePrimaryCtxRetain", second, 1);
        cuda.ok("cuCtxPushCurrent_v2", second.getValue());
        try (Memory target = new Memory(8)) {
            cuda.expect(Cuda.INVALID_VALUE, "cuMemcpyDtoH_v2", target, address, 8L);
        }
        control.set(StandInDriver.NO_PEER, 1);
        assertEquals(Cuda.INVALID_DEVICE, cuda.setAccess(address, GRANULARITY, 1, READ));
        cuda.ok("cuCtxPopCurrent_v2", Pointer.NULL);
        cuda.expect(PEER_ACCESS_UNSUPPORTED, "cuCtxEnablePeerAccess", second.getValue(), 0);
        cuda.ok("cuCtxPushCurrent_v2", second.getValue());
        control.set(StandInDriver.NO_PEER, 0);
        assertEquals(Cuda.SUCCESS, cuda.setAccess(address, GRANULARITY, 1, READ));
        assertArrayEquals(BYTES, cuda.read(address, 8));
        assertEquals(Cuda.INVALID_VALUE, cuda.write(address, BYTES));
        assertEquals(0, control.allocated(1));
        cuda.ok("cuCtxPopCurrent_v2", Pointer.NULL);
        cuda.ok("cuDevicePrimaryCtxRelease_v2", 1);
        cuda.unmap(address, GRANULARITY);
        cuda.ok("cuMemRelease", handle);
        cuda.releasePrimary(0);
    }

    @Test
    void withoutDescriptorsMemoryIsRefusedThem() {
        cuda.primary(0);
        control.set(StandInDriver.NO_VMM_FD, 1);
        IntByReference supported = new IntByReference(7);
        cuda.ok("cuDeviceGetAttribute", supported, 103, 0);
        assertEquals(0, supported.getValue());
        cuda.expect(Cuda.NOT_SUPPORTED, "cuMemCreate", new LongByReference(), GRANULARITY, Cuda.allocationOn(0), 0L);
        cuda.releasePrimary(0);
    }

    @Test
    void aBrokenDeviceFailsEveryCall() {
        cuda.primary(0);
        control.breakDevice(0, 719);
        cuda.expect(719, "cuCtxSynchronize");
        cuda.expect(719, "cuMemAlloc_v2", new LongByReference(), 10L);
        control.reset();
        cuda.ok("cuCtxSynchronize");
        cuda.releasePrimary(0);
    }

    @Test
    void functionsAreFoundByTheNamesOfTheHeader() {
        PointerByReference function = new PointerByReference();
        IntByReference status = new IntByReference(9);
        cuda.ok("cuGetProcAddress_v2", "cuMemAlloc", function, 12000, 0L, status);
        assertEquals(
                Pointer.nativeValue(control.library().getFunction("cuMemAlloc_v2")),
                Pointer.nativeValue(function.getValue()));
        assertEquals(0, status.getValue());
        cuda.ok("cuGetProcAddress_v2", "cuNoSuchFunction", function, 12000, 0L, status);
        assertEquals(1, status.getValue());
        PointerByReference text = new PointerByReference();
        cuda.ok("cuGetErrorName", Cuda.INVALID_CONTEXT, text);
        assertEquals("CUDA_ERROR_INVALID_CONTEXT", text.getValue().getString(0));
    }

    @Test
    void theEnvironmentSetsUpAnotherProcess() throws Exception {
        control.set(StandInDriver.GPUS, 3);
        cuda.ok("cuInit", 0);
        assertNotEquals(cuda.uuid(0), cuda.uuid(1));
        Map<String, String> environment = Map.of(
                StandInDriver.GPUS,
                "3",
                StandInDriver.MEMORY,
                "4096",
                StandInDriver.FAIL,
                "cuInit:1:999",
                "CUDA_VISIBLE_DEVICES",
                "2,0");
        List<String> expected = List.of("3", "999", "0", "0", "2", cuda.uuid(2), cuda.uuid(0), "201", "2");
        assertEquals(expected, Child.run(environment, "init"));
    }

    @Test
    void anotherProcessImportsADescriptorEvenOfADeviceItDoesNotSee() throws Exception {
        cuda.primary(0);
        long handle = cuda.create(0, GRANULARITY);
        long address = cuda.map(handle, GRANULARITY, 0, READ_WRITE);
        assertEquals(Cuda.SUCCESS, cuda.write(address, BYTES));
        int fd = cuda.export(handle);
        String path = "/proc/" + ProcessHandle.current().pid() + "/fd/" + fd;
        String content = HexFormat.of().formatHex(BYTES);
        assertEquals(List.of(content, "1", "0"), Child.run(Map.of(), "descriptor", path));
        Map<String, String> blind = Map.of(StandInDriver.GPUS, "2", "CUDA_VISIBLE_DEVICES", "1");
        assertEquals(List.of(content, "1", "-2"), Child.run(blind, "descriptor", path));
        com.sun.jna.NativeLibrary.getProcess().getFunction("close").invokeInt(new Object[] {fd});
        cuda.unmap(address, GRANULARITY);
        cuda.ok("cuMemRelease", handle);
        cuda.releasePrimary(0);
    }

    @Test
    void anotherProcessOpensALegacyHandleUntilTheMemoryIsFreed() throws Exception {
        cuda.primary(0);
        long address = cuda.out("cuMemAlloc_v2", 1000L);
        assertEquals(Cuda.SUCCESS, cuda.write(address, BYTES));
        try (Memory handle = new Memory(64)) {
            cuda.ok("cuIpcGetMemHandle", handle, address);
            String hex = HexFormat.of().formatHex(handle.getByteArray(0, 64));
            String content = HexFormat.of().formatHex(BYTES);
            assertEquals(List.of("0", content, "0", "1"), Child.run(Map.of(), "handle", hex));
            assertEquals(42, control.peek(address, 1)[0]);
            cuda.ok("cuMemFree_v2", address);
            assertEquals(List.of("400"), Child.run(Map.of(), "handle", hex));
        }
        cuda.releasePrimary(0);
    }
}
