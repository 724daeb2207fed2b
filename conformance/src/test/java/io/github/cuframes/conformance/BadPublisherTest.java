package io.github.cuframes.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.conformance.publisher.PublisherSuite;
import io.github.cuframes.conformance.publisher.PublisherUnderTest;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import java.io.FileDescriptor;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Publishers that break a clause each, made of ours by a proxy: the clause fails. */
@Execution(ExecutionMode.CONCURRENT)
class BadPublisherTest {

    /** What must not come is waited for so long; what does come, comes soon. */
    private static final Duration SHORT = Duration.ofMillis(700);

    @TempDir
    static Path directory;

    private static OwnPublisher publisher;

    @BeforeAll
    static void open() throws Exception {
        publisher = new OwnPublisher(Files.createDirectory(directory.resolve("p")), Duration.ofSeconds(20), true);
    }

    @AfterAll
    static void close() {
        publisher.close();
    }

    /** The publisher as it is seen through a proxy. */
    private record Seen(Path socket, Duration patience) implements PublisherUnderTest {
        @Override
        public String key() {
            return publisher.key();
        }

        @Override
        public Optional<Duration> losslessLimit() {
            return publisher.losslessLimit();
        }

        @Override
        public void reconfigure() {
            publisher.reconfigure();
        }

        @Override
        public void kill() throws Exception {
            publisher.kill();
        }

        @Override
        public void start() throws Exception {
            publisher.start();
        }

        @Override
        public void end() throws Exception {
            publisher.end();
        }
    }

    private static List<Result> check(
            Set<String> clauses, Duration patience, Proxy.Change toPublisher, Proxy.Change toSubscriber)
            throws Exception {
        Path socket = Files.createTempDirectory(directory, "x").resolve("cam.sock");
        try (Proxy proxy = new Proxy(socket, publisher.socket(), toPublisher, toSubscriber)) {
            return PublisherSuite.INSTANCE.run(new Seen(proxy.socket(), patience), clauses, 1, result -> {});
        }
    }

    /** A change of messages of one type; what is returned is sent instead of the body. */
    private static Proxy.Change body(String type, BodyChange change) {
        return (message, out) -> {
            if (message.is(type)) {
                out.send(
                        Line.message(
                                type, change.of(message.body()), message.files().size()),
                        message.files());
            } else {
                out.send(message);
            }
        };
    }

    private interface BodyChange {
        Body of(Body body) throws Failed;
    }

    private interface FileChange {
        void to(ByteBuffer page, Structure layout);
    }

    /** Writes into each page before it is passed on. */
    private static Proxy.Change page(FileChange change) {
        return (message, out) -> {
            if (message.is("WELCOME") && message.files().size() == 2) {
                ImportedFile page = ImportedFile.readWrite(
                        Descriptors.duplicate(message.files().get(1)), 4096);
                change.to(page.buffer(), Document.structure("SubscriberPage"));
                page.close();
            }
            out.send(message);
        };
    }

    private static Proxy.Change drop(String type) {
        return (message, out) -> {
            if (!message.is(type)) {
                out.send(message);
            }
        };
    }

    private static Proxy.Change after(String type, byte[] more) {
        return (message, out) -> {
            out.send(message);
            if (message.is(type)) {
                out.send(more, List.of());
            }
        };
    }

    private static Arguments bad(String what, String clause, Proxy.Change toPublisher, Proxy.Change toSubscriber) {
        return Arguments.of(what, clause, toPublisher, toSubscriber);
    }

    private static byte[] protocol(int major, int minor) {
        return new Body().protocol(major, minor).all("PROTOCOL").get(0);
    }

    static Stream<Arguments> publishers() {
        Proxy.Change same = Proxy.AS_IT_IS;
        return Stream.of(
                bad(
                        "welcomes another major version",
                        "major",
                        body("HELLO", b -> b.with("PROTOCOL", protocol(1, 1))),
                        same),
                bad(
                        "says another number than 2",
                        "major",
                        same,
                        body("ERROR", b -> b.with("ERROR", Body.intBytes(12)))),
                bad("sends a length that is wrong", "hello-answer", same, (message, out) -> {
                    byte[] bytes = Line.message(
                            message.type(), message.bytes(), message.files().size());
                    if (message.is("WELCOME")) {
                        bytes[0] = (byte) (bytes[0] + 3);
                    }
                    out.send(bytes, message.files());
                }),
                bad("welcomes every key", "error-last", body("HELLO", b -> b.with("KEY", "cam".getBytes())), same),
                bad("goes on after ERROR", "error-last", same, after("ERROR", Line.message("DOORBELL", new Body(), 0))),
                bad("gives no sentence", "error-last", same, body("ERROR", b -> b.with("TEXT", new byte[0]))),
                bad("does not read what stands first", "repeated-field", body("HELLO", Body::reversed), same),
                bad("is silent about what is wrong", "hello-answer", same, drop("ERROR")),
                bad(
                        "ends a connection on unknown messages",
                        "unknown-message",
                        (message, out) -> {
                            out.send(
                                    message.type() > 100
                                            ? new Incoming(Document.type("WELCOME"), new byte[0], List.of())
                                            : message);
                        },
                        same),
                bad("exchanges ring and page", "welcome-descriptors", same, (message, out) -> {
                    List<FileDescriptor> files = new ArrayList<>(message.files());
                    Collections.reverse(files);
                    out.send(new Incoming(message.type(), message.bytes(), files));
                }),
                bad(
                        "says another version in WELCOME",
                        "versions-said",
                        same,
                        body("WELCOME", b -> b.with("PROTOCOL", protocol(1, 0)))),
                bad(
                        "says another epoch",
                        "ring-header",
                        same,
                        body("WELCOME", b -> b.with("EPOCH", Body.longBytes(5)))),
                bad(
                        "announces more than the ring's file has",
                        "ring-header",
                        same,
                        body("WELCOME", b -> b.with("RING", Body.longBytes(1 << 30)))),
                bad(
                        "grants more than was asked",
                        "credits-granted",
                        same,
                        body(
                                "WELCOME",
                                b -> b.with(
                                        "SUBSCRIBER",
                                        Line.concat(
                                                Body.longBytes(b.longOf("SUBSCRIBER")),
                                                Body.intBytes(b.intAt("SUBSCRIBER", 2), 9))))),
                bad(
                        "activates without ACK 0",
                        "ack-active",
                        (message, out) -> {
                            out.send(message);
                            if (message.is("HELLO")) {
                                out.send(Line.message("ACK", new Body().ints("GENERATION", 0), 0), List.of());
                            }
                        },
                        same),
                bad("never activates", "ack-active", drop("ACK"), same),
                bad("rings no bell", "doorbell", same, drop("DOORBELL")),
                bad("does not hear REQUEST of an observer", "out-of-turn", drop("REQUEST"), same),
                bad(
                        "talks to observers",
                        "observer-silent",
                        same,
                        after("WELCOME", Line.message("DOORBELL", new Body(), 0))),
                bad("announces no memory", "memory-first", same, drop("MEMORY")),
                bad("announces a slab twice", "slab-once", same, (message, out) -> {
                    out.send(message);
                    if (message.is("MEMORY")) {
                        out.send(message);
                    }
                }),
                bad(
                        "announces generation 0",
                        "generation-number",
                        same,
                        body("MEMORY", b -> b.with("GENERATION", Body.intBytes(0)))),
                bad(
                        "announces another width",
                        "slot-geometry",
                        same,
                        body("MEMORY", b -> b.with("STREAM", narrower(b)))),
                bad(
                        "writes into reserved places",
                        "reserved",
                        same,
                        body("MEMORY", b -> b.with("STREAM", reserved(b)))),
                bad("acts on no BYE", "bye", drop("BYE"), same),
                bad(
                        "takes any ACK",
                        "ack-known",
                        (message, out) -> {
                            out.send(
                                    message.is("ACK") && message.body().intAt("GENERATION", 0) > 500
                                            ? new Incoming(0x7000, new byte[0], List.of())
                                            : message);
                        },
                        same),
                bad("hides the page's magic", "page-layout", same, page((page, layout) -> new View(page, 0, layout)
                        .put("magic", 1))),
                bad("leaves the page unclean", "unnamed-bytes", same, page((page, layout) -> new View(page, 0, layout)
                        .fillUnnamed(7))),
                bad("writes what is the subscriber's", "page-writers", same, (message, out) -> {
                    page((page, layout) -> new View(page, 0, layout).put("sleeping", 1))
                            .pass(message, out);
                }),
                bad("sends a ring that can be written", "ring-descriptor", same, (message, out) -> {
                    List<FileDescriptor> files = new ArrayList<>(message.files());
                    if (message.is("WELCOME")) {
                        files.set(0, files.get(files.size() - 1));
                    }
                    out.send(new Incoming(message.type(), message.bytes(), files));
                }));
    }

    private static byte[] narrower(Body memory) throws Failed {
        byte[] stream = memory.all("STREAM").get(0).clone();
        stream[0]--;
        return stream;
    }

    private static byte[] reserved(Body memory) {
        byte[] stream = memory.all("STREAM").get(0).clone();
        stream[36] = 1;
        return stream;
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("publishers")
    void badPublisherFails(String what, String clause, Proxy.Change toPublisher, Proxy.Change toSubscriber)
            throws Exception {
        List<Result> results = check(Set.of(clause), SHORT, toPublisher, toSubscriber);
        assertEquals(Verdict.FAIL, results.get(0).verdict(), results.toString());
    }

    /** It is not the proxy that fails: the same clauses pass where it changes nothing. */
    @Test
    void goodPublisherPassesBehindTheProxy() throws Exception {
        Set<String> clauses = new java.util.TreeSet<>();
        publishers().forEach(publisher -> clauses.add((String) publisher.get()[1]));
        List<Result> results = check(clauses, Duration.ofSeconds(20), Proxy.AS_IT_IS, Proxy.AS_IT_IS);
        assertEquals(clauses.size(), results.size());
        OwnPublisherTest.assertVerdicts(results, Set.of());
    }
}
