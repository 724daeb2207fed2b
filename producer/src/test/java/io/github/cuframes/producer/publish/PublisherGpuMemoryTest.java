package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a publisher says of GPU memory, whom it lets in, and when it gives the memory back; no GPU is needed. */
@Timeout(60)
class PublisherGpuMemoryTest extends PublisherFixture {

    /** A slot of 64 x 48 grey pixels is a page of memory. */
    private static final int SLOT = SlotPool.ALIGNMENT;

    private static final int OWN_PID = (int) ProcessHandle.current().pid();

    private FakeGpuAllocator gpu;

    private void reopen(MemoryKind kind, long granularity) throws IOException {
        gpu = new FakeGpuAllocator(kind, granularity);
        reopen(builder().allocator(gpu));
    }

    private void publishOnGpu(int value) {
        Slot slot = publisher.acquire();
        assertNotNull(slot, "no free slot");
        gpu.fill(slot.deviceAddress(), slot.layout().size(), value);
        slot.publish(info.reset());
        slot.release();
    }

    @Test
    void framesOfAGpuArriveInPlace() throws IOException {
        gpu = new FakeGpuAllocator(MemoryKind.CUDA, 1, 2 * SLOT);
        reopen(builder().allocator(gpu));
        publisher.configure(config(64, 48), 3);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        for (int i = 1; i <= 4; i++) {
            publishOnGpu(i);
        }
        for (int i = 1; i <= 4; i++) {
            assertEquals(i, value(client, client.take()));
        }
        assertEquals(MemoryKind.CUDA, client.memory.kind());
        assertEquals(Optional.of(FakeGpuAllocator.GPU), client.memory.gpu());
        assertEquals(Optional.of(MemoryKind.CUDA), client.ring.memoryKind());
        assertEquals(4, gpu.allocated.get(), "slabs of two slots each");
        assertEquals(client.memory.slabs().size(), client.memoryDescriptors);
    }

    @Test
    void aSlotOfAGpuHasAnAddressAndNoBuffer() throws IOException {
        reopen(MemoryKind.CUDA, 1);
        publisher.configure(config(64, 48), 2);
        long base = gpu.byAddress.firstKey();
        Slot slot = publisher.acquire();
        assertEquals(MemoryKind.CUDA, slot.memoryKind());
        assertEquals(0, (slot.deviceAddress() - base) % SLOT);
        UnsupportedOperationException e = assertThrows(UnsupportedOperationException.class, slot::buffer);
        assertTrue(e.getMessage().contains("device address"), e.getMessage());

        reopen(builder());
        publisher.configure(config(64, 48), 1);
        Slot host = publisher.acquire();
        assertEquals(MemoryKind.HOST, host.memoryKind());
        assertThrows(UnsupportedOperationException.class, host::deviceAddress);
    }

    @Test
    void legacyHandlesStandInTheRingAndNoDescriptorsCome() throws IOException {
        gpu = new FakeGpuAllocator(MemoryKind.CUDA_IPC, 1, 2 * SLOT);
        reopen(builder().allocator(gpu));
        publisher.configure(config(64, 48), 3);
        RawClient client = subscribe(RawClient.hello(KEY, DeliveryMode.FIFO, 3, 4, ALL_KINDS, OWN_PID + 1));
        await(() -> publisher.counters().slots() == 8);
        while (client.slabs.size() < 4) {
            assertNotNull(client.receive());
            assertEquals(0, client.memoryDescriptors);
            assertEquals(MemoryKind.CUDA_IPC, client.memory.kind());
            assertEquals(Optional.of(FakeGpuAllocator.GPU), client.memory.gpu());
        }
        for (int i = 0; i < 8; i++) {
            var slot = client.ring.descriptor(i);
            int slab = slot.slab(MemoryKind.CUDA_IPC);
            assertEquals(1 + i / 2, slab);
            assertEquals(i % 2 * SLOT, slot.offsetInSlab(MemoryKind.CUDA_IPC));
            assertArrayEquals(FakeGpuAllocator.handle(slab), slot.legacyHandle());
        }
    }

    @ParameterizedTest
    @CsvSource({"CUDA, true, true", "CUDA_IPC, true, false", "CUDA_IPC, false, true", "HOST, true, true"})
    void aLegacyHandleIsNotForAProcessWithTheSamePid(MemoryKind kind, boolean samePid, boolean welcome)
            throws IOException {
        if (kind != MemoryKind.HOST) {
            reopen(kind, 1);
        }
        publisher.configure(config(64, 48), 1);
        var hello = RawClient.hello(KEY, DeliveryMode.LATEST, 0, 2, ALL_KINDS, samePid ? OWN_PID : OWN_PID + 1);
        if (welcome) {
            assertEquals(2, subscribe(hello).welcome.credits());
        } else {
            Message.Failure failure = refused(hello);
            assertEquals(ErrorCode.MEMORY_UNREACHABLE, failure.code());
            assertTrue(failure.text().contains("--memory cuda"), failure.text());
            assertTrue(failure.text().contains("here " + OWN_PID), failure.text());
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"CUDA", "CUDA_IPC"})
    void aClientWithoutAGpuIsToldWhatToDo(MemoryKind kind) throws IOException {
        reopen(kind, 1);
        Message.Failure failure =
                refused(RawClient.hello(KEY, DeliveryMode.LATEST, 0, 2, MemoryKind.HOST.bit(), OWN_PID + 1));
        assertEquals(ErrorCode.MEMORY_UNREACHABLE, failure.code());
        assertTrue(failure.text().contains(kind.label() + " memory"), failure.text());
        assertTrue(failure.text().contains("doctor") && failure.text().contains("--memory host"), failure.text());
    }

    private Message.Failure refused(Message.Hello hello) throws IOException {
        try (RawClient client = new RawClient(directory.resolve("cam.sock"))) {
            client.send(hello);
            return refusalOf(client);
        }
    }

    @Test
    void memoryIsClosedWithoutTheLockAndOnce() throws IOException {
        reopen(MemoryKind.CUDA, 1);
        AtomicInteger asked = new AtomicInteger();
        // counters() takes the lock: it would not come back if the closing thread had it
        gpu.whenClosing = () -> {
            try {
                CompletableFuture.supplyAsync(publisher::counters).get(20, TimeUnit.SECONDS);
                asked.incrementAndGet();
            } catch (InterruptedException | ExecutionException | TimeoutException e) {
                throw new AssertionError(e);
            }
        };
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 2);
        publishOnGpu(1);
        long first = client.take();
        int before = gpu.allocated.get();
        publisher.configure(config(128, 48), 1);
        assertEquals(1, value(client, first), "a lease keeps the old generation's memory");
        assertTrue(gpu.closed.get() < before, "the lease's slab is not closed");
        publishOnGpu(2);
        client.release(first);
        await(() -> gpu.closed.get() == before);
        await(() -> publisher.counters().memoryBytes() == gpu.bytes.get());

        Slot held = publisher.acquire();
        publisher.close();
        assertTrue(gpu.closed.get() < gpu.allocated.get(), "the writer's slot keeps its memory");
        gpu.fill(held.deviceAddress(), held.layout().size(), 9);
        held.release();
        assertEquals(gpu.allocated.get(), gpu.closed.get());
        assertEquals(gpu.allocated.get(), asked.get());
        assertEquals(0, gpu.bytes.get());
    }

    @Test
    void theOldGenerationGoesBeforeTheNewOneComes() throws IOException {
        gpu = new FakeGpuAllocator(MemoryKind.CUDA, 1);
        reopen(builder().allocator(gpu).maxMemory(2 * SLOT));
        for (int i = 1; i <= 20; i++) {
            publisher.configure(config(64, 48), 1);
            publishOnGpu(i);
        }
        assertEquals(2 * SLOT, gpu.mostBytes.get());
        assertEquals(19, gpu.closed.get());
        assertEquals(2 * SLOT, publisher.counters().memoryBytes());
    }

    @Test
    void memoryThatCannotBeGivenBackGoesOnCounting() throws IOException {
        reopen(MemoryKind.CUDA, 1);
        publisher.configure(config(64, 48), 1);
        gpu.whenClosing = () -> {
            throw new IllegalStateException("the driver says no");
        };
        publisher.configure(config(64, 48), 1);
        assertEquals(4 * SLOT, publisher.counters().memoryBytes());
        gpu.whenClosing = () -> {};
        publishOnGpu(1);
        publisher.configure(config(64, 48), 1);
        assertEquals(4 * SLOT, publisher.counters().memoryBytes());
        assertEquals(1, gpu.closed.get());
    }

    @Test
    void whatIsRoundedUpBecomesSlotsAndCounts() throws IOException {
        reopen(MemoryKind.CUDA, 16 * SLOT);
        publisher.configure(config(64, 48), 1);
        assertEquals(16, publisher.counters().slots(), "two were needed");
        assertEquals(16 * SLOT, publisher.counters().memoryBytes());
        assertEquals(16 * SLOT, gpu.bytes.get());
        RawClient client = active(DeliveryMode.LATEST, 0, 4);
        assertEquals(1, gpu.allocated.get(), "a subscriber's slots are there already");
        publishOnGpu(1);
        assertEquals(1, value(client, client.take()));
    }

    @Test
    void theRingsTablesBoundTheSlots() throws IOException {
        reopen(MemoryKind.CUDA, 1000 * SLOT);
        int room = 2 * (4 * 4 + 64);
        for (int i = 1; i <= 3; i++) {
            publisher.configure(config(64, 48), 1);
            assertEquals(room, publisher.counters().slots());
            RawClient client = active(DeliveryMode.LATEST, 0, 4);
            publishOnGpu(i);
            assertEquals(i, value(client, client.take()));
            clients.remove(client);
            client.close();
            await(() -> publisher.counters().subscribers() == 0);
        }
    }

    @Test
    void theLimitBoundsWhatIsReallyTaken() throws IOException {
        gpu = new FakeGpuAllocator(MemoryKind.CUDA, 16 * SLOT);
        reopen(builder().allocator(gpu).maxMemory(16 * SLOT - 1));
        IOException e = assertThrows(IOException.class, () -> publisher.configure(config(64, 48), 1));
        assertTrue(e.getMessage().contains("take " + 16 * SLOT + " bytes"), e.getMessage());
        assertEquals(0, gpu.allocated.get());

        reopen(builder().allocator(gpu).maxMemory(16 * SLOT));
        publisher.configure(config(64, 48), 1);
        assertEquals(16 * SLOT, publisher.counters().memoryBytes());
    }
}
