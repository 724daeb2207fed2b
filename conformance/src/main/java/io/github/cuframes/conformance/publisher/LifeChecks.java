package io.github.cuframes.conformance.publisher;

import static io.github.cuframes.conformance.Check.alone;
import static io.github.cuframes.conformance.Check.of;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Skipped;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Generations and their memory, and how connections and publishers end. */
final class LifeChecks {

    private static final int MOST_SUBSCRIBERS = 64;
    private static final int END_OF_STREAM = 2;

    private LifeChecks() {}

    static List<Check<PublisherUnderTest>> all() {
        return List.of(
                of("generation-number", LifeChecks::generationNumber),
                of("observer-silent", LifeChecks::observerSilent),
                of("memory-announced", LifeChecks::memoryAnnounced),
                of("slots-added", LifeChecks::slotsAdded),
                of("memory-first", LifeChecks::memoryFirst),
                of("slab-once", LifeChecks::slabOnce),
                of("ack-known", LifeChecks::ackKnown),
                of("leases-end", LifeChecks::leasesEnd),
                of("error-ends", LifeChecks::errorEnds),
                of("bye", LifeChecks::bye),
                alone("too-many-subscribers", LifeChecks::tooManySubscribers),
                alone("generation-change", LifeChecks::generationChange),
                alone("end-of-stream", LifeChecks::endOfStream),
                alone("mapping-stays", LifeChecks::mappingStays));
    }

    private static void generationNumber(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            Client.Delivery delivery = client.take();
            int last = 0;
            for (Body memory : client.memories) {
                int generation = memory.intAt("GENERATION", 0);
                Failed.unless(generation >= 1 && generation >= last, "numbers from 1 that grow", generation);
                last = generation;
            }
            Failed.unless(delivery.generation() <= last, "a generation that was announced", delivery);
        }
    }

    private static void observerSilent(PublisherUnderTest publisher) throws Exception {
        try (Client observer = Client.observer(publisher);
                Client client = Client.active(publisher, Client.LATEST, 0, 3)) {
            client.take();
            long newest = observer.newest();
            long deadline = System.nanoTime() + publisher.patience().toNanos();
            while (observer.newest() < newest + 5) {
                Incoming incoming = observer.line.next(1_000_000);
                Failed.unless(incoming == null, "no message to an observer", incoming);
                Failed.unless(deadline - System.nanoTime() > 0, "frames", "none");
            }
        }
    }

    private static void memoryAnnounced(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            for (int i = 0; i < 30; i++) {
                Client.Delivery delivery = client.take();
                client.drain();
                Failed.unless(
                        client.isAnnounced(delivery), "MEMORY with generation and slab of each delivery", delivery);
                client.release(delivery);
            }
        }
    }

    /** Credits of further subscribers need more slots, sooner or later. */
    private static void slotsAdded(PublisherUnderTest publisher) throws Exception {
        List<Client> others = new ArrayList<>();
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            client.release(client.take());
            long slots = client.header.get("slots");
            int messages = client.memories.size();
            for (int i = 0; i < 3 && client.header.get("slots") == slots; i++) {
                others.add(Client.active(publisher, Client.FIFO, 3, 4));
            }
            if (client.header.get("slots") == slots) {
                throw new Skipped("three more subscribers of 4 credits needed no more slots");
            }
            client.await("MEMORY with the slots that were added", () -> client.memories.size() > messages);
            Body first = client.memories.get(messages - 1);
            Body added = client.memories.get(messages);
            Failed.unlessEqual("the same generation", first.intAt("GENERATION", 0), added.intAt("GENERATION", 0));
            Failed.unless(!added.all("SLAB").isEmpty(), "a SLAB for the slots that were added", "none");
            for (int i = 0; i < 20; i++) {
                client.release(client.take());
            }
        } finally {
            for (Client other : others) {
                other.close();
            }
        }
    }

    /** Reads the socket only behind each delivery: what it needs must be there by then. */
    private static void memoryFirst(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            long deadline = System.nanoTime() + publisher.patience().toNanos();
            while (client.page.get("delivered") == 0) {
                Failed.unless(deadline - System.nanoTime() > 0, "a delivery", "none");
                Thread.onSpinWait();
            }
            client.drain();
            Client.Delivery first = client.takeNow();
            Failed.unless(client.isAnnounced(first), "MEMORY before the first delivery", first);
            client.bytes(first);
        }
    }

    private static void slabOnce(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            client.take();
            try (Client other = Client.active(publisher, Client.FIFO, 3, 4)) {
                other.take();
                client.drain();
            }
            Set<Integer> seen = new HashSet<>();
            for (Body memory : client.memories) {
                for (byte[] slab : memory.all("SLAB")) {
                    int number = new Body().raw("SLAB", slab).intAt("SLAB", 0);
                    Failed.unless(seen.add(number), "each slab announced once", "slab " + number + " twice");
                }
            }
        }
    }

    private static void ackKnown(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            Client.Delivery delivery = client.take();
            client.line.send("ACK", new Body().ints("GENERATION", delivery.generation()));
            client.release(delivery);
            client.release(client.take());
            client.line.send("ACK", new Body().ints("GENERATION", delivery.generation() + 1000));
            client.line.expectBreach();
        }
    }

    /** Whether no subscriber of this number is in the ring any more. */
    private static boolean isGone(Client observer, long id, int index) {
        try {
            return observer.account(index).get("id") != id;
        } catch (Failed e) {
            throw new IllegalStateException(e); // it was found before
        }
    }

    private interface Leaving {
        void leave(Client client) throws IOException;
    }

    private static void awaitLeaving(PublisherUnderTest publisher, String how, Leaving leaving) throws Exception {
        try (Client observer = Client.observer(publisher);
                Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            client.await("all credits in use", () -> client.page.get("delivered") == 3);
            long id = client.id();
            int index = client.welcome.body().intAt("SUBSCRIBER", 2);
            leaving.leave(client);
            observer.await("the subscriber gone after " + how, () -> isGone(observer, id, index));
            long newest = observer.newest();
            observer.await("frames after " + how, () -> observer.newest() > newest);
        }
    }

    private static void leasesEnd(PublisherUnderTest publisher) throws Exception {
        for (int i = 0; i < 8; i++) { // leases that did not end would use up the slots
            awaitLeaving(publisher, "the connection's end", client -> client.line.close());
        }
    }

    private static void errorEnds(PublisherUnderTest publisher) throws Exception {
        awaitLeaving(
                publisher,
                "ERROR of the subscriber",
                client -> client.line.send(
                        "ERROR", new Body().protocol(1, 1).ints("ERROR", 12).text("TEXT", "a check says so")));
    }

    private static void bye(PublisherUnderTest publisher) throws Exception {
        awaitLeaving(
                publisher, "BYE of the subscriber", client -> client.line.send("BYE", new Body().ints("REASON", 1)));
    }

    private static void tooManySubscribers(PublisherUnderTest publisher) throws Exception {
        List<Client> all = new ArrayList<>();
        try {
            Client first = Client.greeted(publisher, Client.hello(publisher, Client.LATEST, 0, 1));
            all.add(first);
            long capacity = first.header.get("subscriberCapacity");
            if (capacity > MOST_SUBSCRIBERS) {
                throw new Skipped("the ring has room for " + capacity
                        + " subscribers; start the publisher with at most " + MOST_SUBSCRIBERS);
            }
            first.activate();
            while (all.size() <= capacity) {
                Client next = Client.saying(publisher, Client.hello(publisher, Client.LATEST, 0, 1));
                all.add(next);
                Incoming answer = next.line.next();
                if (answer != null && answer.is("ERROR")) {
                    int code = answer.body().intAt("ERROR", 0);
                    if (code == 6) {
                        throw new Skipped("the publisher's memory limit was reached first");
                    }
                    Failed.unlessEqual("ERROR", 5, code);
                    first.take();
                    return;
                }
                Failed.unless(answer != null && answer.is("WELCOME"), "WELCOME or ERROR 5", answer);
                next.activate();
            }
            throw new Failed("ERROR 5 for subscriber " + (capacity + 1), "WELCOME");
        } finally {
            for (Client client : all) {
                client.close();
            }
        }
    }

    private static void generationChange(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery old = client.take();
            byte[] geometry = client.memories.get(0).all("STREAM").get(0);
            publisher.reconfigure();
            Client.Delivery next = client.take();
            while (next.generation() == old.generation()) {
                client.release(next);
                next = client.take();
            }
            client.drain();
            Body memory = client.memories.get(client.memories.size() - 1);
            Failed.unlessEqual("the next generation", old.generation() + 1, next.generation());
            Failed.unlessEqual("the generation in MEMORY", next.generation(), memory.intAt("GENERATION", 0));
            Failed.unless(client.isAnnounced(next), "MEMORY of the new generation before its first delivery", next);
            Failed.unless(
                    !java.util.Arrays.equals(geometry, memory.all("STREAM").get(0)), "another STREAM", "the same");
            client.bytes(old); // held all the while
            Failed.unlessEqual(
                    "the held slot's generation",
                    old.generation(),
                    client.descriptor(old.slot()).get("generation"));
            client.line.send("ACK", new Body().ints("GENERATION", next.generation()));
            client.release(old);
            client.release(next);
            client.release(client.take());
        }
    }

    private static void endOfStream(PublisherUnderTest publisher) throws Exception {
        boolean ended = false;
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            client.take();
            publisher.end();
            ended = true;
            Incoming incoming;
            do {
                incoming = client.line.next();
                Failed.unless(incoming != null && !incoming.isEnd(), "BYE", incoming == null ? "nothing" : incoming);
            } while (!incoming.is("BYE"));
            int reason = incoming.body().intAt("REASON", 0);
            Failed.unless(reason == 1 || reason == END_OF_STREAM, "REASON 1 or 2", reason);
            Incoming after = client.line.next();
            Failed.unless(after != null && after.isEnd(), "the end after BYE", after);
            Failed.unlessEqual("state closed in the ring:", 2, client.header.get("state"));
            for (long number = client.taken() + 1; number <= client.page.get("delivered"); number++) {
                client.peek(number);
            }
        } finally {
            if (ended) {
                publisher.start();
            }
        }
    }

    private static void mappingStays(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery held = client.take();
            long epoch = client.header.get("epoch");
            byte[] before = new byte[client.bytes(held).remaining()];
            client.bytes(held).get(before);
            publisher.kill();
            Incoming incoming;
            do {
                incoming = client.line.next();
                Failed.unless(incoming != null, "the end of the connection", "nothing");
            } while (!incoming.isEnd());
            byte[] after = new byte[before.length];
            client.bytes(held).get(after);
            Failed.unless(
                    java.util.Arrays.equals(before, after), "the frame's bytes after the publisher's death", "others");
            boolean answered = true;
            try {
                new Client(publisher).close();
            } catch (IOException e) {
                answered = false;
            }
            Failed.unless(!answered, "a dead publisher's path that refuses connections", "a connection");
            publisher.start();
            try (Client again = Client.active(publisher, Client.LATEST, 0, 2)) {
                again.take();
                Failed.unless(again.header.get("epoch") != epoch, "another epoch in the next life", "the same");
            }
        }
    }
}
