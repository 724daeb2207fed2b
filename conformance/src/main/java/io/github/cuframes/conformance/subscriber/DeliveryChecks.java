package io.github.cuframes.conformance.subscriber;

import static io.github.cuframes.conformance.Check.of;
import static io.github.cuframes.conformance.Check.slow;
import static io.github.cuframes.conformance.subscriber.Hosted.FIFO;
import static io.github.cuframes.conformance.subscriber.Hosted.LATEST;
import static io.github.cuframes.conformance.subscriber.Hosted.LOSSLESS;
import static io.github.cuframes.conformance.subscriber.Hosted.in;
import static io.github.cuframes.conformance.subscriber.Hosted.streaming;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Skipped;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Taking, sleeping, releasing, modes, and how it takes the ends of connections. */
final class DeliveryChecks {

    private static final Duration SECOND = Duration.ofMillis(950);
    private static final Duration OBSERVATION = Duration.ofMillis(1_500);

    private DeliveryChecks() {}

    static List<Check<SubscriberUnderTest>> all() {
        return List.of(
                streaming("publisher-gone", FIFO, DeliveryChecks::publisherGone),
                streaming("doorbell", guest -> {
                    for (int i = 0; i < 5; i++) {
                        guest.awaitAsleep();
                        guest.awaitReleased(guest.deliver(i));
                    }
                }),
                streaming("spurious-doorbell", guest -> {
                    guest.exchange(1);
                    for (int i = 0; i < 5; i++) {
                        guest.ring();
                    }
                    guest.exchange(3);
                }),
                of("request-only", DeliveryChecks::requestOnly),
                streaming("queue-after-bye", FIFO, DeliveryChecks::queueAfterBye),
                of("queue-entry", DeliveryChecks::queueEntry),
                streaming("slot-after-end", FIFO, DeliveryChecks::slotAfterEnd),
                streaming("sleep", DeliveryChecks::sleep),
                streaming("release-once", DeliveryChecks::releaseOnce),
                streaming("latest-queue", LATEST, DeliveryChecks::latestQueue),
                streaming("latest-old", LATEST, DeliveryChecks::latestOld),
                streaming("latest-missed", LATEST, DeliveryChecks::latestMissed),
                streaming("fifo", FIFO, DeliveryChecks::inOrder),
                streaming("lossless", LOSSLESS, DeliveryChecks::inOrder),
                streaming("wake-publisher", LOSSLESS, DeliveryChecks::wakePublisher),
                slow("refused-for-good", DeliveryChecks::refusedForGood),
                slow("retry-later", DeliveryChecks::retryLater));
    }

    /** Prepares frames and shows them all at once. */
    private static List<Integer> deliverAtOnce(Guest guest, int frames) throws Exception {
        List<Integer> leases = new ArrayList<>();
        for (int i = 0; i < frames; i++) {
            int slot = (int) (guest.delivered % Host.SLOTS);
            guest.host.write(slot, 1);
            leases.add(guest.prepare(slot, 1));
        }
        guest.host.showNewest(guest.host.sequence);
        guest.show();
        return leases;
    }

    private static void publisherGone(Guest guest) throws Exception {
        guest.exchange(1);
        guest.awaitAsleep();
        prepareSilently(guest, 3);
        guest.line.close();
        awaitTakenAfterEnd(guest, 4);
        Guest again = guest.host.greet();
        again.welcome();
        again.expectAck(0);
    }

    /** Frames that a sleeping subscriber finds when something else wakes it. */
    private static void prepareSilently(Guest guest, int frames) throws Exception {
        for (int i = 0; i < frames; i++) {
            int slot = (int) (guest.delivered % Host.SLOTS);
            guest.host.write(slot, 1);
            guest.prepare(slot, 1);
        }
        guest.host.showNewest(guest.host.sequence);
        guest.page.put("delivered", guest.delivered);
    }

    private static void awaitTakenAfterEnd(Guest guest, long number) throws Exception {
        long deadline = System.nanoTime() + guest.host.subject.patience().toNanos();
        while (guest.page.get("taken") < number) {
            Failed.unless(
                    deadline - System.nanoTime() > 0,
                    "all that was delivered taken after the end, " + number,
                    guest.page.get("taken"));
            Thread.sleep(1);
        }
    }

    private static void queueAfterBye(Guest guest) throws Exception {
        guest.exchange(1);
        guest.awaitAsleep();
        prepareSilently(guest, 3);
        guest.line.send("BYE", new Body().ints("REASON", 2));
        guest.line.close();
        awaitTakenAfterEnd(guest, 4);
    }

    private static void requestOnly(SubscriberUnderTest subject) throws Exception {
        for (String policy : List.of(LATEST, FIFO, LOSSLESS)) {
            Hosted.with(subject, policy, host -> {
                Guest guest = host.stream();
                guest.exchange(10);
                guest.awaitAsleep();
                guest.drain(0);
                Failed.unlessEqual("REQUESTs of mode " + guest.mode() + " where nothing is missed", 0, guest.requests);
            });
            if (!subject.takesPolicy()) {
                return;
            }
        }
    }

    private static void queueEntry(SubscriberUnderTest subject) throws Exception {
        refusesEntry(subject, "a slot beyond the table", Host.SLOTS, 1, 0);
        refusesEntry(subject, "slot 2^32 - 1", -1, 1, 0);
        refusesEntry(subject, "lease 64", 5, 1, 64);
        refusesEntry(subject, "lease 2^32 - 1", 5, 1, -1);
        in("a generation that is not the descriptor's", subject, host -> {
            Guest guest = host.stream();
            guest.exchange(1);
            host.write(5, 1);
            host.descriptor(5).put("generation", 2);
            guest.prepare(host.sequence, 5, 1, 0);
            host.showNewest(host.sequence);
            guest.show();
            guest.expectBreach();
            Failed.unlessEqual("deliveries taken", 1, guest.page.get("taken"));
        });
        refusesSequence(subject, "metadata of another frame", 2, 3);
        refusesSequence(subject, "the sequence of the frame before", 1, 1);
        in("80 frames, once around the queue and more", subject, host -> {
            Guest guest = host.stream();
            guest.exchange(80);
            guest.await("taken stored as 80", () -> guest.page.get("taken") == 80);
        });
    }

    private static void refusesEntry(SubscriberUnderTest subject, String what, int slot, int generation, int lease)
            throws Exception {
        in(what, subject, host -> {
            Guest guest = host.stream();
            guest.exchange(1);
            host.write(5, 1);
            guest.prepare(host.sequence, slot, generation, lease);
            host.showNewest(host.sequence);
            guest.show();
            guest.expectBreach();
            Failed.unlessEqual("deliveries taken", 1, guest.page.get("taken"));
        });
    }

    private static void refusesSequence(SubscriberUnderTest subject, String what, long entry, long metadata)
            throws Exception {
        in(what, subject, host -> {
            Guest guest = host.stream();
            guest.exchange(1);
            host.write(5, 1);
            host.metadata(5).put("sequence", metadata);
            guest.prepare(entry, 5, 1, 0);
            host.showNewest(host.sequence);
            guest.show();
            guest.expectBreach();
            Failed.unlessEqual("deliveries taken", 1, guest.page.get("taken"));
        });
    }

    /** One that looks before the end wakes it has the frame; between the last two steps it would see a breach. */
    private static void slotAfterEnd(Guest guest) throws Exception {
        guest.exchange(1);
        guest.awaitAsleep();
        int slot = (int) (guest.delivered % Host.SLOTS);
        prepareSilently(guest, 1);
        guest.host.metadata(slot).put("sequence", guest.host.sequence + 1);
        guest.line.close();
        Guest again = guest.host.greet();
        again.welcome();
        again.expectAck(0);
    }

    private static void sleep(Guest guest) throws Exception {
        guest.awaitAsleep();
        guest.exchange(3);
        guest.awaitAsleep();
        prepareSilently(guest, 1);
        guest.ring();
        guest.awaitTaken(4);
        guest.awaitAsleep();
    }

    private static void releaseOnce(Guest guest) throws Exception {
        List<Integer> used = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            int lease = guest.deliver(i);
            guest.awaitReleased(lease);
            used.add(lease);
        }
        guest.awaitAsleep();
        for (int lease = 0; lease < 64; lease++) {
            long last = used.lastIndexOf(lease) + 1L;
            Failed.unlessEqual(
                    "the last delivery released under lease " + lease, last, guest.page.get("released", lease));
        }
    }

    private static void latestQueue(Guest guest) throws Exception {
        guest.exchange(1);
        for (int round = 0; round < 3; round++) {
            guest.awaitAsleep();
            for (int lease : deliverAtOnce(guest, 4)) {
                guest.awaitReleased(lease);
            }
        }
        Failed.unlessEqual("deliveries taken", 13, guest.page.get("taken"));
        Failed.unlessEqual("REQUESTs, for the last was the newest", 0, guest.requests);
    }

    private static void latestOld(Guest guest) throws Exception {
        Host host = guest.host;
        guest.exchange(1);
        guest.awaitAsleep();
        long old = host.write(2, 1);
        int lease = guest.prepare(2, 1);
        host.showNewest(old + 3);
        guest.show();
        guest.awaitReleased(lease);
        guest.await("REQUEST for the newest frame", () -> guest.requests == 1);
        host.sequence = old + 3;
        guest.exchange(1);
        guest.awaitAsleep();
        Failed.unlessEqual("one REQUEST", 1, guest.requests);
    }

    private static void latestMissed(Guest guest) throws Exception {
        guest.exchange(1);
        guest.awaitAsleep();
        guest.host.sequence += 3;
        guest.host.showNewest(guest.host.sequence);
        guest.ring();
        guest.await("REQUEST for a frame that found no credit", () -> guest.requests == 1);
        guest.ring();
        guest.ring();
        guest.exchange(1);
        guest.awaitAsleep();
        Failed.unlessEqual("one REQUEST until the next delivery", 1, guest.requests);
    }

    private static void inOrder(Guest guest) throws Exception {
        for (int round = 0; round < 5; round++) {
            List<Integer> leases = deliverAtOnce(guest, Guest.CREDITS);
            for (int i = 0; i < leases.size(); i++) {
                guest.awaitReleased(leases.get(i));
                for (int later = i + 1; later < leases.size(); later++) {
                    // a subscriber that took a later one first would have it back by now, and this one not
                    Failed.unless(
                            guest.isReleased(leases.get(i)) || !guest.isReleased(leases.get(later)),
                            "frames in order",
                            "a later one first");
                }
            }
        }
        Failed.unlessEqual("deliveries taken", 5 * Guest.CREDITS, guest.page.get("taken"));
    }

    private static void wakePublisher(Guest guest) throws Exception {
        guest.exchange(1);
        guest.awaitAsleep();
        guest.page.put("publisherWaits", 1);
        guest.awaitReleased(guest.deliver(1));
        guest.await("REQUEST after a release while the publisher waits", () -> guest.requests > 0);
        guest.page.put("publisherWaits", 0);
    }

    /** Says ERROR to a subscriber each, and waits to see which come back within a time. */
    private static List<Integer> comeBack(SubscriberUnderTest subject, boolean streaming, Duration time, int... codes)
            throws Exception {
        if (subject.fixedSocket().isPresent()) {
            throw new Skipped(
                    "a subscriber that comes back cannot be told from another that was started; give its command");
        }
        List<Host> hosts = new ArrayList<>();
        List<Long> deadlines = new ArrayList<>();
        List<Integer> back = new ArrayList<>();
        try {
            for (int code : codes) {
                Host host = new Host(subject, FIFO);
                hosts.add(host);
                Guest guest = streaming ? host.stream() : host.greet();
                deadlines.add(System.nanoTime() + time.toNanos());
                guest.line.send(
                        "ERROR", new Body().protocol(1, 1).ints("ERROR", code).text("TEXT", "a check says so"));
                guest.line.close();
                if (streaming && isBack(host, deadlines.get(deadlines.size() - 1))) {
                    back.add(code);
                }
            }
            for (int i = 0; i < codes.length && !streaming; i++) {
                if (isBack(hosts.get(i), deadlines.get(i))) {
                    back.add(codes[i]);
                }
            }
            return back;
        } finally {
            for (Host host : hosts) {
                host.close();
            }
        }
    }

    /** Whether a connection came before a deadline; one that is seen only later may have been in time. */
    private static boolean isBack(Host host, long deadline) throws IOException {
        long left = deadline - System.nanoTime();
        return left > 0 && host.accept(Duration.ofNanos(left)) != null && deadline - System.nanoTime() > 0;
    }

    private static void refusedForGood(SubscriberUnderTest subject) throws Exception {
        List<Integer> back = comeBack(subject, false, OBSERVATION, 1, 2, 3, 4, 7, 8, 9);
        Failed.unless(back.isEmpty(), "no further attempt after ERROR 1, 2, 3, 4, 7, 8 or 9", "one after " + back);
    }

    private static void retryLater(SubscriberUnderTest subject) throws Exception {
        List<Integer> back = comeBack(subject, true, SECOND, 5, 6, 10, 11, 12);
        Failed.unless(back.isEmpty(), "a second of patience after ERROR 5, 6, 10, 11 or 12", "less after " + back);
    }
}
