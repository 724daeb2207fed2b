package io.github.cuframes.conformance.publisher;

import static io.github.cuframes.conformance.Check.alone;
import static io.github.cuframes.conformance.Check.of;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Skipped;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/** Deliveries, leases, credits and modes. */
final class DeliveryChecks {

    private static final int ACTIVE = 3;

    private DeliveryChecks() {}

    static List<Check<PublisherUnderTest>> all() {
        return List.of(
                of("ack-active", DeliveryChecks::ackActive),
                of("ack-not-awaited", DeliveryChecks::ackNotAwaited),
                of("doorbell", DeliveryChecks::doorbell),
                of("request", DeliveryChecks::request),
                of("frame-stable", DeliveryChecks::frameStable),
                of("queue-entry", DeliveryChecks::queueEntry),
                of("release-order", DeliveryChecks::releaseOrder),
                of("bad-release", DeliveryChecks::badRelease),
                of("credits-bound", DeliveryChecks::creditsBound),
                of("credits-granted", DeliveryChecks::creditsGranted),
                of("delivered-before-newest", DeliveryChecks::deliveredBeforeNewest),
                of("fifo", DeliveryChecks::fifo),
                of("first-frame", DeliveryChecks::firstFrame),
                alone("lossless", DeliveryChecks::lossless),
                alone("lossless-refused", DeliveryChecks::losslessRefused),
                alone("lossless-limit", DeliveryChecks::losslessLimit),
                alone("publisher-waits", DeliveryChecks::publisherWaits));
    }

    private static void ackActive(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            long before = client.newest();
            client.await("more frames", () -> client.newest() >= before + 5);
            Failed.unlessEqual("deliveries before ACK 0", 0, client.page.get("delivered"));
            client.activate();
            client.take();
            Failed.unlessEqual("state after ACK 0", ACTIVE, client.account().get("state"));
        }
    }

    private static void ackNotAwaited(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            for (int i = 0; i < 10; i++) {
                client.release(client.take());
            }
        }
    }

    private static void doorbell(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            client.release(client.take());
            long deadline = System.nanoTime() + publisher.patience().toNanos();
            client.page.put("sleeping", 1);
            boolean rung = false;
            while (!rung) {
                Incoming incoming = client.line.next(Math.max(1, deadline - System.nanoTime()));
                Failed.unless(incoming != null && !incoming.isEnd(), "DOORBELL to a subscriber that sleeps", "none");
                rung = incoming.is("DOORBELL");
                Failed.unless(!rung || incoming.bytes().length == 0, "a DOORBELL that carries nothing", "bytes");
            }
            Failed.unless(client.page.get("delivered") > client.taken(), "a delivery with the DOORBELL", "none");
            client.page.put("sleeping", 0);
            client.release(client.take());
            client.drain();
            int before = client.doorbells();
            for (int i = 0; i < 10; i++) {
                client.release(client.take());
            }
            int more = client.doorbells() - before;
            Failed.unless(
                    more <= 1, "no DOORBELL, or one late, to a subscriber that is awake", more + " for 10 frames");
        }
    }

    private static void request(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 1)) {
            Client.Delivery held = client.take();
            client.await("newer frames", () -> client.newest() >= held.sequence() + 3);
            client.drain();
            Failed.unless(client.page.get("delivered") == held.number(), "no delivery without a credit", "one");
            long newest = client.newest();
            client.release(held);
            client.line.send("REQUEST", new Body());
            Client.Delivery answer = client.take();
            Failed.unless(answer.sequence() >= newest, "the newest frame, " + newest + " or later", answer.sequence());
            client.line.send(
                    Line.concat(Line.message("REQUEST", new Body(), 0), Line.message("REQUEST", new Body(), 0)));
            client.release(answer);
            client.take();
        }
    }

    private static long checksum(Client client, Client.Delivery delivery) throws Failed {
        CRC32 sum = new CRC32();
        sum.update(client.bytes(delivery));
        return sum.getValue();
    }

    private static void frameStable(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery held = client.take();
            long before = checksum(client, held);
            SharedMemoryChecks.passFrames(client, held, 12);
            Failed.unless(checksum(client, held) == before, "the same bytes while the frame is held", "other bytes");
        }
    }

    private static void queueEntry(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            boolean[] held = new boolean[64];
            List<Client.Delivery> leases = new ArrayList<>();
            for (int i = 0; i < 80; i++) { // once around the queue, and more
                Client.Delivery delivery = client.take();
                Failed.unless(!held[delivery.lease()], "a lease number that is free", delivery);
                held[delivery.lease()] = true;
                Failed.unlessEqual(
                        "the generation of the slot's descriptor:",
                        client.descriptor(delivery.slot()).get("generation"),
                        delivery.generation());
                leases.add(delivery);
                if (leases.size() == 2) {
                    Client.Delivery first = leases.remove(0);
                    held[first.lease()] = false;
                    client.release(first);
                }
            }
        }
    }

    private static void releaseOrder(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            for (int round = 0; round < 3; round++) {
                List<Client.Delivery> four = List.of(client.take(), client.take(), client.take(), client.take());
                for (int index : new int[] {2, 0, 3, 1}) {
                    client.release(four.get(index));
                }
            }
        }
    }

    private static void badRelease(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            Client.Delivery held = client.take();
            client.page.put("released", held.lease(), held.number() + 1_000_000);
            client.line.send("REQUEST", new Body());
            client.line.expectBreach();
        }
    }

    private static void creditsBound(PublisherUnderTest publisher) throws Exception {
        for (int credits : new int[] {1, 3}) {
            try (Client client = Client.active(publisher, Client.FIFO, 3, credits)) {
                client.await("deliveries", () -> client.page.get("delivered") >= credits);
                long newest = client.newest();
                client.await("more frames", () -> client.newest() >= newest + 5);
                Failed.unlessEqual("leases at a time", credits, client.page.get("delivered"));
            }
        }
    }

    private static void creditsGranted(PublisherUnderTest publisher) throws Exception {
        requireGrant(publisher, Client.LATEST, 0, 1, 1);
        requireGrant(publisher, Client.LATEST, 0, 3, 3);
        requireGrant(publisher, Client.LATEST, 0, 0, 2);
        requireGrant(publisher, Client.FIFO, 1, 0, 2);
        requireGrant(publisher, Client.FIFO, 2, 0, 3);
    }

    /** Expects a grant, or the refusal of one that says so. */
    private static void requireGrant(PublisherUnderTest publisher, int mode, int depth, int asked, int due)
            throws Exception {
        String what = "credits for mode " + mode + ", depth " + depth + ", " + asked + " asked:";
        try (Client client = Client.saying(publisher, Client.hello(publisher, mode, depth, asked))) {
            if (asked == 0) {
                client.expectWelcome();
                int granted = client.credits();
                if (granted != due) {
                    Failed.unless(granted >= Math.max(1, depth) && granted < due, what + " " + due, granted);
                    try (Client explicit = Client.saying(publisher, Client.hello(publisher, mode, depth, due))) {
                        explicit.line.expectError(7); // then it may grant less
                    }
                }
            } else {
                Incoming answer = client.line.next();
                if (answer == null || !answer.is("ERROR")) {
                    Failed.unless(answer != null && answer.is("WELCOME"), "WELCOME or ERROR 7", answer);
                    Failed.unlessEqual(what, due, answer.body().intAt("SUBSCRIBER", 3));
                } else {
                    Failed.unlessEqual("ERROR", 7, answer.body().intAt("ERROR", 0));
                }
            }
        }
    }

    /** A frame whose number was seen before its delivery either found no credit, or comes too late. */
    private static void deliveredBeforeNewest(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            Client.Delivery last = client.take();
            client.release(last);
            for (int i = 0; i < 60; i++) {
                long seen = last.sequence();
                client.await("a newer frame", () -> client.newest() > seen);
                long newest = client.newest();
                while (last.sequence() < newest && client.page.get("delivered") > client.taken()) {
                    last = client.takeNow();
                    client.release(last);
                }
                if (last.sequence() < newest) {
                    last = client.take();
                    Failed.unless(
                            last.sequence() > newest,
                            "the delivery of frame " + last.sequence() + " before its number is in the ring",
                            "its number first");
                    client.release(last);
                }
            }
        }
    }

    private static void fifo(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery last = client.take();
            for (int i = 0; i < 20; i++) {
                client.release(last);
                long dropped = client.account().get("dropped");
                Client.Delivery next = client.take();
                Failed.unless(next.sequence() > last.sequence(), "frames in order", next + " after " + last);
                long gap = next.sequence() - last.sequence() - 1;
                Client.Delivery before = last;
                client.await(
                        "gaps counted in dropped (frame " + next.sequence() + " after " + before.sequence() + ")",
                        () -> gap == 0 || droppedOf(client) >= gap);
                Failed.unless(client.account().get("dropped") >= dropped, "a count that grows", "less");
                last = next;
            }
            long dropped = client.account().get("dropped");
            client.await("frames without a credit counted in dropped", () -> droppedOf(client) >= dropped + 3);
        }
    }

    private static long droppedOf(Client client) {
        try {
            return client.account().get("dropped");
        } catch (Failed e) {
            throw new IllegalStateException(e); // it was found before
        }
    }

    private static void firstFrame(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher, Client.FIFO, 2, 3))) {
            client.await("frames", () -> client.newest() > 0);
            long newest = client.newest();
            client.activate();
            Client.Delivery first = client.take();
            Failed.unless(first.sequence() >= newest, "the newest frame, " + newest + " or later", first.sequence());
        }
    }

    /** A lossless subscriber, or the reason why there is none. */
    private static Client lossless(PublisherUnderTest publisher, int credits) throws Exception {
        Client client = Client.saying(publisher, Client.hello(publisher, Client.LOSSLESS, 0, credits));
        boolean greeted = false;
        try {
            client.expectWelcome();
            greeted = true;
            return client.activate();
        } catch (Failed e) {
            if (e.seen().startsWith("ERROR 8")) {
                throw new Skipped("this publisher's source is live: it refuses lossless");
            }
            throw e;
        } finally {
            if (!greeted) {
                client.close();
            }
        }
    }

    private static void lossless(PublisherUnderTest publisher) throws Exception {
        try (Client client = lossless(publisher, 2)) {
            Client.Delivery last = client.take();
            Client.Delivery held = client.take();
            Failed.unlessEqual("the next frame's number", last.sequence() + 1, held.sequence());
            client.await("publisherWaits", () -> client.page.get("publisherWaits") == 1);
            Failed.unlessEqual("newestSequence while the publisher waits", held.sequence(), client.newest());
            client.release(last);
            client.line.send("REQUEST", new Body());
            last = held;
            for (int i = 0; i < 20; i++) {
                Client.Delivery next = client.take();
                Failed.unlessEqual("the next frame's number", last.sequence() + 1, next.sequence());
                client.release(last);
                if (client.page.get("publisherWaits") == 1) {
                    client.line.send("REQUEST", new Body());
                }
                last = next;
            }
        }
    }

    private static void losslessRefused(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.saying(publisher, Client.hello(publisher, Client.LOSSLESS, 0, 0))) {
            Incoming answer = client.line.next();
            if (answer != null && answer.is("WELCOME")) {
                throw new Skipped("this publisher's source is not live: it accepts lossless");
            }
            Failed.unless(answer != null && answer.is("ERROR"), "ERROR 8", answer);
            Failed.unlessEqual("ERROR", 8, answer.body().intAt("ERROR", 0));
        }
    }

    private static void losslessLimit(PublisherUnderTest publisher) throws Exception {
        long limit = publisher
                .losslessLimit()
                .orElseThrow(() -> new Skipped("give the publisher's limit with --lossless-limit, and the time"))
                .toNanos();
        try (Client client = lossless(publisher, 1)) {
            client.take();
            long begin = System.nanoTime();
            long deadline = begin + limit + publisher.patience().toNanos();
            Incoming incoming;
            do {
                incoming = client.line.next(Math.max(1, deadline - System.nanoTime()));
            } while (incoming != null && (incoming.is("MEMORY") || incoming.is("DOORBELL")));
            Failed.unless(
                    incoming != null && incoming.is("ERROR") && incoming.body().intAt("ERROR", 0) == 11,
                    "ERROR 11",
                    incoming == null ? "nothing" : incoming);
        }
    }

    private static void publisherWaits(PublisherUnderTest publisher) throws Exception {
        try (Client client = lossless(publisher, 1)) {
            Client.Delivery held = client.take();
            client.await("publisherWaits = 1", () -> client.page.get("publisherWaits") == 1);
            client.release(held);
            client.line.send("REQUEST", new Body());
            Client.Delivery next = client.take();
            Failed.unlessEqual("the next frame's number", held.sequence() + 1, next.sequence());
        }
    }
}
