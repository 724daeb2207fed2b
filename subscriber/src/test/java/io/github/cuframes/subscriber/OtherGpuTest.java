package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaStream;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.standin.StandInControl.Kind;
import io.github.cuframes.standin.StandInDriver;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames of one GPU, read on another. */
@Timeout(60)
class OtherGpuTest extends GpuFixture {

    /** What the subscriber says of a MEMORY message; the publisher is told the same. */
    private String refusal(SubscriberBuilder builder, Optional<Message.Memory> instead) throws Exception {
        Script<Message.Failure> script = Script.start(() -> {
            Client client = publisher.accept();
            client.expect(Message.Hello.class);
            client.welcome();
            Message answer = client.receive();
            if (answer instanceof Message.Failure early) { // the GPU that was named cannot be prepared
                client.close();
                return early;
            }
            if (instead.isPresent()) {
                client.send(instead.get(), publisher.slab(0).descriptor().orElseThrow());
            } else {
                client.memory(0);
            }
            Message.Failure failure = client.expect(Message.Failure.class);
            client.close();
            return failure;
        });
        try {
            SubscriberException e = assertThrows(SubscriberException.class, () -> {
                try (Subscriber subscriber = builder.connect()) {
                    assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
                    subscriber.next(0).close(); // it stays refused
                }
            });
            Message.Failure told = script.join();
            assertEquals(told.code(), e.code().orElseThrow());
            assertEquals(ErrorCode.MEMORY_UNREACHABLE, told.code());
            assertContains(told.text().substring(0, Math.min(200, told.text().length())), e.getMessage());
            return e.getMessage();
        } finally {
            assertNothingLeft();
        }
    }

    @Test
    void readsThroughPeerAccess() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().gpu("GPU-" + second.uuid()), client)) {
            deliver(client[0], 0);
            try (Frame frame = subscriber.next(LONG)) {
                assertEquals(second.uuid(), frame.gpu().orElseThrow());
                assertTrue(ScriptedPublisher.isIntact(frame));
                assertEquals(0, subscriber.statistics().copied());
            }
        }
        assertNothingLeft();
    }

    @Test
    void refusesWithoutPeerAccessAndSaysWhatHelps() throws Exception {
        gpu.set(StandInDriver.NO_PEER, 1);
        String why = refusal(builder().gpu("1"), Optional.empty());
        for (String part : List.of(
                first.uuid().toString(),
                second.uuid().toString(),
                "peer",
                "--gpu",
                "--copy-to-my-gpu",
                "copyToMyGpu")) {
            assertContains(part, why);
        }
    }

    @Test
    void refusesWhatItDoesNotSee() throws Exception {
        assertContains("no GPU \"7\"", refusal(builder().gpu("7"), Optional.empty()));
        UUID unseen = new UUID(1, 2);
        Message.Memory elsewhere = new Message.Memory(
                1,
                MemoryKind.CUDA,
                Optional.of(unseen),
                ScriptedPublisher.CONFIG,
                List.of(new Message.Slab(0, publisher.slab(0).size())));
        String why = refusal(builder().copyToMyGpu(true), Optional.of(elsewhere));
        assertContains("GPU-" + unseen, why);
        assertContains("CUDA_VISIBLE_DEVICES", why);
        Message.Memory larger = new Message.Memory(
                1,
                MemoryKind.CUDA,
                Optional.of(first.uuid()),
                ScriptedPublisher.CONFIG,
                List.of(new Message.Slab(0, publisher.slab(0).size() + (2 << 20))));
        assertContains("cuMemMap", refusal(builder(), Optional.of(larger)));
    }

    @Test
    void copiesToItsOwnGpu() throws Exception {
        gpu.set(StandInDriver.NO_PEER, 1);
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().gpu("1").copyToMyGpu(true), client);
                CudaContext reading = CudaContext.retain(second);
                CudaStream stream = CudaStream.create(reading)) {
            deliver(client[0], 0);
            Frame frame = subscriber.next(LONG);
            assertEquals(second.uuid(), frame.gpu().orElseThrow());
            await(() -> client[0].isFree(0)); // the copy is done, though the frame is open
            publisher.write(0, 0); // the slot's next frame does not show in the copy
            assertTrue(ScriptedPublisher.isIntact(frame));
            assertEquals(1, subscriber.statistics().copied());
            frame.awaitOn(stream.handle());
            frame.releaseAfter(stream.handle());
            for (int i = 0; i < 20; i++) {
                deliver(client[0], i % client[0].credits);
                try (Frame next = subscriber.next(LONG)) {
                    assertTrue(ScriptedPublisher.isIntact(next), "copy " + i);
                }
                int lease = i % client[0].credits;
                await(() -> client[0].isFree(lease));
            }
            assertEquals(21, subscriber.statistics().copied());
        }
        await(() -> before.equals(gpu.live()));
    }

    /** Has all buffers wait for work of the application, until the stream is unblocked. */
    private void useUpBuffers(Client client, Subscriber subscriber, CudaStream stream) throws Exception {
        gpu.block(stream.handle());
        for (int i = 0; i < client.credits; i++) {
            deliver(client, i);
            subscriber.next(LONG).releaseAfter(stream.handle());
            int lease = i;
            await(() -> client.isFree(lease));
        }
    }

    @Test
    void workWaitsForTheCopyAndTheNextFrameForTheWork() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().gpu("1").copyToMyGpu(true), client);
                CudaContext reading = CudaContext.retain(second);
                CudaStream stream = CudaStream.create(reading)) {
            for (int i = 0; i < client[0].credits; i++) {
                publisher.write(i, 0);
            }
            gpu.blockAll(true);
            for (int i = 0; i < client[0].credits; i++) {
                client[0].deliver(i);
                Frame frame = subscriber.next(LONG);
                frame.awaitOn(stream.handle());
                frame.releaseAfter(stream.handle());
            }
            gpu.unblock(stream.handle());
            assertTrue(gpu.pending(stream.handle()) > 0, "it waits for the first copy");
            assertFalse(client[0].isFree(0));
            gpu.blockAll(false);
            await(() -> client[0].isFree(client[0].credits - 1) && gpu.pending(stream.handle()) == 0);
            // all buffers wait for work of the application: no frame until it is done
            useUpBuffers(client[0], subscriber, stream);
            deliver(client[0], 0);
            assertNull(subscriber.next(1_000_000));
            gpu.unblock(stream.handle());
            try (Frame frame = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(frame));
            }
        }
        await(() -> before.equals(gpu.live()));
    }

    @Test
    void whatWasDeliveredBeforeTheEndWaitsForABufferToo() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().gpu("1").copyToMyGpu(true), client);
                CudaContext reading = CudaContext.retain(second);
                CudaStream stream = CudaStream.create(reading)) {
            useUpBuffers(client[0], subscriber, stream);
            deliver(client[0], 0);
            deliver(client[0], 1);
            client[0].bye(ByeReason.END_OF_STREAM);
            client[0].close();
            assertNull(subscriber.next(1_000_000));
            assertFalse(subscriber.isAtEnd());
            gpu.unblock(stream.handle());
            for (int i = 1; i <= 2; i++) {
                try (Frame frame = subscriber.next(LONG)) {
                    assertEquals(client[0].credits + i, frame.sequence());
                    assertTrue(ScriptedPublisher.isIntact(frame));
                }
            }
            assertNull(subscriber.next(LONG));
            assertTrue(subscriber.isAtEnd());
        }
        await(() -> before.equals(gpu.live()));
    }

    /** The publisher's last word comes before a buffer: a publisher that ended the leases may have used the slots again. */
    @Test
    void whatWasDeliveredBeforeARefusalWaitsForNothing() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber =
                        connect(builder().gpu("1").copyToMyGpu(true).reconnect(false), client);
                CudaContext reading = CudaContext.retain(second);
                CudaStream stream = CudaStream.create(reading)) {
            useUpBuffers(client[0], subscriber, stream);
            deliver(client[0], 0);
            client[0].error(ErrorCode.TOO_SLOW, "held for too long");
            client[0].close();
            assertContains(
                    "held for too long",
                    assertThrows(SubscriberException.class, () -> subscriber.next(LONG))
                            .getMessage());
            gpu.unblock(stream.handle());
        }
        await(() -> before.equals(gpu.live()));
    }

    /** The slot of a frame that was copied is the publisher's again at once, and so is what the ring says of it. */
    @Test
    void aCopyKeepsTheMetadataOfItsFrame() throws Exception {
        int frames = 5_000;
        Client[] client = new Client[1];
        try (Subscriber subscriber =
                connect(builder().policy(DeliveryPolicy.lossless()).gpu("1").copyToMyGpu(true), client)) {
            int credits = client[0].credits;
            Script<Void> publishing = Script.start(() -> {
                for (int i = 0; i < frames; i++) {
                    int lease = i % credits;
                    await(() -> client[0].isFree(lease));
                    deliver(client[0], lease);
                }
                return null;
            });
            for (int i = 0; i < frames; i++) {
                try (Frame frame = subscriber.next(LONG)) {
                    assertEquals(i + 1, frame.sequence());
                    assertEquals(frame.sequence() * 3600, frame.pts());
                    assertTrue(ScriptedPublisher.isIntact(frame), frame::toString);
                }
            }
            publishing.join();
            assertEquals(frames, subscriber.statistics().copied());
        }
        await(() -> before.equals(gpu.live()));
    }

    @Test
    void aGenerationsBuffersEndWithItsLastFrame() throws Exception {
        Client[] client = new Client[1];
        try (Subscriber subscriber = connect(builder().gpu("1").copyToMyGpu(true), client)) {
            deliver(client[0], 0);
            Frame old = subscriber.next(LONG);
            await(() -> client[0].isFree(0));
            publisher.allocate(2, ScriptedPublisher.config(128, 96), 8, 12);
            client[0].memory(1);
            deliver(client[0], 8);
            try (Frame young = subscriber.next(LONG)) {
                assertTrue(ScriptedPublisher.isIntact(young));
                assertTrue(ScriptedPublisher.isIntact(old));
            }
            await(() -> client[0].isFree(8));
            long mapped = gpu.live(Kind.MAPPINGS);
            old.close();
            assertEquals(mapped - 1, gpu.live(Kind.MAPPINGS));
        }
    }
}
