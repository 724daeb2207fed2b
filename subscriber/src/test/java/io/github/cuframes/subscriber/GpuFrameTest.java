package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.memory.cuda.CudaCopy;
import io.github.cuframes.memory.cuda.CudaException;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.standin.StandInControl.Kind;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames in GPU memory, read on the GPU that they lie on. */
@Timeout(60)
class GpuFrameTest extends GpuFixture {

    private static final int BROKEN = 700;

    @Test
    void sayWhichGpusItHas() {
        Script<Message.Hello> script = Script.start(() -> {
            Client client = publisher.accept();
            Message.Hello hello = client.expect(Message.Hello.class);
            client.close();
            return hello;
        });
        assertThrows(
                SubscriberException.class,
                () -> builder().connectTimeout(java.time.Duration.ofMillis(1)).connect());
        Message.Hello hello = script.join();
        assertEquals(MemoryKind.HOST.bit() | MemoryKind.CUDA.bit() | MemoryKind.CUDA_IPC.bit(), hello.memoryKinds());
        assertEquals(List.of(first.uuid(), second.uuid()), hello.gpus());
        assertEquals(ProcessHandle.current().pid(), hello.pid());
    }

    @Test
    void readsWhereThePublisherWrote() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            deliver(client[0], 3);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(MemoryKind.CUDA, frame.memoryKind());
                assertEquals(first.uuid(), frame.gpu().orElseThrow());
                assertTrue(ScriptedPublisher.isIntact(frame));
                int chroma = 64 * 48;
                publisher.slotBytes(3).put(chroma, (byte) 0x5A);
                publisher.upload(3);
                assertEquals(0x5A, gpu.peek(frame.deviceAddress(1), 1)[0], "the same bytes, not a copy");
                assertNotEquals(publisher.address(3), frame.deviceAddress(0));
                assertThrows(IndexOutOfBoundsException.class, () -> frame.deviceAddress(2));
                UnsupportedOperationException e =
                        assertThrows(UnsupportedOperationException.class, () -> frame.plane(0));
                assertContains("download", e.getMessage());
                assertEquals(0, subscriber.statistics().copied());
            }
            assertTrue(client[0].isFree(3));
        }
        assertNothingLeft();
    }

    @Test
    void downloadsRowsWithAnyPitch() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            deliver(client[0], 0);
            try (Frame frame = subscriber.next(LONG)) {
                ByteBuffer rows = ByteBuffer.allocateDirect(4 + 100 + 64);
                frame.download(1, 22, 2, rows.position(4), 100);
                assertEquals(4, rows.position());
                for (int i = 0; i < 64; i++) {
                    int at = 64 * 48 + 22 * 64 + i;
                    assertEquals(publisher.slotBytes(0).get(at), rows.get(4 + i));
                    assertEquals(publisher.slotBytes(0).get(at + 64), rows.get(104 + i));
                }
                assertEquals(0, rows.get(4 + 64), "nothing between the rows");
                assertThrows(IndexOutOfBoundsException.class, () -> frame.download(1, 23, 2, rows, 64));
                assertThrows(IllegalArgumentException.class, () -> frame.download(1, 0, 2, rows, 63));
                assertThrows(IllegalArgumentException.class, () -> frame.download(0, rows));
                assertThrows(
                        IllegalArgumentException.class, () -> frame.download(1, 0, 1, ByteBuffer.allocate(64), 64));
            }
        }
        assertNothingLeft();
    }

    @Test
    void nobodyCanWriteThroughTheMapping() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client);
                CudaStream stream = CudaStream.create(context)) {
            deliver(client[0], 0);
            try (Frame frame = subscriber.next(LONG)) {
                long from = publisher.address(5);
                CudaException e = assertThrows(CudaException.class, () -> new CudaCopy(context)
                        .onDevice(from, 64, frame.deviceAddress(0), 64, 64, 1, stream.handle()));
                assertEquals(1, e.code());
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
        }
        assertNothingLeft();
    }

    @Test
    void aLeaseEndsWhenTheWorkOnTheFrameIsDone() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client);
                CudaStream stream = CudaStream.create(context)) {
            deliver(client[0], 0);
            deliver(client[0], 1);
            Frame busy = subscriber.next(LONG);
            Frame other = subscriber.next(LONG);
            gpu.block(stream.handle());
            busy.awaitOn(stream.handle());
            busy.releaseAfter(stream.handle());
            assertThrows(IllegalStateException.class, () -> busy.deviceAddress(0));
            assertThrows(IllegalStateException.class, () -> busy.releaseAfter(stream.handle()));
            busy.close();
            other.close();
            assertNull(subscriber.next(0));
            assertFalse(client[0].isFree(0), "its work is queued");
            assertTrue(client[0].isFree(1));
            gpu.unblock(stream.handle());
            await(() -> client[0].isFree(0)); // nobody is in next
        }
        assertNothingLeft();
    }

    @Test
    void releasedFramesAreNotHeldByTheApplication() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client);
                CudaStream stream = CudaStream.create(context)) {
            gpu.block(stream.handle());
            for (int i = 0; i < client[0].credits; i++) {
                deliver(client[0], i);
                subscriber.next(LONG).releaseAfter(stream.handle());
            }
            assertNull(subscriber.next(0), "no frame, and no complaint of frames held");
            gpu.unblock(stream.handle());
            await(() -> client[0].isFree(0) && client[0].isFree(1));
            long events = gpu.live(Kind.EVENTS);
            for (int i = 0; i < 50; i++) {
                deliver(client[0], 0);
                subscriber.next(LONG).releaseAfter(stream.handle());
                await(() -> client[0].isFree(0));
            }
            assertEquals(events, gpu.live(Kind.EVENTS), "events are used again");
        }
        assertNothingLeft();
    }

    @Test
    void aStreamThatIsNoneLeavesTheFrameOpen() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            deliver(client[0], 0);
            try (Frame frame = subscriber.next(LONG)) {
                SubscriberException e = assertThrows(SubscriberException.class, () -> frame.releaseAfter(0x1234));
                assertContains("0x1234", e.getMessage());
                assertContains("CUDA_ERROR_INVALID_HANDLE", e.getMessage());
                assertTrue(ScriptedPublisher.isIntact(frame));
                frame.releaseAfter(0);
                await(() -> client[0].isFree(0));
            }
        }
        assertNothingLeft();
    }

    @Test
    void workThatOutlivesTheConnectionKeepsItsMemory() throws Exception {
        Client[] client = new Client[1];
        try (CudaStream stream = CudaStream.create(context)) {
            try (Subscriber subscriber = connect(builder(), client)) {
                deliver(client[0], 0);
                Frame frame = subscriber.next(LONG);
                gpu.block(stream.handle());
                frame.releaseAfter(stream.handle());
            }
            assertEquals(before.get(Kind.MAPPINGS) + 1, gpu.live(Kind.MAPPINGS));
            gpu.unblock(stream.handle());
            await(() -> gpu.live(Kind.MAPPINGS) == before.get(Kind.MAPPINGS));
            await(() -> gpu.live(Kind.CONTEXTS) == before.get(Kind.CONTEXTS));
        }
        assertNothingLeft();
    }

    @Test
    void aBrokenGpuKeepsNoLease() throws Exception {
        Client[] client = new Client[1];
        Subscriber subscriber = connect(builder(), client);
        CudaStream stream = CudaStream.create(context);
        deliver(client[0], 0);
        deliver(client[0], 1);
        Frame pending = subscriber.next(LONG);
        Frame held = subscriber.next(LONG);
        gpu.block(stream.handle());
        pending.releaseAfter(stream.handle());
        gpu.breakDevice(0, BROKEN);
        await(() -> client[0].isFree(0));
        SubscriberException e = assertThrows(SubscriberException.class, () -> held.releaseAfter(stream.handle()));
        assertContains("(700)", e.getMessage());
        held.close();
        assertTrue(client[0].isFree(1));
        subscriber.close();
        StandIn.reset();
        stream.close();
        // and the thread that polls lives
        Client[] next = new Client[1];
        client[0].close();
        try (Subscriber again = connect(builder(), next)) {
            deliver(next[0], 2);
            again.next(LONG).releaseAfter(0);
            await(() -> next[0].isFree(2));
        }
    }

    @Test
    void aGenerationIsUnmappedWhenItsLastFrameIsClosed() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            deliver(client[0], 0);
            Frame old = subscriber.next(LONG);
            long mapped = gpu.live(Kind.MAPPINGS);
            publisher.allocate(2, ScriptedPublisher.config(128, 96), 8, 12);
            client[0].memory(1);
            deliver(client[0], 8);
            Frame young = subscriber.next(LONG);
            assertEquals(2, young.generation());
            assertEquals(128, young.width());
            assertTrue(ScriptedPublisher.isIntact(young));
            assertTrue(ScriptedPublisher.isIntact(old));
            assertEquals(mapped + 2, gpu.live(Kind.MAPPINGS), "the publisher's and this side's");
            old.close();
            assertEquals(mapped + 1, gpu.live(Kind.MAPPINGS));
            young.close();
        }
        assertEquals(before.get(Kind.MAPPINGS) + 1, gpu.live(Kind.MAPPINGS), "the publisher's");
    }

    @Test
    void aFrameHeldSurvivesItsPublisherAndTheSubscriber() throws Exception {
        Client[] client = new Client[1];
        Subscriber subscriber = connect(builder().reconnect(false), client);
        deliver(client[0], 0);
        Frame held = subscriber.next(LONG);
        client[0].close();
        assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
        assertTrue(ScriptedPublisher.isIntact(held));
        subscriber.close();
        assertThrows(IllegalStateException.class, () -> held.deviceAddress(0));
        assertEquals(before.get(Kind.MAPPINGS) + 1, gpu.live(Kind.MAPPINGS), "work may still read it");
        held.close();
        assertNothingLeft();
    }

    @Test
    void connectsAnewAndReadsOn() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder(), client)) {
            deliver(client[0], 0);
            Frame old = subscriber.next(LONG);
            client[0].close();
            Script<Client> script = Script.start(publisher::serve);
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            deliver(script.join(), 1);
            try (Frame frame = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(frame));
                assertTrue(ScriptedPublisher.isIntact(old));
            }
            old.close();
            assertEquals(1, subscriber.statistics().reconnects());
        }
        assertNothingLeft();
    }

    @Test
    void closesFromAnotherThreadWhileFramesCome() throws Exception {
        for (int round = 0; round < 20; round++) {
            Client[] client = new Client[1];
            Subscriber subscriber = connect(builder(), client);
            deliver(client[0], 0);
            Script<Void> reader = Script.start(() -> {
                try {
                    subscriber.next(LONG).releaseAfter(0);
                } catch (IllegalStateException e) {
                    assertContains("closed", e.getMessage());
                } catch (NullPointerException e) {
                    throw new AssertionError("no frame within the time", e);
                }
                return null;
            });
            subscriber.close();
            reader.join();
            await(() -> before.equals(gpu.live()));
            client[0].close();
        }
    }
}
