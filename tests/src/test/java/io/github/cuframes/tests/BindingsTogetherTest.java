package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.tests.cpp.CppBuild;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Subscribers in Java, C++ and Python on one producer, each of which is killed, and the producer as well. */
@Tag("slow")
@Timeout(180)
class BindingsTogetherTest {

    /** Who subscribes. */
    private enum Language {
        JAVA,
        CPP,
        PYTHON;

        Child start(Stage stage, String policy) throws IOException {
            if (this == JAVA) {
                return stage.subscriber("cam", policy, "progress=5");
            }
            List<String> arguments =
                    List.of("key=cam", "run-dir=" + stage.runDirectory(), "policy=" + policy, "progress=5");
            List<String> command = new ArrayList<>();
            if (this == CPP) {
                command.addAll(List.of(CppBuild.programs().get(0).toString(), "verify"));
                command.addAll(arguments);
            } else {
                command.addAll(Python.command("verifying_subscriber.py", arguments));
            }
            return stage.run(this + " " + policy, command, Map.of());
        }
    }

    @BeforeAll
    static void requireAll() {
        Optional<String> missing = Stream.of(CppBuild.missing("g++", "g++"), Python.unavailable())
                .flatMap(Optional::stream)
                .findFirst();
        assumeTrue(missing.isEmpty(), () -> missing.orElse(""));
    }

    private static void awaitMore(Child subscriber, Predicate<Report> which) {
        subscriber.await(subscriber.output().size(), "progress", which);
    }

    @Test
    void eachGoesOnWhateverBecomesOfTheOthers() throws Exception {
        try (Stage stage = new Stage()) {
            Child producer = stage.producer("cam", "--memory", "host", "--test-pattern", "640x360@50");
            Map<Language, Child> subscribers = new EnumMap<>(Language.class);
            for (Language language : Language.values()) {
                subscribers.put(language, language.start(stage, "fifo:4"));
            }
            for (Language victim : Language.values()) {
                subscribers.values().forEach(subscriber -> awaitMore(subscriber, report -> true));
                subscribers.get(victim).kill();
                subscribers.forEach((language, subscriber) -> {
                    if (language != victim) {
                        awaitMore(subscriber, report -> report.number("reconnects") == 0);
                    }
                });
                subscribers.put(victim, victim.start(stage, "latest"));
            }
            subscribers.values().forEach(subscriber -> awaitMore(subscriber, report -> true));
            producer.kill();
            stage.producer("cam", "--memory", "host", "--test-pattern", "320x180@50");
            for (Child subscriber : subscribers.values()) {
                subscriber.await("progress", report -> report.number("reconnects") == 1);
                Report summary = subscriber.summary();
                assertEquals(0, summary.number("violations"), subscriber::toString);
                assertTrue(summary.number("received") > 0, subscriber::toString);
            }
        }
    }
}
