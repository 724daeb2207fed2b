package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.memory.transport.RunDirectory.Candidate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Where sockets are made and looked for by this user. Makes nothing. */
final class RunDirectoryCheck implements Check {

    private static final String ID = "run-directory";
    private static final String NAME_ONE =
            "create a directory for this user (mode 0750), and name it with --run-dir or $" + RunDirectory.VARIABLE;

    private final Path option;
    private final Map<String, String> environment;

    /**
     * A check.
     *
     * @param option the value of {@code --run-dir}, or null
     */
    RunDirectoryCheck(Path option, Map<String, String> environment) {
        this.option = option;
        this.environment = environment;
    }

    @Override
    public void run(Report report) throws IOException {
        List<Candidate> survey = RunDirectory.survey(option, environment);
        Optional<Candidate> producer =
                survey.stream().filter(place -> place.forProducers().isEmpty()).findFirst();
        Optional<Candidate> subscriber = survey.stream()
                .filter(place -> place.forSubscribers().isEmpty())
                .findFirst();
        report.fact(
                "runDirectory",
                producer.or(() -> subscriber)
                        .map(place -> place.path().toString())
                        .orElse(null));
        report.add(find(survey, producer, subscriber));
    }

    private static Finding find(List<Candidate> survey, Optional<Candidate> producer, Optional<Candidate> subscriber) {
        if (producer.isEmpty() && subscriber.isEmpty()) {
            return Finding.problem(
                    ID, "no run directory can be used: " + reasons(survey, Candidate::forProducers), NAME_ONE);
        }
        if (producer.isEmpty()) {
            return Finding.warning(
                    ID,
                    "this user can subscribe in " + subscriber.get().path() + ", but not produce: "
                            + reasons(survey, Candidate::forProducers),
                    "to produce as this user, " + NAME_ONE);
        }
        Path path = producer.get().path();
        if (subscriber.isPresent() && survey.indexOf(subscriber.get()) < survey.indexOf(producer.get())) {
            return Finding.warning(
                    ID,
                    "subscribers of this user look in " + subscriber.get().path() + ", where it cannot produce; its"
                            + " producers would use " + path,
                    "name one directory for both with --run-dir or $" + RunDirectory.VARIABLE);
        }
        return Finding.ok(
                ID,
                Files.exists(path)
                        ? path + " can be read and written"
                        : path + " is not there yet; the first producer of this user will create it");
    }

    private static String reasons(List<Candidate> survey, Function<Candidate, Optional<String>> side) {
        return survey.stream()
                .map(place -> place.path() + " " + side.apply(place).orElseThrow())
                .collect(Collectors.joining("; "));
    }
}
