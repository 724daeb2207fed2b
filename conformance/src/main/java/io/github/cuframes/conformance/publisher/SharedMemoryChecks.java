package io.github.cuframes.conformance.publisher;

import static io.github.cuframes.conformance.Check.of;
import static io.github.cuframes.conformance.Check.slow;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Proc;
import io.github.cuframes.conformance.Skipped;
import io.github.cuframes.conformance.View;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.linux.Memfd;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Files, the ring's header and tables, and the page. */
final class SharedMemoryChecks {

    private static final int ACTIVE = 3;
    private static final int GREETED = 2;
    private static final long HEARTBEAT_NANOS = 2_000_000_000L;

    private SharedMemoryChecks() {}

    static List<Check<PublisherUnderTest>> all() {
        return List.of(
                of("socket-path", SharedMemoryChecks::socketPath),
                of("lock-file", SharedMemoryChecks::lockFile),
                of("ring-descriptor", p -> descriptor(p, 0, 0)),
                of("page-descriptor", p -> descriptor(p, 1, 2)),
                of("no-names", SharedMemoryChecks::noNames),
                of("sealed", SharedMemoryChecks::sealed),
                of("key-syntax", SharedMemoryChecks::keySyntax),
                of("unnamed-bytes", SharedMemoryChecks::unnamedBytes),
                of("ring-header", SharedMemoryChecks::ringHeader),
                slow("heartbeat", SharedMemoryChecks::heartbeat),
                of("observer-values", SharedMemoryChecks::observerValues),
                of("slot-descriptor", SharedMemoryChecks::slotDescriptor),
                of("frame-metadata", SharedMemoryChecks::frameMetadata),
                of("sequence", SharedMemoryChecks::sequence),
                of("subscriber-account", SharedMemoryChecks::subscriberAccount),
                of("page-layout", SharedMemoryChecks::pageLayout),
                of("page-writers", SharedMemoryChecks::pageWriters),
                of("chroma-planes", SharedMemoryChecks::chromaPlanes),
                of("slab-file", SharedMemoryChecks::slabFile),
                of("slot-geometry", SharedMemoryChecks::slotGeometry),
                of("reserved", SharedMemoryChecks::reserved));
    }

    private static void socketPath(PublisherUnderTest publisher) throws Exception {
        Path socket = publisher.socket();
        Failed.unless(
                socket.getFileName().toString().equals(publisher.key() + ".sock"),
                "a socket named " + publisher.key() + ".sock",
                socket.getFileName());
        int mode = (Integer) Files.getAttribute(socket, "unix:mode");
        Failed.unless(
                (mode & 0170000) == 0140000, "a socket at " + socket, "a file of mode 0" + Integer.toOctalString(mode));
        Client.observer(publisher).close();
    }

    private static void lockFile(PublisherUnderTest publisher) throws Exception {
        try (Client client = new Client(publisher)) {
            if (client.line.peerPid() == 0) {
                throw new Skipped("the publisher's process is in another namespace, and so are its locks");
            }
            Path lock = publisher.socket().resolveSibling(publisher.key() + ".lock");
            Failed.unless(Files.isRegularFile(lock), "a lock file " + lock, "none");
            Failed.unless(Proc.isLocked(lock), "a lock for writing on " + lock, "none in /proc/locks");
        }
    }

    private static void descriptor(PublisherUnderTest publisher, int index, int mode) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            requireMode(client.welcome.files().get(index), mode);
        }
    }

    private static void requireMode(FileDescriptor file, int mode) throws Exception {
        List<String> names = List.of("reading only", "writing only", "reading and writing");
        int seen = Proc.accessMode(file);
        Failed.unless(seen == mode, "a descriptor open for " + names.get(mode), "one for " + names.get(seen & 3));
        int type = (Integer) Files.getAttribute(Descriptors.path(file), "unix:mode") & 0170000;
        Failed.unless(type == 0100000, "the descriptor of a regular file", "type 0" + Integer.toOctalString(type));
    }

    private static void noNames(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            client.take();
            for (FileDescriptor file : client.welcome.files()) {
                String target = Proc.target(file);
                Failed.unless(target.endsWith(" (deleted)"), "a file without a name", target);
            }
        }
    }

    private static void sealed(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            var memory = client.line.expect("MEMORY");
            requireSealed("the ring", client.welcome.files().get(0));
            requireSealed("the page", client.welcome.files().get(1));
            for (FileDescriptor slab : memory.files()) {
                requireSealed("a slab", slab);
            }
        }
    }

    private static void requireSealed(String what, FileDescriptor file) throws Exception {
        Failed.unless(Memfd.cannotShrink(Descriptors.number(file)), what + " sealed with F_SEAL_SHRINK", "one without");
    }

    private static void keySyntax(PublisherUnderTest publisher) throws Exception {
        try (Client observer = Client.observer(publisher)) {
            String key = observer.header.text("key");
            Failed.unless(
                    key.equals(publisher.key()) && key.matches("[A-Za-z0-9._-]{1,64}") && !key.matches("\\.{1,2}"),
                    "the key " + publisher.key() + " in the ring, and of the syntax that is allowed",
                    key);
        }
    }

    private static void requireUnnamedZero(String what, View view) throws Failed {
        Failed.unless(
                view.unnamedNotZero().isEmpty(),
                "zeros in " + what + " where no field is",
                "not at " + view.unnamedNotZero());
    }

    private static void unnamedBytes(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery delivery = client.take();
            requireUnnamedZero("the ring's header", client.header);
            requireUnnamedZero("the page", client.page);
            requireUnnamedZero("the subscriber slot", client.account());
            requireUnnamedZero("the slot descriptor", client.descriptor(delivery.slot()));
            requireUnnamedZero("the frame metadata", client.metadata(delivery.slot()));
            requireUnnamedZero("the queue entry", client.entry(delivery.number()));
        }
    }

    private static void ringHeader(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            View ring = client.header;
            Body said = client.welcome.body();
            long size = said.longOf("RING");
            Failed.unlessEqual("magic", Body.MAGIC, ring.get("magic"));
            Failed.unlessEqual("state", 1, ring.get("state"));
            Failed.unless(ring.get("epoch") != 0, "an epoch that is not 0", 0);
            Failed.unlessEqual("epoch as in WELCOME:", said.longOf("EPOCH"), ring.get("epoch"));
            Failed.unlessEqual("ringSize as in WELCOME:", size, ring.get("ringSize"));
            long present = Files.size(Descriptors.path(client.welcome.files().get(0)));
            Failed.unless(present >= size, "a file of at least " + size + " bytes", present + " bytes");
            Failed.unless(!ring.text("library").isEmpty(), "a library's name", "none");
            Failed.unless(ring.get("startedNanos") > 0, "the wall clock of the start", ring.get("startedNanos"));
            long slots = ring.get("slotCapacity");
            long subscribers = ring.get("subscriberCapacity");
            Failed.unless(slots >= 1 && slots <= 4096, "a slotCapacity of 1 to 4096", slots);
            Failed.unless(subscribers >= 1 && subscribers <= 1024, "a subscriberCapacity of 1 to 1024", subscribers);
            long[][] tables = {
                {0, Document.structure("RingHeader").size()},
                {
                    ring.get("slotDescriptorsAt"),
                    slots * Document.structure("SlotDescriptor").size()
                },
                {
                    ring.get("frameMetadataAt"),
                    slots * Document.structure("FrameMetadata").size()
                },
                {
                    ring.get("subscriberSlotsAt"),
                    subscribers * Document.structure("SubscriberSlot").size()
                }
            };
            Arrays.sort(tables, (one, other) -> Long.compare(one[0], other[0]));
            long end = 0;
            for (long[] table : tables) {
                Failed.unless(
                        table[0] >= end && table[0] % 8 == 0 && table[0] + table[1] <= size,
                        "tables at multiples of 8 inside the ring that do not overlap",
                        "one of " + table[1] + " bytes at " + table[0]);
                end = table[0] + table[1];
            }
        }
    }

    private static void heartbeat(PublisherUnderTest publisher) throws Exception {
        try (Client observer = Client.observer(publisher)) {
            long first = observer.header.get("heartbeatNanos");
            long age = System.nanoTime() - first;
            Failed.unless(
                    age > -HEARTBEAT_NANOS && age < publisher.patience().toNanos(),
                    "CLOCK_MONOTONIC of the last 2 s",
                    "an age of " + age / 1_000_000 + " ms");
            observer.await("a newer heartbeat", () -> observer.header.get("heartbeatNanos") > first);
            long second = observer.header.get("heartbeatNanos");
            observer.await("a third heartbeat", () -> observer.header.get("heartbeatNanos") > second);
        }
    }

    private static void observerValues(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery delivery = client.take();
            View ring = client.header;
            Body memory = client.memories.get(client.memories.size() - 1);
            client.await("newestSequence of at least that of a delivery", () -> client.newest() >= delivery.sequence());
            Failed.unlessEqual("generation", memory.intAt("GENERATION", 0), ring.get("generation"));
            Failed.unlessEqual("width", memory.intAt("STREAM", 0), ring.get("width"));
            Failed.unlessEqual("height", memory.intAt("STREAM", 1), ring.get("height"));
            Failed.unlessEqual("format", memory.intAt("STREAM", 2), ring.get("format"));
            Failed.unlessEqual("memoryKind", 1, ring.get("memoryKind"));
            Failed.unlessEqual("frameRateNumerator", memory.intAt("STREAM", 6), ring.get("frameRateNumerator"));
            Failed.unlessEqual("frameRateDenominator", memory.intAt("STREAM", 7), ring.get("frameRateDenominator"));
            Failed.unless(ring.get("subscribers") >= 1, "at least one subscriber", ring.get("subscribers"));
            Failed.unless(
                    ring.get("slots") >= ring.get("slotsInUse") && ring.get("slots") <= ring.get("slotCapacity"),
                    "slotsInUse <= slots <= slotCapacity",
                    ring.get("slotsInUse") + ", " + ring.get("slots") + ", " + ring.get("slotCapacity"));
            long slotSize = client.descriptor(delivery.slot()).get("slotSize");
            Failed.unless(
                    ring.get("memoryBytes") >= ring.get("slots") * slotSize,
                    "memoryBytes with room for all slots",
                    ring.get("memoryBytes"));
            long newest = ring.get("newestPublishNanos"); // before the clock: another frame may come in between
            long age = System.nanoTime() - newest;
            Failed.unless(age >= 0 && age < publisher.patience().toNanos(), "a newestPublishNanos just past", age);
            Failed.unless(ring.get("sourceState") <= 5, "a sourceState of 0 to 5", ring.get("sourceState"));
        }
    }

    /** The descriptor without its state, which may change at any time. */
    private static byte[] constantPart(View descriptor) {
        byte[] bytes = descriptor.copy();
        int state = Document.structure("SlotDescriptor").offset("state");
        Arrays.fill(bytes, state, state + Integer.BYTES, (byte) 0);
        return bytes;
    }

    private static void slotDescriptor(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery held = client.take();
            View descriptor = client.descriptor(held.slot());
            byte[] before = constantPart(descriptor);
            Failed.unlessEqual("the generation as in the queue:", held.generation(), descriptor.get("generation"));
            Failed.unless(descriptor.get("state") <= 3, "a state of 0 to 3", descriptor.get("state"));
            client.bytes(held);
            passFrames(client, held, 8);
            Failed.unless(
                    Arrays.equals(before, constantPart(descriptor)),
                    "a descriptor that stays while its frame is held",
                    "a change");
        }
    }

    /** Lets frames pass while one is held. */
    static void passFrames(Client client, Client.Delivery held, int count) throws Exception {
        for (int i = 0; i < count; i++) {
            Client.Delivery other = client.take();
            Failed.unless(
                    other.slot() != held.slot() && other.lease() != held.lease(),
                    "other slots and leases than the held one's",
                    other + " while " + held + " is held");
            client.release(other);
        }
    }

    private static void frameMetadata(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            Client.Delivery held = client.take();
            View metadata = client.metadata(held.slot());
            byte[] before = metadata.copy();
            Failed.unlessEqual("the sequence as in the queue:", held.sequence(), metadata.get("sequence"));
            Failed.unlessEqual("the generation as in the queue:", held.generation(), metadata.get("generation"));
            long age = System.nanoTime() - metadata.get("publishNanos");
            Failed.unless(age >= 0, "a publishNanos that is past", age);
            Failed.unless(
                    metadata.get("durationNanos") >= 0,
                    "a duration that is not negative",
                    metadata.get("durationNanos"));
            passFrames(client, held, 8);
            Failed.unless(
                    Arrays.equals(before, metadata.copy()), "metadata that stay while the frame is held", "a change");
        }
    }

    private static void sequence(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            long last = 0;
            long lastNanos = Long.MIN_VALUE;
            for (int i = 0; i < 10; i++) {
                Client.Delivery delivery = client.take();
                long nanos = client.metadata(delivery.slot()).get("publishNanos");
                Failed.unless(delivery.sequence() > last, "a number larger than " + last, delivery.sequence());
                Failed.unless(nanos >= lastNanos, "publishNanos that do not go back", nanos);
                last = delivery.sequence();
                lastNanos = nanos;
                client.release(delivery);
            }
        }
    }

    private static void subscriberAccount(PublisherUnderTest publisher) throws Exception {
        Body hello = Client.hello(publisher, Client.FIFO, 2, 3).with("NAME", "Türöffner".getBytes("UTF-8"));
        try (Client client = Client.greeted(publisher, hello)) {
            View account = client.account();
            Failed.unlessEqual("id", client.id(), account.get("id"));
            Failed.unlessEqual("state before ACK 0", GREETED, account.get("state"));
            long pid = account.get("pid");
            Failed.unless(pid == 0 || pid == ProcessHandle.current().pid(), "this process's id, or 0", pid);
            Failed.unlessEqual("mode", Client.FIFO, account.get("mode"));
            Failed.unlessEqual("depth", 2, account.get("depth"));
            Failed.unlessEqual("credits", 3, account.get("credits"));
            Failed.unless(account.text("name").equals("Türöffner"), "the name of HELLO", account.text("name"));
            client.activate();
            client.await("the state ACTIVE", () -> account.get("state") == ACTIVE);
            Client.Delivery first = client.take();
            client.line.send("ACK", new Body().ints("GENERATION", first.generation()));
            client.await("the generation acknowledged", () -> account.get("generation") == first.generation());
            client.await("all credits in use", () -> client.page.get("delivered") == 3);
            client.await("3 delivered and held", () -> account.get("delivered") == 3 && account.get("held") == 3);
            Failed.unlessEqual("lastSequence", client.peek(3).sequence(), account.get("lastSequence"));
            client.await("frames without credit counted in dropped", () -> account.get("dropped") >= 2);
            client.release(first);
            client.await("a lease that ended counted", () -> account.get("released") >= 1);
        }
    }

    private static void pageLayout(PublisherUnderTest publisher) throws Exception {
        try (Client one = Client.greeted(publisher, Client.hello(publisher));
                Client other = Client.greeted(publisher, Client.hello(publisher))) {
            Failed.unlessEqual("magic", 0x50465543, one.page.get("magic"));
            Failed.unlessEqual("epoch", one.welcome.body().longOf("EPOCH"), one.page.get("epoch"));
            Failed.unlessEqual("subscriberId", one.id(), one.page.get("subscriberId"));
            Failed.unlessEqual("queueCapacity", 64, one.page.get("queueCapacity"));
            Failed.unlessEqual("leaseCapacity", 64, one.page.get("leaseCapacity"));
            Failed.unless(
                    one.id() != other.id() && one.id() > 0,
                    "an id of its own, from 1",
                    one.id() + " and " + other.id());
            FileDescriptor first = one.welcome.files().get(1);
            FileDescriptor second = other.welcome.files().get(1);
            Failed.unless(
                    Proc.inode(Descriptors.path(first)) != Proc.inode(Descriptors.path(second)),
                    "a file of its own for each subscriber",
                    "one file for both");
        }
    }

    private static void pageWriters(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 2, 3)) {
            for (int i = 0; i < 5; i++) {
                Client.Delivery delivery = client.take();
                client.release(delivery);
                Failed.unlessEqual("taken as the subscriber left it:", delivery.number(), client.page.get("taken"));
                Failed.unlessEqual("sleeping as the subscriber left it:", 0, client.page.get("sleeping"));
                Failed.unlessEqual(
                        "released as the subscriber left it:",
                        delivery.number(),
                        client.page.get("released", delivery.lease()));
            }
        }
    }

    private static void slabFile(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            var memory = client.line.expect("MEMORY");
            List<byte[]> slabs = memory.body().all("SLAB");
            Failed.unlessEqual("memoryKind HOST:", 1, memory.body().intAt("STREAM", 3));
            Failed.unlessEqual("descriptors", slabs.size(), memory.files().size());
            for (int i = 0; i < slabs.size(); i++) {
                requireMode(memory.files().get(i), 0);
                long size =
                        new Body().raw("SLAB", slabs.get(i)).value("SLAB", 16).getLong(8);
                long present = Files.size(Descriptors.path(memory.files().get(i)));
                Failed.unless(present >= size, "a file of " + size + " bytes", present + " bytes");
                String target = Proc.target(memory.files().get(i));
                Failed.unless(target.endsWith(" (deleted)"), "a slab without a name", target);
            }
        }
    }

    /** Compares STREAM with the descriptors of frames. */
    private static void slotGeometry(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.FIFO, 3, 4)) {
            for (int i = 0; i < 6; i++) {
                Client.Delivery delivery = client.take();
                View slot = client.descriptor(delivery.slot());
                Body memory = client.memories.get(client.memories.size() - 1);
                ByteBuffer stream = memory.value("STREAM", 80);
                Failed.unlessEqual("width", stream.getInt(0), slot.get("width"));
                Failed.unlessEqual("height", stream.getInt(4), slot.get("height"));
                Failed.unlessEqual("format", stream.getInt(8), slot.get("format"));
                Failed.unlessEqual("slotSize", stream.getLong(40), slot.get("slotSize"));
                for (int word = 0; word < 4; word++) {
                    Failed.unlessEqual(
                            "offset and pitch of plane " + word,
                            stream.getLong(48 + 8 * word),
                            slot.get("planes", word));
                }
                client.release(delivery);
            }
        }
    }

    private static void chromaPlanes(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            client.take();
            ByteBuffer stream = client.memories.get(0).value("STREAM", 80);
            Formats.requirePlanesInside(stream);
        }
    }

    private static void reserved(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 2)) {
            client.take();
            for (Body memory : client.memories) {
                Failed.unlessEqual("reserved of STREAM", 0, memory.intAt("STREAM", 9));
                Set<Integer> seen = new HashSet<>();
                for (byte[] slab : memory.all("SLAB")) {
                    Failed.unlessEqual(
                            "zero in SLAB", 0, new Body().raw("SLAB", slab).intAt("SLAB", 1));
                    Failed.unless(
                            seen.add(new Body().raw("SLAB", slab).intAt("SLAB", 0)), "each slab once", "one twice");
                }
            }
            Client observer = Client.observer(publisher);
            observer.close();
        } catch (IOException e) {
            throw new Failed("a publisher that answers", e.toString());
        }
        // what a subscriber puts into reserved places is ignored
        Body hello = Client.hello(publisher).with("DELIVERY", Body.intBytes(Client.LATEST, 0, 2, 0x5A5A5A5A));
        try (Client client = Client.greeted(publisher, hello).activate()) {
            Client.Delivery delivery = client.take();
            client.page.fillUnnamed(0x5A);
            client.release(delivery);
            client.release(client.take());
            client.release(client.take());
        }
    }
}
