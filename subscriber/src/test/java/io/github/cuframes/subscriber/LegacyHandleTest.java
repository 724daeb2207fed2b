package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.cuda.CudaIpcMemoryAllocator;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Legacy handles are opened when a frame is asked for, and by then their publisher may be dead. */
@Timeout(60)
class LegacyHandleTest extends GpuFixture {

    private static final String OPEN = "cuIpcOpenMemHandle_v2";
    private static final int INVALID_VALUE = 1;

    private ScriptedPublisher legacy;

    @BeforeEach
    void publishLegacyMemory() throws Exception {
        legacy = new ScriptedPublisher(directory, "cam2", new CudaIpcMemoryAllocator(context), context);
        legacy.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        gpu.fail(OPEN, 1, INVALID_VALUE); // as the driver answers for a process that is gone
    }

    private Client deliverOne(Subscriber subscriber, Script<Client> script) throws Exception {
        while (!script.isDone()) {
            assertNull(subscriber.next(1_000_000));
        }
        Client client = script.join();
        legacy.write(0, 0);
        client.deliver(0);
        return client;
    }

    private SubscriberBuilder subscribing() {
        return Subscriber.builder("cam2")
                .runDirectory(directory)
                .policy(DeliveryPolicy.fifo(3))
                .reconnect(false);
    }

    @Test
    void aDeadPublishersHandleIsTheEndAndNoRefusal() throws Exception {
        try (Script<Client> script = Script.start(legacy::serve);
                Subscriber subscriber = subscribing().connect()) {
            deliverOne(subscriber, script).close();
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertContains("is gone without a word", e.getMessage());
            assertTrue(e.code().isEmpty(), e::toString);
            assertEquals(0, gpu.failuresLeft(), "the handle was opened");
        } finally {
            legacy.close();
        }
    }

    @Test
    void aLivingPublishersHandleThatDoesNotOpenIsARefusal() throws Exception {
        try (Script<Client> script = Script.start(legacy::serve);
                Subscriber subscriber = subscribing().connect()) {
            Client client = deliverOne(subscriber, script);
            SubscriberException e = assertThrows(SubscriberException.class, () -> subscriber.next(LONG));
            assertEquals(ErrorCode.MEMORY_UNREACHABLE, e.code().orElseThrow());
            client.close();
        } finally {
            legacy.close();
        }
    }
}
