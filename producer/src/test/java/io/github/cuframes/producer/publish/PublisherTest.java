package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.PeerState;
import io.github.cuframes.protocol.message.ByeReason;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class PublisherTest extends PublisherFixture {

    @Test
    void framesArriveInPlaceWithTheirMetadata() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        assertEquals(1, publish(41));
        assertEquals(2, publish(42));

        long first = client.take();
        assertEquals(41, value(client, first));
        var metadata = client.ring.metadata(client.page.slot(first));
        assertEquals(1, metadata.sequence());
        assertEquals(41, metadata.pts());
        assertEquals(41_000_000L, metadata.ptsNanos());
        assertEquals(Long.MIN_VALUE, metadata.captureNanos());
        assertEquals(1, metadata.generation());
        assertTrue(System.nanoTime() - metadata.publishNanos() >= 0);
        long second = client.take();
        assertEquals(42, value(client, second));
        assertEquals(2, client.ring.newestSequence());
    }

    @Test
    void aLeasedSlotIsNotWrittenHoweverManyFramesCome() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 2);
        publish(1);
        long held = client.take();
        for (int i = 2; i < 100; i++) {
            publish(i);
            assertEquals(1, value(client, held));
        }
        assertEquals(97, client.ring.subscriber(0).dropped(), "one held, one queued, the rest dropped");
        assertEquals(0, publisher.counters().lostNoSlot());
    }

    @Test
    void latestGetsTheNewestOnRequestAfterItsCreditsRanOut() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 2);
        for (int i = 1; i <= 10; i++) {
            publish(i);
        }
        client.release(client.take());
        long second = client.take();
        assertEquals(2, client.page.sequence(second));
        assertEquals(10, client.ring.newestSequence());
        client.release(second);
        client.send(new Message.Request());
        assertEquals(10, value(client, client.take()));
    }

    @Test
    void fifoDropsWhatComesWhenItIsFullAndCountsIt() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 2, 0);
        assertEquals(3, client.welcome.credits());
        for (int i = 1; i <= 5; i++) {
            publish(i);
        }
        for (int i = 1; i <= 3; i++) {
            long delivery = client.take();
            assertEquals(i, value(client, delivery));
            client.release(delivery);
        }
        publish(6);
        assertEquals(6, value(client, client.take()));
        assertEquals(2, client.ring.subscriber(0).dropped());
    }

    @Test
    void losslessMakesTheWriterWait() throws Exception {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LOSSLESS, 0, 2);
        publish(1);
        publish(2);
        CompletableFuture<Long> third = CompletableFuture.supplyAsync(() -> publish(3));
        await(client.page::publisherWaits);
        assertFalse(third.isDone());
        client.release(client.take());
        assertTrue(client.page.publisherWaits());
        client.send(new Message.Request());
        assertEquals(3, third.get(20, TimeUnit.SECONDS));
        assertEquals(2, value(client, client.take()));
        assertEquals(3, value(client, client.take()));
    }

    @Test
    void aLosslessSubscriberThatDiesNoLongerHoldsTheWriter() throws Exception {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LOSSLESS, 0, 1);
        publish(1);
        CompletableFuture<Long> second = CompletableFuture.supplyAsync(() -> publish(2));
        await(client.page::publisherWaits);
        clients.remove(client);
        client.close();
        assertEquals(2, second.get(20, TimeUnit.SECONDS));
    }

    @Test
    void aLosslessSubscriberThatHoldsTheSourceForTooLongIsCutOff() throws IOException {
        reopen(builder().losslessTimeout(Duration.ofMillis(50)));
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LOSSLESS, 0, 1);
        publish(1);
        assertEquals(2, publish(2));
        assertEquals(ErrorCode.TOO_SLOW, failureOf(client));
    }

    @Test
    void closingEndsAWaitForALosslessSubscriber() throws IOException, InterruptedException, TimeoutException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LOSSLESS, 0, 1);
        publish(1);
        CompletableFuture<Long> second = CompletableFuture.supplyAsync(() -> publish(2));
        await(client.page::publisherWaits);
        publisher.close();
        ExecutionException e = assertThrows(ExecutionException.class, () -> second.get(20, TimeUnit.SECONDS));
        assertInstanceOf(IllegalStateException.class, e.getCause());
    }

    @Test
    void aNewGenerationComesOnTheSameConnectionAndOldFramesStay() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        publish(1);
        long held = client.take();
        publish(2);
        publisher.configure(config(128, 96), 1);
        publish(3);
        publish(4);
        assertEquals(2, value(client, client.take()), "still of the old generation");
        long third = client.take();
        assertEquals(3, value(client, third));
        assertEquals(2, client.page.generation(third));
        assertEquals(128, client.memory.config().layout().width());
        assertEquals(1, value(client, held));

        long before = publisher.counters().memoryBytes();
        client.release(held);
        client.release(2);
        await(() -> publisher.counters().memoryBytes() < before);
    }

    @Test
    void slotsGrowWithSubscribersAndServeTheNext() throws IOException {
        publisher.configure(config(64, 48), 1);
        assertEquals(2, publisher.counters().slots());
        active(DeliveryMode.LATEST, 0, 2);
        assertEquals(4, publisher.counters().slots());
        RawClient second = active(DeliveryMode.FIFO, 1, 0);
        assertEquals(6, publisher.counters().slots());
        clients.remove(second);
        second.close();
        await(() -> publisher.counters().subscribers() == 1);
        active(DeliveryMode.LATEST, 0, 2);
        assertEquals(6, publisher.counters().slots());
    }

    @Test
    void leasesEndWithTheConnection() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        for (int i = 1; i <= 4; i++) {
            publish(i);
        }
        client.take();
        assertEquals(4, publisher.counters().slotsInUse());
        clients.remove(client);
        client.close();
        await(() -> publisher.counters().slotsInUse() == 1);
        assertEquals(0, client.ring.subscriber(0).id());
    }

    @Test
    void theNewestFrameGreetsANewcomer() throws IOException {
        publisher.configure(config(64, 48), 1);
        publish(1);
        publish(2);
        RawClient client = subscribe(DeliveryMode.LATEST, 0, 0);
        assertEquals(2, value(client, client.take()));
    }

    @Test
    void aSubscriberMayComeBeforeTheSourceIsKnown() throws IOException {
        RawClient client = active(DeliveryMode.LATEST, 0, 0);
        assertEquals(0, client.ring.generation());
        publisher.configure(config(64, 48), 1);
        publish(7);
        assertEquals(7, value(client, client.take()));
    }

    @Test
    void observersGetTheRingAndNothingElse() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient observer = new RawClient(directory.resolve("cam.sock"));
        clients.add(observer);
        observer.send(new Message.Hello(
                ProtocolVersion.CURRENT,
                "raw/1",
                KEY,
                "top",
                Role.OBSERVER,
                DeliveryMode.LATEST,
                0,
                0,
                0,
                0,
                List.of()));
        observer.welcome = (Message.Welcome) observer.receive();
        assertNull(observer.page);
        publish(1);
        await(() -> observer.ring.newestSequence() == 1);
        assertEquals(64, observer.ring.width());
        assertTrue(
                observer.ring.sourceState().isEmpty(),
                "an application that publishes need not say what its source does");
        assertEquals(0, publisher.counters().subscribers());
        assertEquals(2, publisher.counters().slots());
    }

    @Test
    void theEndIsTold() throws IOException {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.FIFO, 1, 0);
        publish(1);
        publisher.end();
        long delivery = client.take();
        assertEquals(1, value(client, delivery), "delivered before the end, readable after it");
        Message last = client.receive();
        while (!(last instanceof Message.Bye)) {
            last = client.receive();
        }
        assertEquals(ByeReason.END_OF_STREAM, ((Message.Bye) last).reason());
        assertTrue(client.ring.isClosed());
        assertNull(client.receive());
        assertFalse(Files.exists(directory.resolve("cam.sock")));
    }

    @Test
    void theLastFrameReachesALatestSubscriberThatIsBusyAtTheEnd() throws Exception {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 0);
        publish(1);
        publish(2);
        publish(3);
        assertEquals(1, value(client, client.take()));
        Thread end = new Thread(publisher::end);
        end.start();
        client.release(1);
        client.release(client.take());
        assertEquals(3, value(client, client.take()), "delivered when there was a credit again");
        end.join();
        assertEquals(new Message.Bye(ByeReason.END_OF_STREAM), lastMessage(client));
    }

    @Test
    void nobodyPutsOffTheEndForEver() throws Exception {
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 0);
        for (int i = 1; i <= 3; i++) {
            publish(i);
        }
        publisher.end();
        assertEquals(new Message.Bye(ByeReason.END_OF_STREAM), lastMessage(client));
    }

    @Test
    void publishersThatEndTogetherWaitNoLongerThanOne() throws Exception {
        AtomicLong now = new AtomicLong();
        LongSupplier clock = () -> now.addAndGet(100_000_000);
        long deadline = 1_000_000_000;
        publisher.configure(config(64, 48), 1);
        RawClient client = active(DeliveryMode.LATEST, 0, 0);
        for (int i = 1; i <= 3; i++) {
            publish(i);
        }
        try (Publisher other =
                Publisher.builder("other").runDirectory(directory).open()) {
            other.configure(config(64, 48), 1);
            publisher.end(deadline, clock);
            assertEquals(deadline, now.get(), "it waited for a subscriber that does not take the last frame");
            assertEquals(new Message.Bye(ByeReason.END_OF_STREAM), lastMessage(client));

            RawClient late = RawClient.subscribe(
                    directory.resolve("other.sock"), RawClient.hello("other", DeliveryMode.LATEST, 0, 0));
            clients.add(late);
            int index = late.welcome.subscriberIndex();
            await(() -> late.ring.subscriber(index).state().orElseThrow() == PeerState.ACTIVE);
            for (int i = 0; i < 3; i++) {
                Slot slot = other.acquire();
                slot.publish(info.reset());
                slot.release();
            }
            other.end(deadline, clock);
            assertEquals(deadline + 100_000_000, now.get(), "the other one looked once");
            assertEquals(new Message.Bye(ByeReason.END_OF_STREAM), lastMessage(late));
        }
    }

    /** The last message before the connection ends. */
    private static Message lastMessage(RawClient client) throws IOException {
        Message last = null;
        for (Message next = client.receive(); next != null; next = client.receive()) {
            last = next;
        }
        return last;
    }

    @Test
    void aWriterMayLeaveOutWhatNobodyWants() throws Exception {
        publisher.configure(config(64, 48), 1);
        publish(1);
        assertTrue(publisher.counters().newestNanos() != 0);
        assertTrue(publisher.leaveOut());
        assertEquals(0, publisher.counters().newestNanos(), "it grows old");
        assertEquals(0, publisher.counters().slotsInUse());
        RawClient client = active(DeliveryMode.LATEST, 0, 0);
        assertFalse(publisher.leaveOut());
        assertEquals(0, client.page.delivered(), "a newcomer is not greeted with an old frame");
        publish(2);
        assertFalse(publisher.leaveOut());
        assertEquals(2, value(client, client.take()));
        clients.remove(client);
        client.close();
        await(publisher::leaveOut);
        publisher.close();
        assertFalse(publisher.leaveOut());
    }

    @Test
    void aSlotThatTheWriterHoldsOutlivesThePublisher() throws IOException {
        publisher.configure(config(64, 48), 2);
        Slot slot = publisher.acquire();
        publisher.close();
        slot.buffer().put(0, (byte) 1);
        assertThrows(IllegalStateException.class, () -> slot.publish(info));
        slot.release();
        assertThrows(IllegalStateException.class, slot::release);
        assertThrows(IllegalStateException.class, publisher::acquire);
    }

    @Test
    void aSlotIsPublishedAndReleasedOnce() throws IOException {
        publisher.configure(config(64, 48), 1);
        Slot slot = publisher.acquire();
        slot.publish(info);
        assertThrows(IllegalStateException.class, () -> slot.publish(info));
        slot.release();
        assertThrows(IllegalStateException.class, slot::release);
    }

    @Test
    void aWriterThatHoldsAllItsSlotsLosesFramesAndTheyAreCounted() throws IOException {
        publisher.configure(config(64, 48), 2);
        for (int i = 0; i < 3; i++) {
            assertNotNull(publisher.acquire());
        }
        assertNull(publisher.acquire());
        assertEquals(1, publisher.counters().lostNoSlot());
    }

    @ParameterizedTest
    @CsvSource({"1000, 40", "202, 100"})
    void aCrowdIsLetInWithFewAllocationsAsLongAsTheLimitAllows(int slotLimit, int mostSlabs) throws IOException {
        reopen(builder().maxSubscribers(100).maxMemory(slotLimit * 4096L));
        publisher.configure(config(64, 48), 1);
        RawClient last = null;
        int credits = 0;
        while (last == null || credits < 200) {
            last = active(DeliveryMode.LATEST, 0, 2);
            credits += 2;
        }
        int needed = credits + 2; // the writer's and the newest
        int slots = publisher.counters().slots();
        assertTrue(slots >= needed && slots <= needed + needed / 8, slots + " slots");
        publish(1);
        last.take();
        assertTrue(last.slabs.size() <= mostSlabs, last.slabs.size() + " slabs");
    }
}
