package io.github.cuframes.standin;

import static io.github.cuframes.standin.Cuda.GRANULARITY;
import static io.github.cuframes.standin.Cuda.READ;
import static io.github.cuframes.standin.Cuda.READ_WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class MemoryTest extends StandInTest {

    @BeforeEach
    void context() {
        cuda.primary(0);
    }

    @AfterEach
    void release() {
        control.reset();
        cuda.releasePrimary(0);
    }

    private static void close(int fd) {
        com.sun.jna.NativeLibrary.getProcess().getFunction("close").invokeInt(new Object[] {fd});
    }

    @Test
    void importedMemoryMappedReadOnlyIsReadButNotWritten() {
        long handle = cuda.create(0, GRANULARITY);
        long address = cuda.map(handle, GRANULARITY, 0, READ_WRITE);
        assertEquals(Cuda.SUCCESS, cuda.write(address + 100, BYTES));
        int fd = cuda.export(handle);
        long imported = cuda.out("cuMemImportFromShareableHandle", new Pointer(fd), 1);
        close(fd);
        long view = cuda.map(imported, GRANULARITY, 0, READ);

        assertArrayEquals(BYTES, cuda.read(view + 100, BYTES.length));
        assertEquals(Cuda.INVALID_VALUE, cuda.write(view + 100, new byte[8]));
        cuda.expect(Cuda.INVALID_VALUE, "cuMemsetD8Async", view, (byte) 7, 64L, Pointer.NULL);
        cuda.expect(Cuda.INVALID_VALUE, "cuMemcpyDtoD_v2", view, address, 64L);
        cuda.ok("cuMemsetD8_v2", address + 100, (byte) 9, 8L);
        cuda.ok("cuCtxSynchronize");
        assertArrayEquals(new byte[] {9, 9, 9, 9, 9, 9, 9, 9}, control.peek(view + 100, 8));
        assertEquals(GRANULARITY, control.allocated(0), "imported memory is its owner's");

        cuda.ok("cuMemRelease", handle);
        cuda.unmap(address, GRANULARITY);
        assertEquals(0, control.allocated(0));
        assertArrayEquals(new byte[] {9, 9}, cuda.read(view + 106, 2), "lives until the last importer lets go");
        cuda.unmap(view, GRANULARITY);
        cuda.ok("cuMemRelease", imported);
        cuda.expect(Cuda.INVALID_VALUE, "cuMemRelease", imported);
    }

    @Test
    void mappedMemoryIsOutOfReachUntilAccessIsSetAndAfterUnmapping() {
        long handle = cuda.create(0, GRANULARITY);
        long address = cuda.out("cuMemAddressReserve", 2 * GRANULARITY, 0L, 0L, 0L);
        assertEquals(Cuda.INVALID_VALUE, cuda.write(address, BYTES), "only reserved");
        cuda.ok("cuMemMap", address, GRANULARITY, 0L, handle, 0L);
        assertEquals(Cuda.INVALID_VALUE, cuda.write(address, BYTES), "no access yet");
        assertEquals(Cuda.SUCCESS, cuda.setAccess(address, GRANULARITY, 0, READ_WRITE));
        assertEquals(Cuda.SUCCESS, cuda.write(address, BYTES));
        assertEquals(Cuda.INVALID_VALUE, cuda.write(address + GRANULARITY - 4, BYTES), "half of it outside");
        cuda.expect(Cuda.INVALID_VALUE, "cuMemMap", address, GRANULARITY, 0L, handle, 0L);
        cuda.expect(Cuda.INVALID_VALUE, "cuMemAddressFree", address, 2 * GRANULARITY);
        cuda.ok("cuMemUnmap", address, GRANULARITY);
        assertEquals(Cuda.INVALID_VALUE, cuda.write(address, BYTES));
        cuda.ok("cuMemAddressFree", address, 2 * GRANULARITY);
        cuda.ok("cuMemRelease", handle);
    }

    @Test
    void foreignDescriptorsAreRefused() {
        LongByReference handle = new LongByReference();
        cuda.expect(Cuda.INVALID_VALUE, "cuMemImportFromShareableHandle", handle, new Pointer(-1L), 1);
        Object[] arguments = {"cuframes-other", 0};
        int fd = com.sun.jna.NativeLibrary.getProcess()
                .getFunction("memfd_create")
                .invokeInt(arguments);
        cuda.expect(Cuda.INVALID_VALUE, "cuMemImportFromShareableHandle", handle, new Pointer(fd), 1);
        close(fd);
    }

    @Test
    void aDeviceHasSoMuchMemoryAndNoMore() {
        control.set(StandInDriver.MEMORY, 3 * GRANULARITY);
        long handle = cuda.create(0, 2 * GRANULARITY);
        LongByReference other = new LongByReference();
        cuda.expect(Cuda.OUT_OF_MEMORY, "cuMemCreate", other, 2 * GRANULARITY, Cuda.allocationOn(0), 0L);
        cuda.expect(Cuda.OUT_OF_MEMORY, "cuMemAlloc_v2", other, GRANULARITY + 1);
        LongByReference free = new LongByReference();
        LongByReference total = new LongByReference();
        cuda.ok("cuMemGetInfo_v2", free, total);
        assertEquals(GRANULARITY, free.getValue());
        assertEquals(3 * GRANULARITY, total.getValue());
        cuda.ok("cuMemRelease", handle);
        cuda.ok("cuMemFree_v2", cuda.out("cuMemAlloc_v2", 3 * GRANULARITY));
        cuda.expect(Cuda.INVALID_VALUE, "cuMemCreate", other, GRANULARITY + 1, Cuda.allocationOn(0), 0L);
    }

    @Test
    void planesAreCopiedRowByRow() {
        LongByReference address = new LongByReference();
        LongByReference pitch = new LongByReference();
        cuda.ok("cuMemAllocPitch_v2", address, pitch, 10L, 3L, 16);
        assertEquals(512, pitch.getValue());
        Memory rows = new Memory(3 * 16);
        for (int i = 0; i < rows.size(); i++) rows.setByte(i, (byte) i);
        Memory copy = new Memory(128);
        copy.clear();
        copy.setInt(16, 1);
        copy.setPointer(24, rows);
        copy.setLong(48, 16);
        copy.setInt(72, 2);
        copy.setLong(88, address.getValue());
        copy.setLong(104, 512);
        copy.setLong(112, 10);
        copy.setLong(120, 3);
        cuda.ok("cuMemcpy2DAsync_v2", copy, Pointer.NULL);
        rows.setByte(32, (byte) 99); // pageable memory is the caller's again
        assertArrayEquals(
                new byte[] {32, 33, 34, 35, 36, 37, 38, 39, 40, 41}, cuda.read(address.getValue() + 1024, 10));
        assertEquals(0, cuda.read(address.getValue() + 512 + 10, 1)[0]);
        copy.setLong(120, 4);
        cuda.expect(Cuda.INVALID_VALUE, "cuMemcpy2DAsync_v2", copy, Pointer.NULL);
        cuda.ok("cuMemFree_v2", address.getValue());
    }

    @Test
    void legacyHandlesAreOfPlainAllocationsAndNotForTheirOwnProcess() {
        long address = cuda.out("cuMemAlloc_v2", 1000L);
        Memory handle = new Memory(64);
        cuda.ok("cuIpcGetMemHandle", handle, address + 10);
        byte[] bytes = handle.getByteArray(0, 64);
        IpcHandle value = new IpcHandle(bytes);
        cuda.expect(Cuda.INVALID_CONTEXT, "cuIpcOpenMemHandle_v2", new LongByReference(), value, 1);
        cuda.ok("cuMemFree_v2", address);

        long vmm = cuda.create(0, GRANULARITY);
        long mapped = cuda.map(vmm, GRANULARITY, 0, READ_WRITE);
        cuda.expect(Cuda.INVALID_VALUE, "cuIpcGetMemHandle", handle, mapped);
        cuda.unmap(mapped, GRANULARITY);
        cuda.ok("cuMemRelease", vmm);
    }

    @Test
    void everyCallCanBeMadeToFail() {
        LongByReference address = new LongByReference();
        control.fail("cuMemAlloc", 2, Cuda.OUT_OF_MEMORY);
        cuda.ok("cuMemAlloc_v2", address, 100L);
        cuda.expect(Cuda.OUT_OF_MEMORY, "cuMemAlloc_v2", new LongByReference(), 100L);
        assertEquals(0, control.failuresLeft());
        assertEquals(2, control.calls("cuMemAlloc_v2"));
        assertEquals(Map.of(StandInControl.Kind.ALLOCATIONS, 1L, StandInControl.Kind.CONTEXTS, 1L), control.live());
        control.fail("cuMemFree_v2", 0, Cuda.NOT_SUPPORTED);
        cuda.expect(Cuda.NOT_SUPPORTED, "cuMemFree_v2", address.getValue());
        cuda.expect(Cuda.NOT_SUPPORTED, "cuMemFree_v2", address.getValue());
        assertEquals(2L, control.called().get("cuMemFree_v2"));
        control.reset();
        cuda.ok("cuMemFree_v2", address.getValue());
        cuda.expect(Cuda.INVALID_VALUE, "cuMemFree_v2", address.getValue());
    }
}
