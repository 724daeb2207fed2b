package io.github.cuframes.conformance.subscriber;

import static io.github.cuframes.conformance.Check.of;
import static io.github.cuframes.conformance.Check.slow;
import static io.github.cuframes.conformance.subscriber.Hosted.hosted;
import static io.github.cuframes.conformance.subscriber.Hosted.in;
import static io.github.cuframes.conformance.subscriber.Hosted.streaming;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.Skipped;
import java.io.FileDescriptor;
import java.util.Arrays;
import java.util.List;

/** Framing, HELLO, what it does with WELCOME, versions. */
final class GreetingChecks {

    private static final int MAX_BODY = 65_528;
    private static final int UNKNOWN_TYPE = 0x7777;
    private static final int HOST = 1 << 1;
    private static final int CUDA_IPC = 1 << 3;
    private static final long HANDSHAKE_NANOS = 5_000_000_000L;

    private GreetingChecks() {}

    static List<Check<SubscriberUnderTest>> all() {
        return List.of(
                hosted("key-syntax", GreetingChecks::keySyntax),
                hosted("stream", GreetingChecks::stream),
                of("body-length", GreetingChecks::bodyLength),
                streaming("descriptor-limit", guest -> {
                    guest.line.send(Line.header(0, Document.type("DOORBELL"), 61, new byte[0]));
                    guest.expectBreach();
                }),
                hosted("descriptor-order", GreetingChecks::descriptorOrder),
                of("descriptor-count", GreetingChecks::descriptorCount),
                hosted("field-order", host -> begin(host.greet(), Body::reversed)),
                hosted("unknown-tag", host -> begin(host.greet(), Body::fromTheFuture)),
                hosted("repeated-field", GreetingChecks::repeatedField),
                of("short-field", GreetingChecks::shortField),
                of("text", GreetingChecks::text),
                hosted("unknown-message", GreetingChecks::unknownMessage),
                of("required-fields", GreetingChecks::requiredFields),
                of("out-of-turn", GreetingChecks::outOfTurn),
                hosted("hello-first", GreetingChecks::helloFirst),
                hosted("kinds-offered", host -> {
                    int kinds = host.greet().hello.intAt("MEMORY_KINDS", 0);
                    Failed.unless((kinds & HOST) != 0, "the bit of HOST, which every machine has", kinds);
                }),
                hosted("pid-said", GreetingChecks::pidSaid),
                of("welcome-descriptors", GreetingChecks::welcomeDescriptors),
                of("ring-checked", GreetingChecks::ringChecked),
                hosted("error-last", host -> {
                    Guest guest = host.greet();
                    guest.welcome(guest.welcomeBody().without("EPOCH"));
                    guest.line.expectError(1);
                }),
                slow("welcome-late", GreetingChecks::welcomeLate),
                streaming("breach", guest -> {
                    guest.memory(guest.host.memory(0));
                    guest.line.expectError(1);
                }),
                of("major", GreetingChecks::major),
                of("minor", GreetingChecks::minor),
                hosted("versions-said", host -> {
                    Body hello = host.greet().hello;
                    Failed.unlessEqual("the magic in PROTOCOL:", Body.MAGIC, hello.intAt("PROTOCOL", 0));
                    Failed.unlessEqual("the major version in PROTOCOL:", 1, hello.major());
                }));
    }

    private interface Change {
        Body of(Body body);
    }

    /** The usual beginning with bodies that are changed, and a few frames. */
    private static void begin(Guest guest, Change change) throws Exception {
        guest.welcome(change.of(guest.welcomeBody()));
        guest.expectAck(0);
        int slab = guest.host.allocate(1, 0, Host.SLOTS);
        guest.memory(change.of(guest.host.memory(1, slab)), slab);
        guest.expectAck(1);
        guest.exchange(3);
    }

    private static void keySyntax(Host host) throws Exception {
        String key = host.greet().hello.textOf("KEY");
        Failed.unless(
                key.equals(host.key) && key.matches("[A-Za-z0-9._-]{1,64}"), "the socket's key, " + host.key, key);
    }

    private static void stream(Host host) throws Exception {
        Guest guest = host.greet();
        byte[] welcome = Line.message("WELCOME", guest.welcomeBody(), 2);
        guest.line.send(Arrays.copyOf(welcome, 1), host.ringFile.descriptor(), guest.pageFile.descriptor());
        for (int i = 1; i < welcome.length; i++) {
            guest.line.send(new byte[] {welcome[i]});
        }
        guest.expectAck(0);
        int slab = host.allocate(1, 0, Host.SLOTS);
        byte[] doorbell = Line.message("DOORBELL", new Body(), 0);
        guest.line.send(
                Line.concat(Line.message("MEMORY", host.memory(1, slab), 1), doorbell, doorbell), guest.files(slab));
        guest.expectAck(1);
        guest.exchange(3);
    }

    private static void bodyLength(SubscriberUnderTest subject) throws Exception {
        for (int length : new int[] {MAX_BODY + 1, Integer.MAX_VALUE, -1}) {
            in("a length of " + Integer.toUnsignedString(length), subject, host -> {
                Guest guest = host.stream();
                guest.line.send(Line.header(length, Document.type("BYE"), 0, new byte[64]));
                guest.expectBreach();
            });
        }
        in("a message of an unknown type and 65,528 bytes", subject, host -> {
            Guest guest = host.stream();
            guest.line.send(Line.message(UNKNOWN_TYPE, new byte[MAX_BODY], 0));
            guest.exchange(3);
        });
    }

    /** Three messages with descriptors, one after the other, before the first is answered. */
    private static void descriptorOrder(Host host) throws Exception {
        Guest guest = host.greet();
        int first = host.allocate(1, 0, 4);
        int second = host.allocate(1, 4, Host.SLOTS);
        guest.welcome();
        guest.line.send(Line.message(UNKNOWN_TYPE, new byte[10], 1), host.ringFile.descriptor());
        guest.memory(1, first, second);
        guest.expectAck(0);
        guest.expectAck(1);
        guest.exchange(8);
    }

    private static void descriptorCount(SubscriberUnderTest subject) throws Exception {
        in("two descriptors declared, one sent", subject, host -> {
            Guest guest = host.greet();
            guest.line.send(Line.message("WELCOME", guest.welcomeBody(), 2), host.ringFile.descriptor());
            guest.expectBreach();
        });
        in("none declared, one sent", subject, host -> {
            Guest guest = host.stream();
            guest.line.send(Line.message("DOORBELL", new Body(), 0), host.ringFile.descriptor());
            guest.expectBreach();
        });
    }

    private static void repeatedField(Host host) throws Exception {
        Guest guest = host.greet();
        guest.welcome(guest.welcomeBody().longs("EPOCH", host.epoch + 2).longs("RING", 1L << 40));
        guest.expectAck(0);
        int slab = host.allocate(1, 0, Host.SLOTS);
        guest.memory(host.memory(1, slab).ints("GENERATION", 9).raw("STREAM", Host.stream(0)), slab);
        guest.expectAck(1);
        guest.exchange(3);
    }

    private static void shortField(SubscriberUnderTest subject) throws Exception {
        for (String tag : List.of("PROTOCOL", "EPOCH", "RING", "SUBSCRIBER")) {
            in("WELCOME with a short " + tag, subject, host -> {
                Guest guest = host.greet();
                byte[] whole = guest.welcomeBody().all(tag).get(0);
                guest.welcome(guest.welcomeBody().with(tag, Arrays.copyOf(whole, whole.length - 1)));
                guest.expectBreach();
            });
        }
        in("MEMORY with a short STREAM", subject, host -> {
            Guest guest = host.stream();
            guest.memory(host.memory(1).with("STREAM", Arrays.copyOf(Host.stream(Host.WIDTH), 79)));
            guest.expectBreach();
        });
        in("a field that reaches beyond the body", subject, host -> {
            Guest guest = host.stream();
            byte[] body = Line.concat(new Body().ints("REASON", 1).bytes(), new byte[] {0x50, 0, 9, 0, 1});
            guest.line.send(Line.message(Document.type("BYE"), body, 0));
            guest.line.expectBreach();
        });
    }

    private static void text(SubscriberUnderTest subject) throws Exception {
        in("its own", subject, host -> {
            Body hello = host.greet().hello;
            for (String tag : List.of("LIBRARY", "KEY", "NAME")) {
                hello.textOf(tag);
            }
        });
        for (byte[] wrong : List.of(new byte[] {'a', 0}, new byte[] {(byte) 0xC3, 0x28}, new byte[1025])) {
            in("LIBRARY of " + wrong.length + " bytes with NUL or no UTF-8", subject, host -> {
                Guest guest = host.greet();
                guest.welcome(guest.welcomeBody().with("LIBRARY", wrong));
                guest.expectBreach();
            });
        }
    }

    private static void unknownMessage(Host host) throws Exception {
        Guest guest = host.greet();
        guest.line.send(Line.message(UNKNOWN_TYPE, new byte[3], 0));
        guest.welcome();
        guest.expectAck(0);
        guest.line.send(
                Line.message(0xFFFF, new byte[500], 2), host.ringFile.descriptor(), guest.pageFile.descriptor());
        int slab = host.allocate(1, 0, Host.SLOTS);
        guest.memory(1, slab);
        guest.expectAck(1);
        guest.line.send(Line.message(0, new byte[0], 0));
        guest.exchange(3);
    }

    private static void requiredFields(SubscriberUnderTest subject) throws Exception {
        in("HELLO", subject, host -> {
            Body hello = host.greet().hello;
            for (String tag : List.of("PROTOCOL", "LIBRARY", "KEY", "NAME", "ROLE", "DELIVERY", "MEMORY_KINDS")) {
                hello.value(tag, 0);
            }
        });
        for (String tag : List.of("PROTOCOL", "LIBRARY", "EPOCH", "RING", "SUBSCRIBER")) {
            in("WELCOME without " + tag, subject, host -> {
                Guest guest = host.greet();
                guest.welcome(guest.welcomeBody().without(tag));
                guest.expectBreach();
            });
        }
        for (String tag : List.of("GENERATION", "STREAM")) {
            in("MEMORY without " + tag, subject, host -> {
                Guest guest = host.stream();
                guest.memory(host.memory(1).without(tag));
                guest.expectBreach();
            });
        }
    }

    private static void outOfTurn(SubscriberUnderTest subject) throws Exception {
        for (String type : List.of("HELLO", "ACK", "REQUEST")) {
            in(type + " from a publisher", subject, host -> {
                Guest guest = host.stream();
                guest.line.send(type, type.equals("HELLO") ? guest.hello : new Body().ints("GENERATION", 1));
                guest.expectBreach();
            });
        }
        in("a second WELCOME", subject, host -> {
            Guest guest = host.stream();
            guest.welcome();
            guest.expectBreach();
        });
        in("MEMORY before WELCOME", subject, host -> {
            Guest guest = host.greet();
            guest.memory(1, host.allocate(1, 0, Host.SLOTS));
            guest.expectBreach();
        });
    }

    private static void helloFirst(Host host) throws Exception {
        Body hello = host.greet().hello;
        Failed.unlessEqual("ROLE subscriber:", 1, hello.intAt("ROLE", 0));
        int mode = hello.intAt("DELIVERY", 0);
        int depth = hello.intAt("DELIVERY", 1);
        Failed.unless(mode >= 1 && mode <= 3, "a mode of 1 to 3", mode);
        Failed.unless(mode == 2 ? depth > 0 : depth == 0, "a depth for fifo only", depth);
        int credits = hello.intAt("DELIVERY", 2);
        Failed.unless(credits >= 0, "credits", credits);
    }

    private static void pidSaid(Host host) throws Exception {
        Body hello = host.greet().hello;
        boolean said = hello.has("PID") && hello.intAt("PID", 0) != 0;
        boolean must = (hello.intAt("MEMORY_KINDS", 0) & CUDA_IPC) != 0;
        Failed.unless(said || !must, "PID of a client that accepts CUDA_IPC", "none");
        if (!said) {
            throw new Skipped("it does not say its PID, which it should; it must only with CUDA_IPC");
        }
    }

    private static void welcomeDescriptors(SubscriberUnderTest subject) throws Exception {
        in("one descriptor", subject, host -> welcomeWith(host.greet(), host.ringFile.descriptor()));
        in("three descriptors", subject, host -> {
            Guest guest = host.greet();
            welcomeWith(guest, host.ringFile.descriptor(), guest.pageFile.descriptor(), guest.pageFile.descriptor());
        });
        in("ring and page exchanged", subject, host -> {
            Guest guest = host.greet();
            welcomeWith(guest, guest.pageFile.descriptor(), host.ringFile.descriptor());
        });
    }

    private static void welcomeWith(Guest guest, FileDescriptor... files) throws Exception {
        guest.line.send(Line.message("WELCOME", guest.welcomeBody(), files.length), files);
        guest.expectBreach(1, 9);
    }

    private interface Damage {
        void to(Host host, Guest guest);
    }

    private static void ringChecked(SubscriberUnderTest subject) throws Exception {
        refusesRing(subject, "the ring's magic", (host, guest) -> host.ring.put("magic", 0x52465544));
        refusesRing(subject, "the ring's major version", (host, guest) -> host.ring.put("major", 2));
        refusesRing(subject, "the ring's epoch", (host, guest) -> host.ring.put("epoch", host.epoch ^ 4));
        refusesRing(subject, "the ring's state", (host, guest) -> host.ring.put("state", 0));
        refusesRing(subject, "a ringSize beyond the file", (host, guest) -> host.ring.put("ringSize", 1 << 20));
        for (String table : List.of("slotDescriptorsAt", "frameMetadataAt", "subscriberSlotsAt")) {
            refusesRing(
                    subject, table + " beyond the ring", (host, guest) -> host.ring.put(table, Host.RING_SIZE - 64));
            refusesRing(subject, table + " of 2^32 - 8", (host, guest) -> host.ring.put(table, 0xFFFFFFF8L));
        }
        refusesRing(subject, "4097 slots", (host, guest) -> host.ring.put("slotCapacity", 4097));
        refusesRing(subject, "the page's magic", (host, guest) -> guest.page.put("magic", 0x50465544));
        refusesRing(subject, "the page's epoch", (host, guest) -> guest.page.put("epoch", host.epoch ^ 4));
        refusesRing(subject, "the page's id", (host, guest) -> guest.page.put("subscriberId", 77));
        in("RING beyond the file", subject, host -> {
            Guest guest = host.greet();
            guest.welcome(guest.welcomeBody().with("RING", Body.longBytes(1 << 20)));
            guest.expectBreach(1, 9);
        });
        in("all of it right", subject, host -> {
            Guest guest = host.greet();
            guest.welcome();
            guest.expectAck(0);
        });
    }

    private static void refusesRing(SubscriberUnderTest subject, String what, Damage damage) throws Exception {
        in("wrong: " + what, subject, host -> {
            Guest guest = host.greet();
            damage.to(host, guest);
            guest.welcome();
            guest.expectBreach(1, 2, 9);
        });
    }

    private static void welcomeLate(SubscriberUnderTest subject) throws Exception {
        Hosted.with(subject, Hosted.FIFO, host -> {
            long begin = System.nanoTime();
            Guest guest = host.greet();
            Incoming incoming =
                    guest.line.next(HANDSHAKE_NANOS + subject.patience().toNanos());
            Failed.unless(
                    incoming != null && (incoming.isEnd() || incoming.is("BYE")),
                    "the end of the connection when no WELCOME has come for 5 s",
                    incoming == null ? "it goes on" : incoming);
            long waited = System.nanoTime() - begin;
            Failed.unless(waited > HANDSHAKE_NANOS * 9 / 10, "5 s of patience", waited / 1_000_000 + " ms");
        });
    }

    private static void major(SubscriberUnderTest subject) throws Exception {
        for (int[] version : new int[][] {{0, 9}, {2, 0}}) {
            in("WELCOME of protocol " + version[0] + "." + version[1], subject, host -> {
                Guest guest = host.greet();
                Body only = new Body().protocol(version[0], version[1]);
                guest.welcome(guest.welcomeBody()
                        .with("PROTOCOL", only.all("PROTOCOL").get(0)));
                guest.line.expectError(2);
            });
            in("WELCOME of protocol " + version[0] + "." + version[1] + " and nothing else", subject, host -> {
                Guest guest = host.greet();
                guest.welcome(new Body().protocol(version[0], version[1]));
                guest.line.expectError(2);
            });
        }
    }

    private static void minor(SubscriberUnderTest subject) throws Exception {
        for (int minor : new int[] {0, 77}) {
            in("a publisher of protocol 1." + minor, subject, host -> {
                Guest guest = host.greet();
                host.ring.put("minor", minor);
                guest.page.put("minor", minor);
                byte[] protocol = new Body().protocol(1, minor).all("PROTOCOL").get(0);
                begin(guest, body -> {
                    Body changed = body.has("PROTOCOL") ? body.with("PROTOCOL", protocol) : body;
                    return minor == 0 ? changed : changed.fromTheFuture();
                });
                if (minor > 0) {
                    guest.line.send(Line.message(UNKNOWN_TYPE, new byte[40], 0));
                    guest.line.send("DOORBELL", new Body().raw(0x6000, new byte[9]));
                }
                guest.exchange(3);
            });
        }
    }
}
