package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Processes that see several GPUs, in another order, or not the one that memory lies on. */
@Timeout(120)
class TwoGpusTest extends StandInFixture {

    private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

    @Test
    void aGpuIsFoundByNumberAndByUuid() throws IOException {
        List<CudaDevice> devices = Cuda.devices();
        assertEquals(2, devices.size());
        CudaDevice second = devices.get(1);
        assertNotEquals(devices.get(0).uuid(), second.uuid());
        String uuid = second.uuid().toString();
        for (String name : List.of("1", uuid, "GPU-" + uuid, uuid.toUpperCase(Locale.ROOT))) {
            assertEquals(second, Cuda.device(name), name);
        }
        assertEquals(Optional.of(second), Cuda.device(second.uuid()));
        assertEquals(Optional.empty(), Cuda.device(new UUID(1, 2)));
        for (String name : List.of("2", "-1", "01", "", "GPU-", uuid.substring(1), "all")) {
            CudaUnavailableException e = assertThrows(CudaUnavailableException.class, () -> Cuda.device(name));
            assertTrue(e.getMessage().contains("no GPU \"" + name + "\""), e.getMessage());
            assertTrue(e.getMessage().contains(devices.toString()), e.getMessage());
        }
        assertEquals("Stand-in GPU 1", second.name());
        assertEquals(4L << 30, second.totalMemory());
        assertEquals(9, second.attribute(CudaDevice.Attribute.COMPUTE_CAPABILITY_MAJOR));
    }

    @Test
    void anotherProcessFindsTheGpuUnderAnotherNumber() throws IOException {
        CudaDevice first = Cuda.devices().get(0);
        CudaDevice second = Cuda.devices().get(1);
        try (CudaContext other = CudaContext.retain(second);
                FrameMemory memory = new CudaMemoryAllocator(other).allocate(PIECE);
                CudaPeer peer = new CudaPeer(Map.of(StandInDriver.GPUS, "2", VISIBLE, "1,0"))) {
            fill(other, memory.deviceAddress(), 5, PIECE);
            List<CudaDevice> reversed = List.of(
                    new CudaDevice(0, second.uuid(), second.name(), second.totalMemory()),
                    new CudaDevice(1, first.uuid(), first.name(), first.totalMemory()));
            assertEquals(reversed.toString(), peer.ask("devices"));
            assertEquals(CudaPeer.OK, peer.ask("gpu", memory.gpu().orElseThrow().toString()));
            assertEquals(CudaPeer.OK, peer.importMemory(MemoryKind.CUDA, CudaPeer.nameOf(memory), PIECE));
            assertEquals("05050505", peer.ask("read"));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aProcessThatSeesOnlyTheOtherGpuReadsOverIt(boolean reachable) throws IOException {
        Map<String, String> environment =
                Map.of(StandInDriver.GPUS, "2", VISIBLE, "1", StandInDriver.NO_PEER, reachable ? "0" : "1");
        try (FrameMemory memory = new CudaMemoryAllocator(context).allocate(PIECE);
                FrameMemory legacy = new CudaIpcMemoryAllocator(context).allocate(PIECE);
                CudaPeer peer = new CudaPeer(environment)) {
            fill(context, memory.deviceAddress(), 6, PIECE);
            fill(context, legacy.deviceAddress(), 7, PIECE);
            assertEquals(CudaPeer.OK, peer.ask("gpu", "0"));
            String mapped = peer.importMemory(MemoryKind.CUDA, CudaPeer.nameOf(memory), PIECE);
            if (reachable) {
                assertEquals(CudaPeer.OK, mapped);
                assertEquals("06060606", peer.ask("read"));
                assertEquals(CudaPeer.OK, peer.importMemory(MemoryKind.CUDA_IPC, CudaPeer.nameOf(legacy), PIECE));
                assertEquals("07070707", peer.ask("read"));
            } else {
                assertTrue(mapped.contains("cannot make the memory accessible to GPU 0 (Stand-in GPU 1"), mapped);
                assertTrue(mapped.contains("cuMemSetAccess: CUDA_ERROR_INVALID_DEVICE"), mapped);
                String opened = peer.importMemory(MemoryKind.CUDA_IPC, CudaPeer.nameOf(legacy), PIECE);
                assertTrue(opened.contains("CUDA_ERROR_PEER_ACCESS_UNSUPPORTED (217)"), opened);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void memoryIsCopiedFromGpuToGpu(boolean reachable) throws IOException {
        driver.set(StandInDriver.NO_PEER, reachable ? 0 : 1);
        try (CudaContext other = CudaContext.retain(Cuda.device("1"));
                FrameMemory memory = new CudaMemoryAllocator(context).allocate(PIECE);
                FrameMemory mine = new CudaMemoryAllocator(other).allocate(PIECE);
                CudaStream stream = CudaStream.create(other)) {
            fill(context, memory.deviceAddress(), 3, PIECE);
            CudaCopy.acrossDevices(
                    context, memory.deviceAddress(), other, mine.deviceAddress(), PIECE - 1, stream.handle());
            stream.synchronize();
            assertArrayEquals(repeated(3, PIECE - 1), driver.peek(mine.deviceAddress(), PIECE - 1));
            assertEquals(0, driver.peek(mine.deviceAddress() + PIECE - 1, 1)[0]);
        }
    }

    @Test
    void memoryIsMappedForTheGpuThatReadsIt() throws IOException {
        try (CudaContext other = CudaContext.retain(Cuda.device("1"));
                FrameMemory memory = new CudaMemoryAllocator(context).allocate(PIECE)) {
            assertTrue(other.device().canAccess(context.device()));
            assertTrue(other.device().canAccess(other.device()));
            fill(context, memory.deviceAddress(), 5, PIECE);
            try (ImportedCudaMemory imported = ImportedCudaMemory.map(
                    other, Descriptors.duplicate(memory.descriptor().orElseThrow()), PIECE)) {
                assertArrayEquals(repeated(5, 64), read(other, imported.deviceAddress(), 64));
                assertThrows(CudaException.class, () -> read(context, imported.deviceAddress(), 64));
            }
            driver.set(StandInDriver.NO_PEER, 1);
            assertFalse(other.device().canAccess(context.device()));
            var live = driver.live();
            CudaException e = assertThrows(
                    CudaException.class,
                    () -> ImportedCudaMemory.map(
                            other, Descriptors.duplicate(memory.descriptor().orElseThrow()), PIECE));
            assertEquals("cuMemSetAccess", e.function());
            assertTrue(e.getMessage().contains("accessible to GPU 1 ("), e.getMessage());
            assertEquals(live, driver.live());
        }
    }
}
