package io.github.cuframes.producer.publish;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.layout.SlotState;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Slots that their writer publishes again and again without giving them back. */
@Timeout(60)
class PublishAndKeepTest extends PublisherFixture {

    private final ConcurrentLinkedQueue<Slot> idle = new ConcurrentLinkedQueue<>();

    private Slot acquire() {
        Slot slot = publisher.acquire();
        assertNotNull(slot, "no free slot");
        return slot;
    }

    private long keep(Slot slot, int value) {
        for (int i = 0; i < slot.layout().size(); i++) {
            slot.buffer().put(i, (byte) value);
        }
        return slot.publishAndKeep(info.reset(), idle::add);
    }

    @Test
    void aSlotIsIdleWhenTheNewestAndAllLeasesAreGone() throws IOException {
        publisher.configure(config(64, 48), 3);
        RawClient one = active(DeliveryMode.FIFO, 3, 4);
        RawClient two = active(DeliveryMode.FIFO, 3, 4);
        Slot kept = acquire();
        assertEquals(1, keep(kept, 1));
        long first = one.take();
        long second = two.take();
        one.release(first);
        two.release(second);
        await(() -> one.ring.subscriber(1).held() == 0 && one.ring.subscriber(0).held() == 0);
        assertNull(idle.peek(), "it is the newest frame");
        assertThrows(IllegalStateException.class, () -> kept.publish(info), "it is published");

        publish(2);
        assertSame(kept, idle.poll());
        assertEquals(3, keep(kept, 3));
        publish(4);
        for (RawClient client : List.of(one, two)) {
            assertEquals(2, value(client, client.take()));
            assertEquals(3, value(client, client.take()));
        }
        one.release(3);
        publish(5);
        assertNull(idle.peek(), "one lease is left");
        two.release(3);
        publish(6);
        assertSame(kept, idle.poll());
        assertNull(idle.poll());
        kept.release();
        assertNull(idle.poll());
    }

    @Test
    void aLeaseThatEndsWithItsConnectionMakesTheSlotIdle() throws IOException {
        publisher.configure(config(64, 48), 2);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        Slot kept = acquire();
        keep(kept, 1);
        client.take();
        publish(2);
        assertNull(idle.peek());
        assertEquals(
                SlotState.PUBLISHED, client.ring.descriptor(client.page.slot(1)).state());
        client.close();
        await(() -> idle.peek() == kept);
        assertEquals(
                SlotState.WRITING, client.ring.descriptor(client.page.slot(1)).state());
    }

    @Test
    void aNewGenerationMakesTheSlotIdleOnceItsLeasesAreGone() throws IOException {
        publisher.configure(config(64, 48), 2);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        Slot leased = acquire();
        Slot newest = acquire();
        keep(leased, 1);
        keep(newest, 2);
        long first = client.take();
        client.release(client.take());
        await(() -> client.ring.subscriber(0).held() == 1);
        publisher.configure(config(128, 48), 2);
        assertSame(newest, idle.poll());
        assertNull(idle.peek());
        client.release(first);
        await(() -> idle.peek() != null);
        assertSame(leased, idle.poll());

        int inUse = publisher.counters().slotsInUse();
        long bytes = publisher.counters().memoryBytes();
        leased.release();
        newest.release();
        assertEquals(inUse - 2, publisher.counters().slotsInUse());
        await(() -> publisher.counters().memoryBytes() < bytes);
        assertNull(idle.peek());
    }

    @Test
    void aSlotThatWasReleasedCallsNobodyAndIsAcquiredAgain() throws IOException {
        publisher.configure(config(64, 48), 1);
        Slot kept = acquire();
        keep(kept, 1);
        kept.release();
        Slot other = acquire();
        other.publish(info.reset());
        other.release();
        assertNull(idle.peek());
        Slot again = acquire();
        assertSame(kept, again);
        again.publish(info.reset());
        publish(4);
        assertNull(idle.peek(), "what was said for an earlier frame is forgotten");
        again.release();
    }

    @Test
    void aPoolOfKeptSlotsGoesRoundAndRound() throws IOException {
        publisher.configure(config(64, 48), 6);
        RawClient fast = active(DeliveryMode.FIFO, 3, 4);
        RawClient latest = active(DeliveryMode.LATEST, 0, 2);
        for (int i = 0; i < 6; i++) {
            idle.add(acquire());
        }
        long held = 0;
        long taken = 0;
        for (int i = 1; i <= 300; i++) {
            Slot slot = idle.poll();
            assertNotNull(slot, "three are leased at the most, one is the newest");
            assertEquals(i, keep(slot, i));
            long delivery = fast.take();
            assertEquals((byte) i, (byte) value(fast, delivery));
            fast.release(delivery);
            if (latest.page.delivered() > taken) {
                if (held > 0) {
                    latest.release(held);
                }
                held = latest.take();
                taken = held;
                value(latest, held);
            }
        }
        assertTrue(taken > 100, "only " + taken + " frames came");
        assertEquals(300, publisher.counters().published());
        assertEquals(0, publisher.counters().lostNoSlot());
        assertEquals(6, publisher.counters().slotsInUse());
    }

    @Test
    void aFrameThatWasNotPublishedCallsNobody() throws Exception {
        publisher.configure(config(64, 48), 2);
        RawClient client = active(DeliveryMode.LOSSLESS, 0, 1);
        Slot first = acquire();
        Slot second = acquire();
        keep(first, 1);
        client.take();
        CompletableFuture<Long> waiting = CompletableFuture.supplyAsync(() -> keep(second, 2));
        await(client.page::publisherWaits);
        assertFalse(waiting.isDone());
        publisher.stopWaiting();
        assertEquals(0, waiting.get(20, TimeUnit.SECONDS));
        client.close();
        await(() -> publisher.counters().subscribers() == 0);
        assertNull(idle.peek());
        assertEquals(2, keep(second, 2), "it is its writer's as before");
        assertSame(first, idle.poll());
    }

    @Test
    void closingMakesWhatIsPublishedIdle() throws IOException {
        publisher.configure(config(64, 48), 2);
        RawClient client = active(DeliveryMode.FIFO, 3, 4);
        Slot leased = acquire();
        Slot newest = acquire();
        keep(leased, 1);
        keep(newest, 2);
        client.take();
        publisher.close();
        assertEquals(List.of(leased, newest), List.copyOf(idle));
        assertThrows(IllegalStateException.class, () -> leased.publish(info));
        leased.release();
        newest.release();
        assertEquals(2, idle.size());
    }

    @Test
    void nothingIsAllocatedForAFrame() throws IOException {
        publisher.configure(config(64, 48), 3);
        List<Slot> slots = new ArrayList<>(List.of(acquire(), acquire()));
        Slot[] free = {null};
        Slot.Idle note = slot -> free[0] = slot;
        slots.get(0).publishAndKeep(info, note);
        free[0] = slots.get(1);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long allocated = Long.MAX_VALUE;
        // the first rounds load classes
        for (int round = 0; round < 3; round++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 2_000; i++) {
                Slot slot = free[0];
                free[0] = null;
                slot.publishAndKeep(info, note);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertTrue(allocated < 2_000, allocated + " bytes for 2,000 frames");
        assertEquals(6_001, publisher.counters().published());
    }
}
