package io.github.cuframes.standin;

import static io.github.cuframes.standin.Cuda.NOT_READY;
import static io.github.cuframes.standin.Cuda.SUCCESS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.jna.Callback;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StreamTest extends StandInTest {

    private static final int NON_BLOCKING = 1;
    private long memory;

    /** A host function of a stream. */
    @FunctionalInterface
    public interface HostFunction extends Callback {
        void run(Pointer user);
    }

    @BeforeEach
    void context() {
        cuda.primary(0);
        memory = cuda.out("cuMemAlloc_v2", 4096L);
    }

    @AfterEach
    void release() {
        control.reset();
        cuda.ok("cuMemFree_v2", memory);
        cuda.releasePrimary(0);
    }

    private Pointer stream(int flags) {
        return new Pointer(cuda.out("cuStreamCreate", flags));
    }

    private static long handle(Pointer stream) {
        return Pointer.nativeValue(stream);
    }

    private void fill(int value, Pointer stream) {
        cuda.ok("cuMemsetD8Async", memory, (byte) value, 8L, stream);
    }

    @Test
    void anEventIsDoneWhenItsStreamHasComeToIt() {
        Pointer stream = stream(NON_BLOCKING);
        Pointer event = new Pointer(cuda.out("cuEventCreate", 2));
        cuda.ok("cuEventQuery", event);
        control.block(handle(stream));
        fill(5, stream);
        cuda.ok("cuEventRecord", event, stream);
        cuda.expect(NOT_READY, "cuEventQuery", event);
        cuda.expect(NOT_READY, "cuStreamQuery", stream);
        assertEquals(2, control.pending(handle(stream)));
        assertEquals(0, control.peek(memory, 1)[0]);
        control.unblock(handle(stream));
        cuda.ok("cuEventSynchronize", event);
        cuda.ok("cuEventQuery", event);
        assertEquals(5, control.peek(memory, 1)[0]);
        cuda.ok("cuEventDestroy_v2", event);
        cuda.expect(Cuda.INVALID_HANDLE, "cuEventQuery", event);
        cuda.ok("cuStreamDestroy_v2", stream);
        cuda.expect(Cuda.INVALID_HANDLE, "cuStreamQuery", stream);
    }

    @Test
    void aStreamWaitsForAnotherOnesEvent() {
        Pointer first = stream(NON_BLOCKING);
        Pointer second = stream(NON_BLOCKING);
        Pointer event = new Pointer(cuda.out("cuEventCreate", 0));
        control.block(handle(first));
        fill(1, first);
        cuda.ok("cuEventRecord", event, first);
        cuda.ok("cuStreamWaitEvent", second, event, 0);
        fill(2, second);
        cuda.ok("cuEventDestroy_v2", event);
        cuda.expect(NOT_READY, "cuStreamQuery", second);
        control.unblock(handle(first));
        cuda.ok("cuStreamSynchronize", second);
        assertEquals(2, control.peek(memory, 1)[0]);
        cuda.ok("cuStreamDestroy_v2", first);
        cuda.ok("cuStreamDestroy_v2", second);
    }

    @Test
    void theDefaultStreamKeepsOrderWithBlockingStreamsOnly() {
        Pointer blocking = stream(0);
        Pointer free = stream(NON_BLOCKING);
        control.block(handle(blocking));
        fill(1, blocking);
        cuda.ok("cuMemsetD8_v2", memory, (byte) 2, 8L);
        fill(3, free);
        cuda.ok("cuStreamSynchronize", free);
        assertEquals(3, control.peek(memory, 1)[0]);
        cuda.expect(NOT_READY, "cuStreamQuery", Pointer.NULL);
        control.unblock(handle(blocking));
        cuda.ok("cuStreamSynchronize", Pointer.NULL);
        assertEquals(2, control.peek(memory, 1)[0]);
        cuda.ok("cuStreamDestroy_v2", blocking);
        cuda.ok("cuStreamDestroy_v2", free);
    }

    @Test
    void aBlockedStreamGoesStepByStep() {
        Pointer stream = stream(NON_BLOCKING);
        Pointer event = new Pointer(cuda.out("cuEventCreate", 0));
        control.block(handle(stream));
        fill(1, stream);
        cuda.ok("cuEventRecord", event, stream);
        fill(2, stream);
        control.step(handle(stream), 2);
        cuda.ok("cuEventSynchronize", event);
        assertEquals(1, control.peek(memory, 1)[0]);
        assertEquals(1, control.pending(handle(stream)));
        control.unblock(handle(stream));
        cuda.ok("cuCtxSynchronize");
        assertEquals(2, control.peek(memory, 1)[0]);
        cuda.ok("cuEventDestroy_v2", event);
        cuda.ok("cuStreamDestroy_v2", stream);
    }

    @Test
    void hostFunctionsMayNotCallTheDriver() throws Exception {
        Pointer stream = stream(NON_BLOCKING);
        CompletableFuture<Integer> result = new CompletableFuture<>();
        HostFunction function = user -> result.complete(cuda.call("cuDeviceGetCount", new IntByReference()));
        cuda.ok("cuLaunchHostFunc", stream, function, Pointer.NULL);
        assertEquals(Cuda.NOT_PERMITTED, result.get(10, TimeUnit.SECONDS));
        cuda.ok("cuStreamSynchronize", stream);
        cuda.ok("cuStreamDestroy_v2", stream);
    }

    @Test
    void memoryThatGoesWhileWorkIsQueuedBreaksTheContext() {
        Pointer stream = stream(NON_BLOCKING);
        long handle = cuda.create(0, Cuda.GRANULARITY);
        long address = cuda.map(handle, Cuda.GRANULARITY, 0, Cuda.READ_WRITE);
        control.block(handle(stream));
        cuda.ok("cuMemsetD8Async", address, (byte) 1, 8L, stream);
        cuda.unmap(address, Cuda.GRANULARITY);
        cuda.ok("cuMemRelease", handle);
        control.unblock(handle(stream));
        cuda.expect(Cuda.ILLEGAL_ADDRESS, "cuStreamSynchronize", stream);
        cuda.expect(Cuda.ILLEGAL_ADDRESS, "cuCtxSynchronize");
        control.reset();
        assertEquals(SUCCESS, cuda.call("cuCtxSynchronize"));
        cuda.ok("cuStreamDestroy_v2", stream);
    }

    @Test
    void pinnedMemoryIsCopiedLaterAndPageableMemoryAtOnce() {
        Pointer stream = stream(NON_BLOCKING);
        Pointer pinned = new Pointer(cuda.out("cuMemHostAlloc", 8L, 0));
        pinned.write(0, BYTES, 0, 8);
        control.block(handle(stream));
        cuda.ok("cuMemcpyHtoDAsync_v2", memory, pinned, 8L, stream);
        pinned.setByte(0, (byte) 77);
        control.unblock(handle(stream));
        cuda.ok("cuStreamSynchronize", stream);
        assertArrayEquals(new byte[] {77, 2}, cuda.read(memory, 2));
        assertTrue(control.live(StandInControl.Kind.HOST) == 1);
        cuda.ok("cuMemFreeHost", pinned);
        cuda.ok("cuStreamDestroy_v2", stream);
    }
}
