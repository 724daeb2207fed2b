package io.github.cuframes.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cuframes.conformance.subscriber.SubscriberSuite;
import io.github.cuframes.conformance.subscriber.SubscriberUnderTest;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Subscribers that break a clause each, made of ours by a proxy: the clause fails. */
@Execution(ExecutionMode.CONCURRENT)
class BadSubscriberTest {

    /** What must not come is waited for so long; what does come, comes soon. */
    private static final Duration SHORT = Duration.ofMillis(700);

    private static final byte[] REQUEST = Line.message("REQUEST", new Body(), 0);

    @TempDir
    Path directory;

    /** Our subscriber behind a proxy. */
    private record Seen(Path base, Duration patience, Proxy.Change toPublisher, Proxy.Change toSubscriber)
            implements SubscriberUnderTest {
        @Override
        public Optional<Path> fixedSocket() {
            return Optional.empty();
        }

        @Override
        public boolean takesPolicy() {
            return true;
        }

        @Override
        public Running start(Path place, String key, String policy) throws IOException {
            Path front = Files.createTempDirectory(base, "x");
            Proxy proxy =
                    new Proxy(front.resolve(key + ".sock"), place.resolve(key + ".sock"), toPublisher, toSubscriber);
            Running running = new OwnSubscriber(Duration.ofSeconds(20)).start(front, key, policy);
            return () -> {
                running.close();
                try {
                    proxy.close();
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            };
        }
    }

    private List<Result> check(
            Set<String> clauses, Duration patience, Proxy.Change toPublisher, Proxy.Change toSubscriber)
            throws Exception {
        return SubscriberSuite.INSTANCE.run(
                new Seen(directory, patience, toPublisher, toSubscriber), clauses, 4, result -> {});
    }

    private interface BodyChange {
        Body of(Body body) throws Failed;
    }

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

    private static Proxy.Change drop(String type) {
        return (message, out) -> {
            if (!message.is(type)) {
                out.send(message);
            }
        };
    }

    private static Proxy.Change around(byte[] before, String type, byte[] after) {
        return (message, out) -> {
            if (message.is(type)) {
                out.send(before, List.of());
            }
            out.send(message);
            if (message.is(type)) {
                out.send(after, List.of());
            }
        };
    }

    private interface PageChange {
        void to(View page);
    }

    /** Changes the page before it is passed on, or when messages of another type are. */
    private static final class Scribble implements Proxy.Change {
        private final String type;
        private final PageChange change;
        private View page;

        Scribble(String type, PageChange change) {
            this.type = type;
            this.change = change;
        }

        @Override
        public void pass(Incoming message, Proxy.Out out) throws Exception {
            if (message.is("WELCOME")) {
                page = new View(
                        ImportedFile.readWrite(
                                        Descriptors.duplicate(message.files().get(1)), 4096)
                                .buffer(),
                        0,
                        Document.structure("SubscriberPage"));
            }
            if (message.is(type) && page != null) {
                change.to(page);
            }
            out.send(message);
        }
    }

    private static Arguments bad(String what, String clause, Proxy.Change toPublisher, Proxy.Change toSubscriber) {
        return Arguments.of(what, clause, toPublisher, toSubscriber);
    }

    private static byte[] protocol(int major, int minor) {
        return new Body().protocol(major, minor).all("PROTOCOL").get(0);
    }

    static Stream<Arguments> subscribers() {
        Proxy.Change same = Proxy.AS_IT_IS;
        byte[] nothing = {};
        return Stream.of(
                bad(
                        "acknowledges twice",
                        "ack-generation",
                        (message, out) -> {
                            out.send(message);
                            if (message.is("ACK")) {
                                out.send(message);
                            }
                        },
                        same),
                bad(
                        "acknowledges what was not sent",
                        "slots-added",
                        body("ACK", b -> b.with("GENERATION", Body.intBytes(7))),
                        same),
                bad("acknowledges nothing", "memory-no-slab", drop("ACK"), same),
                bad("asks for nothing", "latest-old", drop("REQUEST"), same),
                bad("misses frames and does not ask", "latest-missed", drop("REQUEST"), same),
                bad("lets a publisher wait", "wake-publisher", drop("REQUEST"), same),
                bad("asks without need", "request-only", around(nothing, "ACK", REQUEST), same),
                bad("talks before HELLO", "hello-first", around(REQUEST, "HELLO", nothing), same),
                bad("says no name", "required-fields", body("HELLO", b -> b.without("NAME")), same),
                bad("says another key", "key-syntax", body("HELLO", b -> b.with("KEY", "other".getBytes())), same),
                bad(
                        "reaches no memory",
                        "kinds-offered",
                        body("HELLO", b -> b.with("MEMORY_KINDS", Body.intBytes(0))),
                        same),
                bad(
                        "says no magic",
                        "versions-said",
                        body("HELLO", b -> b.with("PROTOCOL", Body.intBytes(0, 1))),
                        same),
                bad("says text that is none", "text", body("HELLO", b -> b.with("LIBRARY", new byte[] {'a', 0})), same),
                bad(
                        "takes IPC handles and says no PID",
                        "pid-said",
                        body("HELLO", b -> b.without("PID").with("MEMORY_KINDS", Body.intBytes(10))),
                        same),
                bad(
                        "takes another major version",
                        "major",
                        same,
                        body("WELCOME", b -> b.with("PROTOCOL", protocol(1, 1)))),
                bad(
                        "does not take later fields",
                        "unknown-tag",
                        same,
                        body("MEMORY", b -> b.with("STREAM", new byte[79]))),
                bad(
                        "does not take unknown messages",
                        "unknown-message",
                        same,
                        (message, out) -> out.send(
                                message.type() > 100
                                        ? new Incoming(Document.type("HELLO"), nothing, List.of())
                                        : message)),
                bad("says nothing about a breach", "breach", drop("ERROR"), same),
                bad("does not look at its messages", "out-of-turn", same, drop("ACK")),
                bad("does not wake", "doorbell", same, drop("DOORBELL")),
                bad("sleeps without looking at the socket", "sleep", same, drop("DOORBELL")),
                bad("learns of no generation", "generation-change", same, (message, out) -> {
                    if (!message.is("MEMORY") || message.body().intAt("GENERATION", 0) == 1) {
                        out.send(message);
                    }
                }),
                bad(
                        "does not look at its page's magic",
                        "ring-checked",
                        same,
                        new Scribble("WELCOME", page -> page.put("magic", 0x50465543))),
                bad(
                        "writes where the publisher does",
                        "page-writers",
                        same,
                        new Scribble("DOORBELL", page -> page.fillUnnamed(3))),
                bad(
                        "releases what it never had",
                        "release-once",
                        same,
                        new Scribble("DOORBELL", page -> page.put("released", 50, 7))),
                bad("comes back at once", "retry-later", same, (message, out) -> {
                    if (message.is("ERROR")) {
                        out.send(Line.message("BYE", new Body().ints("REASON", 1), 0), List.of());
                    } else {
                        out.send(message);
                    }
                }),
                bad("comes back for ever", "refused-for-good", same, drop("ERROR")));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @MethodSource("subscribers")
    void badSubscriberFails(String what, String clause, Proxy.Change toPublisher, Proxy.Change toSubscriber)
            throws Exception {
        List<Result> results = check(Set.of(clause), SHORT, toPublisher, toSubscriber);
        assertEquals(Verdict.FAIL, results.get(0).verdict(), results.toString());
    }

    /** It is not the proxy that fails: the same clauses pass where it changes nothing. */
    @Test
    void goodSubscriberPassesBehindTheProxy() throws Exception {
        Set<String> clauses = new TreeSet<>();
        subscribers().forEach(subscriber -> clauses.add((String) subscriber.get()[1]));
        List<Result> results = check(clauses, Duration.ofSeconds(20), Proxy.AS_IT_IS, Proxy.AS_IT_IS);
        assertEquals(clauses.size(), results.size());
        OwnPublisherTest.assertVerdicts(results, Set.of());
    }
}
