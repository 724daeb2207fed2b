package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.standin.OpenDescriptors;
import io.github.cuframes.standin.StandInControl.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/**
 * Each call of the driver fails once, in each operation: the failure is told by name, nothing stays behind, and the next
 * attempt succeeds.
 */
@Timeout(120)
@SuppressWarnings("try") // what is made is closed, and not used
class DriverFailuresTest extends StandInFixture {

    /** What the operation needs; not what is tested. */
    private interface Preparation<T extends AutoCloseable> {
        T prepare() throws Exception;
    }

    /** What is tested; the result, if any, is closed. */
    private interface Action<T> {
        AutoCloseable run(T prepared) throws Exception;
    }

    /** What ends something: where the driver refuses that, the thing itself cannot but stay. */
    private static final Set<String> ENDING = Set.of(
            "cuMemRelease",
            "cuMemUnmap",
            "cuMemAddressFree",
            "cuMemFree",
            "cuIpcCloseMemHandle",
            "cuStreamDestroy",
            "cuEventDestroy",
            "cuDevicePrimaryCtxRelease");

    /** What a context does not take with it. */
    private static final Set<Kind> VIRTUAL_MEMORY = Set.of(Kind.HANDLES, Kind.MAPPINGS, Kind.RESERVATIONS);

    private static final Set<String> EXPLAINING = Set.of("cuGetErrorName", "cuGetErrorString");
    private static final AutoCloseable NOTHING = () -> {};

    private FrameMemory memory;
    private CudaStream stream;
    private CudaEvent event;
    private final ByteBuffer host = ByteBuffer.allocateDirect(64);
    private int failures;

    @BeforeEach
    void make() throws IOException {
        memory = new CudaMemoryAllocator(context).allocate(PIECE);
        stream = CudaStream.create(context);
        event = CudaEvent.create(context);
    }

    @AfterEach
    void close() throws IOException {
        if (memory != null) {
            fresh();
            event.close();
            stream.close();
            memory.close();
        }
    }

    private static String base(String symbol) {
        return symbol.replaceFirst("_v\\d$", "");
    }

    /** Takes contexts off the thread's stack, and says how many there were. */
    private static int popAll() {
        int popped = 0;
        while (Driver.cuCtxPopCurrent(Scratch.get().address()) == Driver.SUCCESS) {
            popped++;
        }
        return popped;
    }

    private <T extends AutoCloseable> void eachCallFails(Preparation<T> preparation, Action<T> action)
            throws Exception {
        Map<String, Long> calls;
        try (T prepared = preparation.prepare()) {
            fresh();
            try (AutoCloseable made = action.run(prepared)) {
                calls = driver.called();
                assertFalse(calls.isEmpty(), "it calls the driver");
                assertTrue(made == null || made != prepared);
            }
        }
        for (var entry : calls.entrySet()) {
            for (int call = 1; call <= entry.getValue(); call++) {
                for (int code : new int[] {OUT_OF_MEMORY, UNKNOWN}) {
                    if (!EXPLAINING.contains(entry.getKey())) {
                        oneCallFails(preparation, action, entry.getKey(), call, code);
                        failures++;
                    }
                }
            }
        }
    }

    private <T extends AutoCloseable> void oneCallFails(
            Preparation<T> preparation, Action<T> action, String symbol, int call, int code) throws Exception {
        String what = "call " + call + " of " + symbol + " failed with " + code + ": ";
        Map<Kind, Long> start = driver.live();
        OpenDescriptors open = OpenDescriptors.now();
        long[] allocated = {driver.allocated(0), driver.allocated(1)};
        T prepared = preparation.prepare();
        Map<Kind, Long> own = since(start);
        fresh();
        driver.fail(symbol, call, code);
        Exception failure = assertThrows(Exception.class, () -> action.run(prepared), what);
        assertEquals(0, driver.failuresLeft(), what);
        String function = base(symbol);
        boolean closing = failure instanceof IllegalStateException;
        if (!closing) {
            CudaException told = assertInstanceOf(CudaException.class, failure, what + failure);
            assertEquals(function, told.function(), what);
            assertEquals(code, told.code(), what);
        }
        String message = failure.getMessage();
        assertTrue(message.contains("cannot "), what + message);
        assertTrue(message.contains(function + ": CUDA_ERROR_"), what + message);
        assertTrue(message.contains("(" + code + "), "), what + message);
        assertEquals(function.equals("cuCtxPopCurrent") ? 1 : 0, popAll(), what + "contexts on the stack");
        fresh();
        prepared.close();
        Map<Kind, Long> left = since(start);
        if (closing && !function.equals("cuCtxPopCurrent")) {
            // what could not be closed is there as before, or as far as it came
            assertEquals(function.equals("cuMemAddressFree") ? Map.of(Kind.RESERVATIONS, 1L) : own, left, what);
        } else if (ENDING.contains(function)) {
            assertEquals(Map.of(Kind.HANDLES, 1L), left, what);
        } else {
            assertEquals(Map.of(), left, what);
            assertEquals(allocated[0], driver.allocated(0), what);
            assertEquals(allocated[1], driver.allocated(1), what);
            open.assertNothingNew(what);
        }
        if (left.containsKey(Kind.CONTEXTS)) {
            assertEquals(Driver.SUCCESS, Driver.cuDevicePrimaryCtxRelease(1));
            left = since(start);
        }
        left.keySet().retainAll(VIRTUAL_MEMORY);
        // no lambda: where the stand-in is missing, JUnit's search for tests can still look at this class
        for (var entry : left.entrySet()) {
            before.merge(entry.getKey(), entry.getValue(), Long::sum);
        }
        try (T again = preparation.prepare();
                AutoCloseable made = action.run(again)) {
            assertTrue(made == null || made != again);
        }
    }

    private static AutoCloseable nothing() {
        return NOTHING;
    }

    private <T extends AutoCloseable> DynamicTest test(String name, Preparation<T> preparation, Action<T> action) {
        return DynamicTest.dynamicTest(name, () -> {
            failures = 0;
            eachCallFails(preparation, action);
            assertTrue(failures >= 2, "something failed");
        });
    }

    /** An operation without a result. */
    private DynamicTest does(String name, org.junit.jupiter.api.function.Executable action) {
        return test(name, DriverFailuresTest::nothing, prepared -> {
            try {
                action.execute();
            } catch (Exception | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new AssertionError(e);
            }
            return null;
        });
    }

    private DynamicTest makes(String name, Preparation<AutoCloseable> action) {
        return test(name, DriverFailuresTest::nothing, prepared -> action.prepare());
    }

    /** Makes something, and lets the calls that close it fail. */
    private DynamicTest closes(String name, Preparation<AutoCloseable> preparation) {
        return test(name, preparation, prepared -> {
            prepared.close();
            return null;
        });
    }

    @TestFactory
    List<DynamicTest> operations() throws IOException {
        CudaDevice first = Cuda.devices().get(0);
        CudaDevice second = Cuda.devices().get(1);
        long address = Pointer.nativeValue(Native.getDirectBufferPointer(host));
        CudaCopy copy = new CudaCopy(context);
        return List.of(
                does("list the GPUs", Cuda::devices),
                does("find a GPU", () -> Cuda.device(second.uuid()).orElseThrow()),
                does("ask for a property", () -> first.attribute(CudaDevice.Attribute.TEXTURE_ALIGNMENT)),
                does("ask for access", () -> first.canAccess(second)),
                does("ask for free memory", context::freeMemory),
                makes("take hold of a context", () -> CudaContext.retain(second)),
                makes("take hold of a context that is there", () -> CudaContext.retain(first)),
                makes("make a stream", () -> CudaStream.create(context)),
                makes("make an event", () -> CudaEvent.create(context)),
                does("record an event", () -> event.record(stream.handle())),
                does("query an event", event::isComplete),
                does("wait for an event", event::synchronize),
                does("let a stream wait", () -> stream.await(event)),
                does("wait for a stream", stream::synchronize),
                does("copy to the GPU", () -> copy.toDevice(address, 8, at(0), 8, 8, 8, stream.handle())),
                does("copy on the GPU", () -> copy.onDevice(at(0), 8, at(64), 8, 8, 8, stream.handle())),
                does("copy to the host", () -> copy.toHost(at(0), 8, host, 8, 8, 8, stream.handle())),
                does(
                        "copy across GPUs",
                        () -> CudaCopy.acrossDevices(context, at(0), context, at(64), 8, stream.handle())),
                does("make an allocator", () -> new CudaMemoryAllocator(context)),
                makes("allocate", () -> CudaMemory.allocate(context, PIECE)),
                makes("allocate for legacy handles", () -> CudaIpcMemory.allocate(context, PIECE)),
                makes("import", this::imported),
                closes("close a context", () -> CudaContext.retain(second)),
                closes("close a stream", () -> CudaStream.create(context)),
                closes("close an event", () -> CudaEvent.create(context)),
                closes("close memory", () -> CudaMemory.allocate(context, PIECE)),
                closes("close memory with a legacy handle", () -> CudaIpcMemory.allocate(context, PIECE)),
                closes("close imported memory", this::imported));
    }

    private long at(int offset) {
        return memory.deviceAddress() + offset;
    }

    private ImportedCudaMemory imported() throws IOException {
        return ImportedCudaMemory.map(
                context, Descriptors.duplicate(memory.descriptor().orElseThrow()), PIECE);
    }

    @Test
    void importsByHandle() throws Exception {
        try (CudaPeer peer = new CudaPeer(Map.of())) {
            assertEquals(CudaPeer.OK, peer.ask("gpu", "0"));
            String name = peer.ask("allocate", MemoryKind.CUDA_IPC.name(), String.valueOf(PIECE), "9");
            byte[] handle = HexFormat.of().parseHex(name);
            eachCallFails(DriverFailuresTest::nothing, prepared -> ImportedCudaMemory.open(context, handle, PIECE));
            // a call that did not happen leaves it open, and to open it again gives the same mapping: so none is left
            assertEquals(0, driver.live(Kind.IMPORTS));
            assertTrue(failures >= 8, "open, find the size, enter and leave");
        }
    }

    @Test
    void closesWhatWasImportedByHandle() throws Exception {
        try (CudaPeer peer = new CudaPeer(Map.of())) {
            assertEquals(CudaPeer.OK, peer.ask("gpu", "0"));
            String name = peer.ask("allocate", MemoryKind.CUDA_IPC.name(), String.valueOf(PIECE), "9");
            byte[] handle = HexFormat.of().parseHex(name);
            fresh();
            for (int code : new int[] {OUT_OF_MEMORY, UNKNOWN}) {
                ImportedCudaMemory imported = ImportedCudaMemory.open(context, handle, PIECE);
                driver.fail("cuIpcCloseMemHandle", 1, code);
                IllegalStateException e = assertThrows(IllegalStateException.class, imported::close);
                assertTrue(e.getMessage().contains("cannot be unmapped"), e.getMessage());
                assertTrue(e.getMessage().contains("cuIpcCloseMemHandle: CUDA_ERROR_"), e.getMessage());
                context.enter();
                assertEquals(Driver.SUCCESS, Driver.cuIpcCloseMemHandle(addressOfImport(handle)));
                context.leave();
            }
            assertEquals(0, driver.live(Kind.IMPORTS));
        }
    }

    /** The driver counts how often a handle is opened: opens it once more and closes that. */
    private long addressOfImport(byte[] handle) throws IOException {
        try (ImportedCudaMemory again = ImportedCudaMemory.open(context, handle, PIECE)) {
            return again.deviceAddress();
        }
    }

    @Test
    void whatFailsWhileItCleansUpIsToldToo() throws IOException {
        for (String function : List.of("cuMemSetAccess", "cuMemMap")) {
            fresh();
            driver.fail(function, 0, OUT_OF_MEMORY);
            driver.fail("cuMemAddressFree", 1, UNKNOWN);
            driver.fail("cuCtxPopCurrent", 1, UNKNOWN);
            CudaException e = assertThrows(CudaException.class, () -> CudaMemory.allocate(context, PIECE));
            assertEquals(function, e.function(), "the first failure is the one that is told");
            assertEquals(
                    List.of("cuMemAddressFree", "cuCtxPopCurrent"),
                    Stream.of(e.getSuppressed())
                            .map(suppressed -> ((CudaException) suppressed).function())
                            .toList());
            assertEquals(1, popAll());
            assertEquals(2L, driver.live(Kind.RESERVATIONS) - before.getOrDefault(Kind.RESERVATIONS, 0L));
            before.merge(Kind.RESERVATIONS, 1L, Long::sum);
        }
    }

    @Test
    void anErrorThatTheDriverCannotNameHasItsNumber() {
        driver.fail("cuMemGetInfo", 1, 12345);
        CudaException e = assertThrows(CudaException.class, context::freeMemory);
        assertEquals("cannot ask for the free memory (cuMemGetInfo: error 12345)", e.getMessage());
        driver.fail("cuMemGetInfo", 1, OUT_OF_MEMORY);
        driver.fail("cuGetErrorString", 1, UNKNOWN);
        e = assertThrows(CudaException.class, context::freeMemory);
        assertEquals("cannot ask for the free memory (cuMemGetInfo: CUDA_ERROR_OUT_OF_MEMORY (2))", e.getMessage());
    }
}
