package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cuframes.producer.cli.Main;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Subscribers in Java, C++ and Python on one producer, each of which is killed, and the producer as well. */
public final class BindingsTogether {

    /** Who subscribes. */
    private enum Language {
        JAVA,
        CPP,
        PYTHON
    }

    private final String memory;
    private final Launch launch;
    private final Path program;

    /**
     * Where they meet.
     *
     * @param memory the kind that the producer is told
     * @param launch how JVMs are started; the others get its environment
     * @param program that of {@code bindings/cpp/tests/main.cpp}
     */
    public BindingsTogether(String memory, Launch launch, Path program) {
        this.memory = memory;
        this.launch = launch;
        this.program = program;
    }

    private Child produce(Stage stage, String size) throws IOException {
        List<String> arguments = List.of(
                "--key=cam",
                "--run-dir=" + stage.runDirectory(),
                "--memory=" + memory,
                "--test-pattern=" + size + "@50");
        return stage.start("producer " + size, Main.class, launch, arguments);
    }

    private Child subscribe(Stage stage, Language language, String policy) throws IOException {
        List<String> arguments =
                List.of("key=cam", "run-dir=" + stage.runDirectory(), "policy=" + policy, "progress=5");
        String name = language + " " + policy;
        if (language == Language.JAVA) {
            return stage.start(name, VerifyingSubscriber.class, launch, arguments);
        }
        List<String> command = new ArrayList<>();
        if (language == Language.CPP) {
            command.addAll(List.of(program.toString(), "verify"));
            command.addAll(arguments);
        } else {
            command.addAll(Python.command("verifying_subscriber.py", arguments));
        }
        return stage.run(name, command, launch.environment());
    }

    private static void awaitMore(Child subscriber, Predicate<Report> which) {
        subscriber.await(subscriber.output().size(), "progress", which);
    }

    /**
     * Kills one after the other, and then the producer.
     *
     * @return what each subscriber saw
     */
    public List<Report> eachGoesOnWhateverBecomesOfTheOthers() throws Exception {
        List<Report> summaries = new ArrayList<>();
        try (Stage stage = new Stage()) {
            Child producer = produce(stage, "640x360");
            Map<Language, Child> subscribers = new EnumMap<>(Language.class);
            for (Language language : Language.values()) {
                subscribers.put(language, subscribe(stage, language, "fifo:4"));
            }
            for (Language victim : Language.values()) {
                subscribers.values().forEach(subscriber -> awaitMore(subscriber, report -> true));
                subscribers.get(victim).kill();
                subscribers.forEach((language, subscriber) -> {
                    if (language != victim) {
                        awaitMore(subscriber, report -> report.number("reconnects") == 0);
                    }
                });
                subscribers.put(victim, subscribe(stage, victim, "latest"));
            }
            subscribers.values().forEach(subscriber -> awaitMore(subscriber, report -> true));
            producer.kill();
            produce(stage, "320x180");
            for (Child subscriber : subscribers.values()) {
                subscriber.await("progress", report -> report.number("reconnects") == 1);
                Report summary = subscriber.summary();
                assertEquals(0, summary.number("violations"), subscriber::toString);
                assertTrue(summary.number("received") > 0, subscriber::toString);
                summaries.add(summary);
            }
        }
        return summaries;
    }
}
