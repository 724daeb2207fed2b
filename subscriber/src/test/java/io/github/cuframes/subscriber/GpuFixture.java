package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.memory.cuda.Cuda;
import io.github.cuframes.memory.cuda.CudaContext;
import io.github.cuframes.memory.cuda.CudaDevice;
import io.github.cuframes.memory.cuda.CudaMemoryAllocator;
import io.github.cuframes.standin.StandInControl;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A scripted publisher with memory of the first of two stand-in GPUs, in this process. */
abstract class GpuFixture {

    static final Duration LONG = Duration.ofSeconds(20);

    @TempDir
    Path directory;

    StandInControl gpu;
    CudaDevice first;
    CudaDevice second;
    CudaContext context;
    ScriptedPublisher publisher;
    /** What is alive of the driver's objects while no subscriber is there. */
    Map<StandInControl.Kind, Long> before;

    @BeforeEach
    void open() throws Exception {
        gpu = StandIn.reset();
        first = Cuda.devices().get(0);
        second = Cuda.devices().get(1);
        context = CudaContext.retain(first);
        publisher = new ScriptedPublisher(directory, "cam1", new CudaMemoryAllocator(context), context);
        publisher.allocate(1, ScriptedPublisher.CONFIG, 0, ScriptedPublisher.SLOTS);
        before = gpu.live();
    }

    @AfterEach
    void close() throws Exception {
        if (publisher != null) {
            StandIn.reset();
            publisher.close();
            context.close();
        }
    }

    SubscriberBuilder builder() {
        return Subscriber.builder("cam1").runDirectory(directory).policy(DeliveryPolicy.fifo(3));
    }

    /** Connects while the publisher serves. */
    Subscriber connect(SubscriberBuilder builder, Client[] client) {
        try (Script<Client> script = Script.start(publisher::serve)) {
            Subscriber subscriber = builder.connect();
            while (!script.isDone()) {
                assertNull(subscriber.next(1_000_000));
            }
            client[0] = script.join();
            return subscriber;
        }
    }

    void deliver(Client client, int slot) throws Exception {
        publisher.write(slot, 0);
        client.deliver(slot);
    }

    /** Waits, within the test's time limit, for something that another thread does. */
    static void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean()) {
            if (Thread.interrupted()) {
                throw new AssertionError("the test's time is over");
            }
            Thread.onSpinWait();
        }
    }

    void assertNothingLeft() {
        assertEquals(before, gpu.live());
    }

    static void assertContains(String part, String text) {
        assertTrue(text.contains(part), text);
    }
}
