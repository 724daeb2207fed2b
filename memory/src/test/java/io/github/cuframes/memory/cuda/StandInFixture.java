package io.github.cuframes.memory.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.standin.StandInDriver;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * Tests that call the stand-in driver in this process, and end with as many of its objects as they found. No other test
 * of this module may touch {@link Cuda} in the same process: it loads one driver, once.
 */
abstract class StandInFixture {

    static final int MIB = 1 << 20;
    static final int PIECE = 2 * MIB;
    static final int OUT_OF_MEMORY = 2;
    static final int UNKNOWN = 999;

    static {
        if (StandInDriver.unavailable().isEmpty()) {
            System.setProperty("cuframes.cuda.library", StandInDriver.build().toString());
        }
    }

    /** Objects that may be there at the end. */
    Map<StandInControl.Kind, Long> before;

    StandInControl driver;
    CudaContext context;
    private long allocatedBefore;

    @BeforeEach
    final void useStandIn() throws IOException {
        assumeTrue(StandInDriver.unavailable().isEmpty(), () -> StandInDriver.unavailable()
                .orElse(""));
        assertEquals(StandInDriver.build().toString(), Cuda.library(), "another test loaded the driver before");
        driver = StandInControl.load();
        fresh();
        before = driver.live();
        allocatedBefore = driver.allocated(0);
        context = CudaContext.retain(Cuda.device("0"));
    }

    /** Forgets failures and counts; there are two GPUs. */
    final void fresh() {
        driver.reset();
        driver.set(StandInDriver.GPUS, 2);
    }

    @AfterEach
    final void leaveNothing() {
        if (context != null) {
            context.close();
            assertEquals(before, driver.live());
        }
    }

    /** Objects that came since then. */
    final Map<StandInControl.Kind, Long> since(Map<StandInControl.Kind, Long> start) {
        Map<StandInControl.Kind, Long> more = new EnumMap<>(StandInControl.Kind.class);
        for (StandInControl.Kind kind : StandInControl.Kind.values()) {
            long difference = driver.live(kind) - start.getOrDefault(kind, 0L);
            if (difference != 0) {
                more.put(kind, difference);
            }
        }
        return more;
    }

    /** Bytes of the first GPU that this test has allocated. */
    final long allocated() {
        return driver.allocated(0) - allocatedBefore;
    }

    /** Lets the first GPU have so many bytes for this test. */
    final void limitMemory(long bytes) {
        driver.set(StandInDriver.MEMORY, allocatedBefore + bytes);
    }

    /** Nothing but the context is there. */
    final void assertNothingMore() {
        assertEquals(Map.of(StandInControl.Kind.CONTEXTS, 1L), since(before));
        assertEquals(0, allocated());
    }

    /** Sets every byte, in all its width, and waits for it. */
    static void fill(CudaContext context, long address, int value, long size) throws IOException {
        context.enter();
        try {
            CudaException.check(Driver.cuMemsetD8(address, (byte) value, size), "cuMemsetD8");
            CudaException.check(Driver.cuStreamSynchronize(0), "cuStreamSynchronize");
        } finally {
            context.leave();
        }
    }

    /** The first bytes of memory, as a copy of this process gets them. */
    static byte[] read(CudaContext context, long address, int size) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocateDirect(size);
        new CudaCopy(context).toHost(address, size, bytes, size, size, 1, 0);
        byte[] copy = new byte[size];
        bytes.get(copy);
        return copy;
    }

    static byte[] repeated(int value, int size) {
        byte[] bytes = new byte[size];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
