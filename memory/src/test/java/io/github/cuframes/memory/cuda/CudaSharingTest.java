package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.FrameMemoryAllocator;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.standin.StandInControl.Kind;
import io.github.cuframes.standin.StandInDriver;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.newsclub.net.unix.AFUNIXSocketChannel;
import org.newsclub.net.unix.AFUNIXSocketPair;

/** Memory of a GPU, of both kinds: what its owner has, and what another process gets of it. */
@Timeout(120)
@SuppressWarnings("try") // closing early is what is tested
class CudaSharingTest extends StandInFixture {

    private FrameMemoryAllocator allocator(MemoryKind kind) throws IOException {
        return kind == MemoryKind.CUDA ? new CudaMemoryAllocator(context) : new CudaIpcMemoryAllocator(context);
    }

    private static CudaPeer peer() throws IOException {
        CudaPeer peer = new CudaPeer(Map.of());
        assertEquals(CudaPeer.OK, peer.ask("gpu", "0"));
        return peer;
    }

    private ImportedCudaMemory imported(MemoryKind kind, String name, long size) throws IOException {
        return kind == MemoryKind.CUDA
                ? ImportedCudaMemory.map(context, CudaPeer.received(name), size)
                : ImportedCudaMemory.open(context, HexFormat.of().parseHex(name), size);
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void memoryIsRoundedUpAndZeroedBeforeItIsGivenOut(MemoryKind kind) throws IOException {
        driver.set(StandInDriver.DELAY_US, 1000);
        FrameMemoryAllocator allocator = allocator(kind);
        assertEquals(PIECE, allocator.granularity());
        assertEquals(Optional.of(context.device().uuid()), allocator.gpu());
        long free = context.freeMemory();
        try (FrameMemory memory = allocator.allocate(PIECE + 1)) {
            assertEquals(0, driver.pending(0), "zeroes are on their way when the memory is given out");
            assertEquals(1, driver.calls("cuMemsetD8"));
            assertEquals(2 * PIECE, memory.size());
            assertEquals(2 * PIECE, allocated());
            assertEquals(free - 2 * PIECE, context.freeMemory());
            assertArrayEquals(new byte[2 * PIECE], driver.peek(memory.deviceAddress(), 2 * PIECE));
            assertEquals(kind, memory.kind());
            assertEquals(Optional.of(context.device().uuid()), memory.gpu());
            assertEquals(kind == MemoryKind.CUDA, memory.descriptor().isPresent());
            assertEquals(kind == MemoryKind.CUDA_IPC, memory.legacyHandle().isPresent());
            assertThrows(UnsupportedOperationException.class, () -> memory.slice(0, 1));
            // the byte that the driver is given is the byte that is set
            fill(context, memory.deviceAddress(), 0xa5, memory.size());
            assertArrayEquals(repeated(0xa5, 2 * PIECE), driver.peek(memory.deviceAddress(), 2 * PIECE));
        }
        assertEquals(0, allocated());
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void closedMemoryIsSaidToBeClosed(MemoryKind kind) throws IOException {
        FrameMemory memory = allocator(kind).allocate(1);
        memory.close();
        memory.close();
        assertThrows(IllegalStateException.class, memory::deviceAddress);
        memory.descriptor().ifPresent(descriptor -> assertFalse(descriptor.valid()));
        assertEquals(0, allocated());
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void anotherProcessReadsItEvenAfterItsOwnerHasClosedIt(MemoryKind kind) throws IOException {
        FrameMemory memory = allocator(kind).allocate(PIECE);
        fill(context, memory.deviceAddress(), 7, PIECE);
        String name = CudaPeer.nameOf(memory);
        try (CudaPeer peer = peer()) {
            assertEquals(CudaPeer.OK, peer.importMemory(kind, name, PIECE));
            assertEquals("07070707", peer.ask("read"));
            String written = peer.ask("write");
            if (kind == MemoryKind.CUDA) {
                assertTrue(written.contains("cuMemcpy2DAsync: CUDA_ERROR_INVALID_VALUE (1)"), written);
            } else {
                assertEquals(CudaPeer.OK, written, "the older way protects nothing");
            }
            assertEquals(kind == MemoryKind.CUDA ? 7 : 42, driver.peek(memory.deviceAddress(), 1)[0]);
            fill(context, memory.deviceAddress(), 8, PIECE);
            memory.close();
            assertEquals("08080808", peer.ask("read"));
            assertEquals("{CONTEXTS=1}", peer.ask("close"));
            String late = peer.ask("read");
            assertTrue(late.contains("IllegalStateException: this imported GPU memory is closed"), late);
            assertEquals("{CONTEXTS=1}", peer.ask("close"), "a second time");
            if (kind == MemoryKind.CUDA_IPC) {
                late = peer.importMemory(kind, name, PIECE);
                assertTrue(late.contains("cannot open the producer's GPU memory (cuIpcOpenMemHandle: "), late);
                assertTrue(late.contains("CUDA_ERROR_INVALID_HANDLE (400)"), late);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void memoryOutlivesAnOwnerThatIsKilled(MemoryKind kind) throws Exception {
        try (CudaPeer peer = peer()) {
            String name = peer.ask("allocate", kind.name(), String.valueOf(PIECE), "9");
            ImportedCudaMemory memory = imported(kind, name, PIECE);
            assertEquals(kind, memory.kind());
            assertEquals(PIECE, memory.size());
            peer.kill();
            assertArrayEquals(repeated(9, PIECE), read(context, memory.deviceAddress(), PIECE));
            memory.close();
            assertNothingMore();
            assertThrows(IOException.class, () -> imported(kind, name, PIECE));
        }
    }

    @Test
    void aHandleOpensNoMoreThanItsAllocation() throws IOException {
        try (CudaPeer peer = peer()) {
            String name = peer.ask("allocate", MemoryKind.CUDA_IPC.name(), String.valueOf(PIECE), "9");
            for (long size : new long[] {PIECE + 1, Long.MAX_VALUE, 0, -1}) {
                IOException e = assertThrows(IOException.class, () -> imported(MemoryKind.CUDA_IPC, name, size));
                assertTrue(e.getMessage().contains("has " + PIECE + " bytes where " + size + " were"), e.getMessage());
                assertNothingMore();
            }
            imported(MemoryKind.CUDA_IPC, name, PIECE / 2).close();
        }
    }

    @Test
    void theOwnerItselfIsToldOfTheRuleOfPids() throws IOException {
        try (FrameMemory memory = allocator(MemoryKind.CUDA_IPC).allocate(PIECE)) {
            CudaException e = assertThrows(
                    CudaException.class,
                    () -> ImportedCudaMemory.open(context, memory.legacyHandle().orElseThrow(), PIECE));
            assertEquals(Driver.INVALID_CONTEXT, e.code());
            assertTrue(e.getMessage().contains("pid, as it sees itself"), e.getMessage());
            assertTrue(e.getMessage().contains("--memory cuda ("), e.getMessage());
        }
    }

    @Test
    void aMappingInItsOwnersProcessIsReadOnlyToo() throws IOException {
        FrameMemory memory = allocator(MemoryKind.CUDA).allocate(PIECE);
        FileDescriptor sent = Descriptors.duplicate(memory.descriptor().orElseThrow());
        try (ImportedMemory imported = ImportedCudaMemory.map(context, sent, PIECE)) {
            assertFalse(sent.valid());
            memory.close();
            assertThrows(UnsupportedOperationException.class, () -> imported.slice(0, 1));
            CudaException e =
                    assertThrows(CudaException.class, () -> fill(context, imported.deviceAddress(), 1, PIECE));
            assertEquals(Driver.INVALID_VALUE, e.code());
            assertArrayEquals(new byte[64], read(context, imported.deviceAddress(), 64), "the memory lives on");
        }
        assertEquals(0, allocated());
    }

    @ParameterizedTest
    @ValueSource(longs = {2 * PIECE, PIECE + 1, 1, 0, -PIECE, Long.MIN_VALUE})
    void aSizeThatTheMemoryHasNotIsRefused(long size) throws IOException {
        try (FrameMemory memory = allocator(MemoryKind.CUDA).allocate(PIECE)) {
            var live = driver.live();
            FileDescriptor sent = Descriptors.duplicate(memory.descriptor().orElseThrow());
            CudaException e = assertThrows(CudaException.class, () -> ImportedCudaMemory.map(context, sent, size));
            assertTrue(e.getMessage().startsWith("cannot "), e.getMessage());
            assertTrue(e.getMessage().contains(size + " bytes"), e.getMessage());
            assertFalse(sent.valid());
            assertEquals(live, driver.live());
        }
    }

    @Test
    void whatIsNoGpuMemoryIsRefused(@TempDir Path directory) throws IOException {
        Path file = Files.write(directory.resolve("frames"), new byte[PIECE]);
        try (AFUNIXSocketChannel socket = AFUNIXSocketPair.open().getSocket1()) {
            FileDescriptor closed = CudaPeer.received("/dev/null");
            Descriptors.close(closed);
            for (FileDescriptor descriptor : new FileDescriptor[] {
                CudaPeer.received(file.toString()),
                CudaPeer.received("/dev/null"),
                Descriptors.duplicate(socket.getFileDescriptor()),
                closed
            }) {
                IOException e =
                        assertThrows(IOException.class, () -> ImportedCudaMemory.map(context, descriptor, PIECE));
                assertFalse(e.getMessage().isBlank());
                if (descriptor != closed) {
                    assertTrue(e.getMessage().contains("it may be no GPU memory"), e.getMessage());
                }
                assertFalse(descriptor.valid());
                assertNothingMore();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void aFullGpuIsNamedWithWhatWasWanted(MemoryKind kind) throws IOException {
        limitMemory(2 * PIECE);
        try (FrameMemory first = allocator(kind).allocate(PIECE)) {
            CudaException e =
                    assertThrows(CudaException.class, () -> allocator(kind).allocate(2 * PIECE));
            assertTrue(e.getMessage().contains("cannot have " + 2 * PIECE + " bytes of memory of GPU 0 ("));
            assertTrue(e.getMessage().contains("CUDA_ERROR_OUT_OF_MEMORY (2), out of memory"), e.getMessage());
            assertEquals(PIECE, allocated());
            assertEquals(first.size(), PIECE);
        }
    }

    @Test
    void aGpuWithoutDescriptorsIsToldOf() {
        driver.set(StandInDriver.NO_VMM_FD, 1);
        CudaUnavailableException e =
                assertThrows(CudaUnavailableException.class, () -> new CudaMemoryAllocator(context));
        assertTrue(e.getMessage().contains("use --memory cuda-ipc or host"), e.getMessage());
    }

    @Test
    void aContextStaysWhileAnybodyHoldsIt() throws IOException {
        CudaContext second = CudaContext.retain(context.device());
        assertEquals(context.handle(), second.handle());
        second.close();
        second.close();
        assertEquals(1, driver.live(Kind.CONTEXTS));
        assertThrows(IllegalStateException.class, second::freeMemory);
        assertTrue(context.freeMemory() > 0);
    }
}
