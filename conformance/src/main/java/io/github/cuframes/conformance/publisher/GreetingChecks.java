package io.github.cuframes.conformance.publisher;

import static io.github.cuframes.conformance.Check.of;
import static io.github.cuframes.conformance.Check.slow;

import io.github.cuframes.conformance.Body;
import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Document;
import io.github.cuframes.conformance.Failed;
import io.github.cuframes.conformance.Incoming;
import io.github.cuframes.conformance.Line;
import io.github.cuframes.conformance.View;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Framing, HELLO and its answers, versions. */
final class GreetingChecks {

    private static final int MAX_BODY = 65_528;
    private static final long HANDSHAKE_NANOS = 5_000_000_000L;
    private static final int UNKNOWN_TYPE = 0x7777;

    private GreetingChecks() {}

    static List<Check<PublisherUnderTest>> all() {
        return List.of(
                of("stream", GreetingChecks::stream),
                of("body-length", GreetingChecks::bodyLength),
                of("descriptor-limit", p -> breach(p, greeting(p, 61))),
                of("descriptor-count", GreetingChecks::descriptorCount),
                of("publisher-takes-none", p -> {
                    breach(p, greeting(p, 1));
                    afterGreeting(p, Line.message(UNKNOWN_TYPE, new byte[0], 1));
                }),
                of("field-order", p -> welcomed(p, Client.hello(p).reversed())),
                of("unknown-tag", p -> welcomed(p, Client.hello(p).fromTheFuture())),
                of("repeated-field", GreetingChecks::repeatedField),
                of("short-field", GreetingChecks::shortField),
                of("text", GreetingChecks::text),
                of("name-shortened", GreetingChecks::nameShortened),
                of("gpu-limit", p -> {
                    welcomed(p, gpus(p, 64));
                    refused(p, gpus(p, 65), 1);
                }),
                of("unknown-message", GreetingChecks::unknownMessage),
                of("required-fields", GreetingChecks::requiredFields),
                of("out-of-turn", GreetingChecks::outOfTurn),
                of("hello-first", GreetingChecks::helloFirst),
                of("hello-answer", GreetingChecks::helloAnswer),
                of("kind-refused", p -> {
                    refused(p, Client.hello(p).with("MEMORY_KINDS", Body.intBytes(0)), 9);
                    refused(p, Client.hello(p).with("MEMORY_KINDS", Body.intBytes(1 << 2 | 1 << 3)), 9);
                }),
                of("welcome-descriptors", GreetingChecks::welcomeDescriptors),
                of("error-last", p -> refused(p, Client.hello(p).with("KEY", bytes("no-such-key")), 3)),
                of("too-many-credits", p -> {
                    refused(p, Client.hello(p, Client.LATEST, 0, 65), 7);
                    refused(p, Client.hello(p, Client.FIFO, 3, Integer.MAX_VALUE), 7);
                }),
                slow("handshake-timeout", GreetingChecks::handshakeTimeout),
                of("breach", GreetingChecks::breachAlone),
                of("major", GreetingChecks::major),
                of("minor", GreetingChecks::minor),
                of("versions-said", GreetingChecks::versionsSaid));
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] greeting(PublisherUnderTest publisher, int declared) {
        return Line.message("HELLO", Client.hello(publisher), declared);
    }

    /** Sends bytes on a connection of their own, and expects what follows a breach. */
    private static void breach(PublisherUnderTest publisher, byte[] bytes) throws Exception {
        try (Client client = new Client(publisher)) {
            client.line.send(bytes);
            client.line.expectBreach();
        }
    }

    private static void afterGreeting(PublisherUnderTest publisher, byte[] bytes) throws Exception {
        try (Client client = Client.active(publisher, Client.LATEST, 0, 1)) {
            client.line.send(bytes);
            client.line.expectBreach();
        }
    }

    /** Expects WELCOME and frames. */
    private static void welcomed(PublisherUnderTest publisher, Body hello) throws Exception {
        try (Client client = Client.greeted(publisher, hello).activate()) {
            client.take();
        }
    }

    private static void refused(PublisherUnderTest publisher, Body hello, int... codes) throws Exception {
        try (Client client = Client.saying(publisher, hello)) {
            client.line.expectError(codes);
        }
    }

    /** Runs a case, and names it if it fails. */
    private static void in(String situation, Situation steps) throws Exception {
        try {
            steps.run();
        } catch (Failed e) {
            throw e.in(situation);
        }
    }

    private interface Situation {
        void run() throws Exception;
    }

    private static void stream(PublisherUnderTest publisher) throws Exception {
        byte[] hello = greeting(publisher, 0);
        in("HELLO byte by byte", () -> {
            try (Client client = new Client(publisher)) {
                for (byte one : hello) {
                    client.line.send(new byte[] {one});
                }
                client.expectWelcome();
            }
        });
        in("HELLO, ACK and REQUEST in one piece", () -> {
            try (Client client = new Client(publisher)) {
                client.line.send(Line.concat(
                        hello,
                        Line.message("ACK", new Body().ints("GENERATION", 0), 0),
                        Line.message("REQUEST", new Body(), 0)));
                client.expectWelcome();
                client.take();
            }
        });
    }

    private static void bodyLength(PublisherUnderTest publisher) throws Exception {
        for (int length : new int[] {MAX_BODY + 1, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
            in(
                    "a length of " + Integer.toUnsignedString(length),
                    () -> breach(publisher, Line.header(length, Document.type("HELLO"), 0, new byte[64])));
        }
        in("a message of an unknown type and 65,528 bytes", () -> {
            try (Client client = Client.active(publisher, Client.LATEST, 0, 1)) {
                client.line.send(Line.message(UNKNOWN_TYPE, new byte[MAX_BODY], 0));
                client.take();
            }
        });
    }

    private static void descriptorCount(PublisherUnderTest publisher) throws Exception {
        in("two descriptors declared, none sent", () -> breach(publisher, greeting(publisher, 2)));
    }

    private static void repeatedField(PublisherUnderTest publisher) throws Exception {
        Body right = Client.hello(publisher);
        in("KEY twice, the first right", () -> welcomed(publisher, right.copy().text("KEY", "no-such-key")));
        in(
                "KEY twice, the first wrong",
                () -> refused(publisher, right.with("KEY", bytes("no-such-key")).text("KEY", publisher.key()), 3));
    }

    private static void shortField(PublisherUnderTest publisher) throws Exception {
        Body right = Client.hello(publisher);
        for (String tag : List.of("PROTOCOL", "ROLE", "DELIVERY", "MEMORY_KINDS", "PID")) {
            int size = right.all(tag).get(0).length;
            in(tag + " of " + (size - 1) + " bytes", () -> refused(publisher, right.with(tag, new byte[size - 1]), 1));
        }
        byte[] body = right.bytes();
        in(
                "a field that reaches beyond the body",
                () -> breach(
                        publisher,
                        Line.message(Document.type("HELLO"), Line.concat(body, new byte[] {0x50, 0, 9, 0, 1, 2}), 0)));
        in(
                "a field whose header is cut off",
                () -> breach(
                        publisher,
                        Line.message(Document.type("HELLO"), Line.concat(body, new byte[] {0x50, 0, 9}), 0)));
    }

    private static void text(PublisherUnderTest publisher) throws Exception {
        Body right = Client.hello(publisher);
        for (String tag : List.of("LIBRARY", "NAME")) {
            in(tag + " of 1,024 bytes", () -> welcomed(publisher, right.with(tag, bytes("n".repeat(1024)))));
            in(tag + " of 1,025 bytes", () -> refused(publisher, right.with(tag, bytes("n".repeat(1025))), 1));
            in(tag + " with NUL", () -> refused(publisher, right.with(tag, new byte[] {'a', 0, 'b'}), 1));
            in(tag + " that is no UTF-8", () -> refused(publisher, right.with(tag, new byte[] {(byte) 0xC3, 0x28}), 1));
        }
        try (Client client = Client.greeted(publisher, right)) {
            client.welcome.body().textOf("LIBRARY");
        }
    }

    private static void nameShortened(PublisherUnderTest publisher) throws Exception {
        String name = "x" + "ü".repeat(60); // the 48th byte is the first half of a letter
        try (Client client = Client.greeted(publisher, Client.hello(publisher).with("NAME", bytes(name)))) {
            String shown = client.account().text("name");
            Failed.unless(
                    name.startsWith(shown) && !shown.isEmpty() && shown.indexOf('\uFFFD') < 0,
                    "the beginning of the name, whole letters",
                    shown);
        }
    }

    private static Body gpus(PublisherUnderTest publisher, int count) {
        Body hello = Client.hello(publisher);
        for (int i = 1; i <= count; i++) {
            hello.raw("GPU", Body.longBytes(i, i));
        }
        return hello;
    }

    private static void unknownMessage(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            client.line.send(Line.message(UNKNOWN_TYPE, new byte[] {1, 2, 3}, 0));
            client.line.send(Line.message(0, new byte[0], 0));
            client.activate();
            client.line.send(Line.message(0xFFFF, new byte[500], 0));
            client.release(client.take());
            client.take();
        }
    }

    private static void requiredFields(PublisherUnderTest publisher) throws Exception {
        for (String tag : List.of("PROTOCOL", "LIBRARY", "KEY", "NAME", "ROLE", "DELIVERY", "MEMORY_KINDS")) {
            in(
                    "HELLO without " + tag,
                    () -> refused(publisher, Client.hello(publisher).without(tag), 1));
        }
        in(
                "HELLO without PID and GPU",
                () -> welcomed(publisher, Client.hello(publisher).without("PID")));
        in("ACK without GENERATION", () -> afterGreeting(publisher, Line.message("ACK", new Body(), 0)));
        in("HELLO of role 77", () -> refused(publisher, Client.hello(publisher).with("ROLE", Body.intBytes(77)), 1));
        in("HELLO of mode 4", () -> refused(publisher, Client.hello(publisher, 4, 0, 2), 1));
    }

    private static void outOfTurn(PublisherUnderTest publisher) throws Exception {
        for (String type : List.of("WELCOME", "MEMORY", "DOORBELL")) {
            in(type + " from a subscriber", () -> afterGreeting(publisher, Line.message(type, new Body(), 0)));
        }
        in("a second HELLO", () -> afterGreeting(publisher, greeting(publisher, 0)));
        in("ACK of a generation before ACK 0", () -> {
            try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
                client.await("MEMORY", () -> !client.memories.isEmpty());
                int generation = client.memories.get(0).intAt("GENERATION", 0);
                client.line.send("ACK", new Body().ints("GENERATION", generation));
                client.line.expectBreach();
            }
        });
        in("REQUEST of an observer", () -> {
            try (Client observer = Client.observer(publisher)) {
                observer.line.send("REQUEST", new Body());
                observer.line.expectBreach();
            }
        });
    }

    private static void helloFirst(PublisherUnderTest publisher) throws Exception {
        Body generation = new Body().ints("GENERATION", 0);
        in("ACK first", () -> breach(publisher, Line.message("ACK", generation, 0)));
        in("REQUEST first", () -> breach(publisher, Line.message("REQUEST", new Body(), 0)));
    }

    private static void helloAnswer(PublisherUnderTest publisher) throws Exception {
        Body right = Client.hello(publisher);
        in("a HELLO that is right", () -> welcomed(publisher, right));
        in("another major version", () -> refused(publisher, right.with("PROTOCOL", Body.intBytes(Body.MAGIC, 2)), 2));
        in("another key", () -> refused(publisher, right.with("KEY", bytes(publisher.key() + "x")), 3));
        in("no magic", () -> refused(publisher, right.with("PROTOCOL", Body.intBytes(0x12345678, 1)), 1));
    }

    private static void welcomeDescriptors(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher));
                Client observer = Client.observer(publisher)) {
            Failed.unlessEqual(
                    "descriptors of a subscriber's WELCOME:",
                    2,
                    client.welcome.files().size());
            Failed.unlessEqual(
                    "descriptors of an observer's WELCOME:",
                    1,
                    observer.welcome.files().size());
            Failed.unlessEqual("magic of the first:", Body.MAGIC, client.header.get("magic"));
            Failed.unlessEqual("magic of the second:", 0x50465543, client.page.get("magic"));
            for (byte one : observer.welcome.body().all("SUBSCRIBER").get(0)) {
                Failed.unlessEqual("each byte of an observer's SUBSCRIBER", 0, one);
            }
        }
    }

    /** Both deadlines at a time: no HELLO, and no ACK. */
    private static void handshakeTimeout(PublisherUnderTest publisher) throws Exception {
        long begin = System.nanoTime();
        try (Client silent = new Client(publisher);
                Client greeted = Client.greeted(publisher, Client.hello(publisher))) {
            List<Client> both = List.of(silent, greeted);
            for (Client client : both) {
                String what = client == silent ? "no HELLO" : "no ACK";
                in(what, () -> {
                    while (true) {
                        Incoming incoming = client.line.next(
                                HANDSHAKE_NANOS + publisher.patience().toNanos());
                        Failed.unless(incoming != null, "ERROR 10 after 5 s", "nothing");
                        if (incoming.is("MEMORY")) {
                            continue;
                        }
                        Failed.unless(
                                incoming.is("ERROR") && incoming.body().intAt("ERROR", 0) == 10, "ERROR 10", incoming);
                        break;
                    }
                    long waited = System.nanoTime() - begin;
                    Failed.unless(
                            waited >= HANDSHAKE_NANOS - 100_000_000, "5 s of patience", waited / 1_000_000 + " ms");
                    Failed.unless(client.line.last().isEnd(), "the end after ERROR", "more");
                });
            }
        }
    }

    private static void breachAlone(PublisherUnderTest publisher) throws Exception {
        try (Client other = Client.active(publisher, Client.FIFO, 3, 4)) {
            other.release(other.take());
            afterGreeting(publisher, Line.message("ACK", new Body().ints("GENERATION", -5), 0));
            afterGreeting(publisher, Line.header(-1, 6, 0, new byte[8]));
            long before = other.newest();
            while (other.taken() < 5 || other.newest() <= before) {
                other.release(other.take());
            }
        }
    }

    private static void major(PublisherUnderTest publisher) throws Exception {
        for (int[] version : new int[][] {{0, 9}, {2, 0}, {0xFFFF, 0}}) {
            in("HELLO of protocol " + version[0] + "." + version[1], () -> {
                Body only = new Body().protocol(version[0], version[1]);
                Body whole = Client.hello(publisher)
                        .with("PROTOCOL", only.all("PROTOCOL").get(0));
                for (Body hello : List.of(whole, only)) {
                    try (Client client = Client.saying(publisher, hello)) {
                        Incoming last = client.line.last();
                        Failed.unless(
                                last.is("ERROR") && last.body().intAt("ERROR", 0) == 2, "ERROR 2 and the end", last);
                        Failed.unlessEqual(
                                "the major version in its PROTOCOL:",
                                1,
                                last.body().major());
                    }
                }
            });
        }
    }

    private static void minor(PublisherUnderTest publisher) throws Exception {
        in("a subscriber of protocol 1.0", () -> {
            Body hello = Client.hello(publisher)
                    .without("PID")
                    .with("PROTOCOL", new Body().protocol(1, 0).all("PROTOCOL").get(0));
            try (Client client = Client.greeted(publisher, hello).activate()) {
                client.take();
                List<Integer> sent = new ArrayList<>(client.welcome.body().tags());
                client.memories.forEach(memory -> sent.addAll(memory.tags()));
                Failed.unless(
                        sent.stream().allMatch(tag -> tag <= Document.tag("REASON")), "no tags that 1.0 lacks", sent);
            }
        });
        in("a subscriber of protocol 1.77", () -> {
            Body hello = Client.hello(publisher)
                    .with("PROTOCOL", new Body().protocol(1, 77).all("PROTOCOL").get(0))
                    .fromTheFuture();
            try (Client client = Client.greeted(publisher, hello)) {
                client.line.send(Line.message(UNKNOWN_TYPE, new byte[40], 0));
                client.activate();
                client.line.send(Line.message("REQUEST", new Body().raw(0x6000, new byte[9]), 0));
                client.take();
            }
        });
    }

    private static void versionsSaid(PublisherUnderTest publisher) throws Exception {
        try (Client client = Client.greeted(publisher, Client.hello(publisher))) {
            Body said = client.welcome.body();
            Failed.unlessEqual("the magic in PROTOCOL:", Body.MAGIC, said.intAt("PROTOCOL", 0));
            Failed.unlessEqual("the major version in PROTOCOL:", 1, said.major());
            for (View shown : List.of(client.header, client.page)) {
                Failed.unlessEqual("the major version in ring and page:", said.major(), shown.get("major"));
                Failed.unlessEqual("the minor version in ring and page:", said.minor(), shown.get("minor"));
            }
        } catch (IOException e) {
            throw new Failed("a greeting", e.toString());
        }
    }
}
