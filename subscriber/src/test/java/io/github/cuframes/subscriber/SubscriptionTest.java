package io.github.cuframes.subscriber;

import static org.junit.jupiter.api.Assertions.*;

import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.SubscriberState;
import io.github.cuframes.subscriber.ScriptedPublisher.Client;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class SubscriptionTest {

    @TempDir
    Path directory;

    private ScriptedPublisher publisher;
    private Subscriber subscriber;
    private Client client;
    private final BlockingQueue<Object> seen = new LinkedBlockingQueue<>();

    /** Puts what happens into {@link #seen}. */
    private class Recorder implements FrameHandler {
        @Override
        public void onFrame(Frame frame) throws Exception {
            seen.add(frame.sequence());
        }

        @Override
        public void onFailure(Throwable failure) {
            seen.add(failure);
        }

        @Override
        public void onEnd() {
            seen.add("end");
        }
    }

    private Object next() throws InterruptedException {
        Object next = seen.poll(20, TimeUnit.SECONDS);
        assertNotNull(next, "nothing came");
        return next;
    }

    @BeforeEach
    void open() throws IOException {
        publisher = new ScriptedPublisher(directory, "cam1");
        Script<Client> script = Script.start(publisher::serve);
        subscriber = Subscriber.builder("cam1")
                .runDirectory(directory)
                .policy(DeliveryPolicy.fifo(3))
                .connect();
        while (!script.isDone()) {
            assertNull(subscriber.next(1_000_000));
        }
        client = script.join();
    }

    @AfterEach
    void close() throws IOException {
        subscriber.close();
        publisher.close();
    }

    private void deliver(int slot) throws IOException {
        publisher.write(slot, 0);
        client.deliver(slot);
    }

    private void awaitFree(int lease) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!client.isFree(lease)) {
            assertTrue(System.nanoTime() - deadline < 0, "the lease does not end");
            Thread.onSpinWait();
        }
    }

    @Test
    void handsOverFramesAndClosesThem() throws Exception {
        try (Subscription subscription = subscriber.start(new Recorder())) {
            for (int slot = 0; slot < 4; slot++) {
                deliver(slot);
                assertEquals((long) slot + 1, next());
                awaitFree(slot);
            }
            assertEquals(4, subscription.statistics().received());
            client.bye(ByeReason.END_OF_STREAM);
            assertEquals("end", next());
        }
        assertEquals(SubscriberState.CLOSED, subscriber.state());
    }

    @Test
    void aHandlerMayKeepAFrame() throws Exception {
        try (Subscription subscription = subscriber.start(new Recorder() {
            @Override
            public void onFrame(Frame frame) {
                seen.add(frame.detach());
            }
        })) {
            assertTrue(subscription.isRunning());
            deliver(0);
            Frame kept = (Frame) next();
            deliver(1);
            try (Frame second = (Frame) next()) {
                assertEquals(2, second.sequence());
            }
            assertFalse(client.isFree(0));
            assertTrue(ScriptedPublisher.isIntact(kept));
            kept.close();
            awaitFree(0);
        }
    }

    @Test
    void aFailureOfTheHandlerIsNotTheEndAndARefusalIs() throws Exception {
        IOException thrown = new IOException("the handler's own");
        Subscription ended;
        try (Subscription subscription = subscriber.start(new Recorder() {
            @Override
            public void onFrame(Frame frame) throws IOException {
                throw thrown;
            }
        })) {
            deliver(0);
            assertSame(thrown, next());
            awaitFree(0);
            deliver(1);
            assertSame(thrown, next());
            client.error(ErrorCode.NOT_ALLOWED, "no longer");
            assertEquals(
                    ErrorCode.NOT_ALLOWED, ((SubscriberException) next()).code().orElseThrow());
            ended = subscription;
        }
        assertFalse(ended.isRunning());
        assertTrue(seen.isEmpty());
    }

    @Test
    void closingWaitsForTheHandlerAndEndsAWait() throws Exception {
        CountDownLatch inHandler = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        Subscription subscription = subscriber.start(new Recorder() {
            @Override
            public void onFrame(Frame frame) throws Exception {
                inHandler.countDown();
                goOn.await();
                seen.add(ScriptedPublisher.isIntact(frame));
            }
        });
        deliver(0);
        assertTrue(inHandler.await(20, TimeUnit.SECONDS));
        Script<Void> closing = Script.start(() -> {
            subscription.close();
            return null;
        });
        goOn.countDown();
        assertEquals(true, next());
        closing.join();
        assertFalse(subscription.isRunning());
        assertTrue(seen.isEmpty(), "closing is neither an end nor a failure");
    }

    @Test
    void aHandlerMayClose() throws Exception {
        Subscription[] own = new Subscription[1];
        CountDownLatch known = new CountDownLatch(1);
        own[0] = subscriber.start(new Recorder() {
            @Override
            public void onFrame(Frame frame) throws Exception {
                known.await();
                own[0].close();
                seen.add("closed");
            }
        });
        known.countDown();
        deliver(0);
        assertEquals("closed", next());
        own[0].close();
        assertFalse(own[0].isRunning());
    }
}
