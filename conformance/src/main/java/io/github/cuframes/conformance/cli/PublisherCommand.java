package io.github.cuframes.conformance.cli;

import io.github.cuframes.conformance.Suite;
import io.github.cuframes.conformance.publisher.PublisherSuite;
import io.github.cuframes.conformance.publisher.PublisherUnderTest;
import io.github.cuframes.memory.transport.RunDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** Plays a subscriber against a publisher. */
@Command(
        name = "publisher-under-test",
        description =
                "Checks a publisher that publishes frames of host memory all the time, some ten a second or more. Give its"
                        + " key or its socket; and its command after --, if the suite is to start it, kill it and end it.",
        mixinStandardHelpOptions = true)
final class PublisherCommand extends SuiteCommand<PublisherUnderTest> {

    @Option(names = "--key", paramLabel = "KEY", description = "The stream's name; its socket is in the run directory.")
    private String key;

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "Where sockets are; by default where producers put them.")
    private Path runDirectory;

    @Option(names = "--socket", paramLabel = "SOCKET", description = "The socket, KEY.sock, instead of --key.")
    private Path socket;

    @Option(
            names = "--reconfigure",
            paramLabel = "COMMAND",
            description = "A shell command that has the publisher go over to another size or format.")
    private String reconfigure;

    @Option(
            names = "--lossless-limit",
            paramLabel = "S",
            description = "Seconds for which the publisher waits for a lossless subscriber.")
    private Double losslessLimit;

    @Parameters(paramLabel = "COMMAND", description = "What starts the publisher.")
    private List<String> command = List.of();

    private CommandPublisher publisher;

    @Override
    Suite<PublisherUnderTest> suite() {
        return PublisherSuite.INSTANCE;
    }

    @Override
    int atOnce() {
        return 1; // one publisher serves all checks
    }

    @Override
    PublisherUnderTest open() throws Exception {
        if ((key == null) == (socket == null)) {
            throw new ParameterException(spec.commandLine(), "either --key or --socket says where the publisher is");
        }
        publisher = new CommandPublisher(
                place(),
                patience(),
                Optional.ofNullable(losslessLimit).map(seconds -> Duration.ofMillis((long) (seconds * 1000))),
                reconfigure,
                command);
        publisher.begin();
        return publisher;
    }

    private Path place() throws IOException {
        RunDirectory.Role role = command.isEmpty() ? RunDirectory.Role.SUBSCRIBER : RunDirectory.Role.PRODUCER;
        return socket != null
                ? socket.toAbsolutePath()
                : RunDirectory.resolve(runDirectory, System.getenv(), role).socketOf(key);
    }

    @Override
    void close() {
        if (publisher != null) {
            publisher.close();
        }
    }
}
