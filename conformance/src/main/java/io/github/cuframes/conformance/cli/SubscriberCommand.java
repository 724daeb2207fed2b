package io.github.cuframes.conformance.cli;

import io.github.cuframes.conformance.Check;
import io.github.cuframes.conformance.Suite;
import io.github.cuframes.conformance.subscriber.SubscriberSuite;
import io.github.cuframes.conformance.subscriber.SubscriberUnderTest;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** Plays a publisher for a subscriber. */
@Command(
        name = "subscriber-under-test",
        description = {
            "Checks a subscriber that takes frames of host memory and gives each back soon, and comes back when its publisher"
                    + " has gone.",
            "In its COMMAND, {run-dir}, {key}, {socket} and {policy} (latest, fifo:3, lossless) are filled in; it also finds"
                    + " the run directory in $CUFRAMES_RUN_DIR. It is started for each case. Without a command, the suite"
                    + " listens at one socket, where a subscriber is to come again and again."
        },
        mixinStandardHelpOptions = true)
final class SubscriberCommand extends SuiteCommand<SubscriberUnderTest> {

    @Option(names = "--listen", paramLabel = "SOCKET", description = "Where to listen, KEY.sock, without a command.")
    private Path socket;

    @Option(
            names = "--at-once",
            paramLabel = "N",
            description =
                    "How many subscribers may run at a time, beside those that wait for seconds; default: one for each"
                            + " processor.")
    private int atOnce = Math.min(64, Runtime.getRuntime().availableProcessors());

    @Parameters(paramLabel = "COMMAND", description = "What starts the subscriber.")
    private List<String> command = List.of();

    /** At one socket, one check at a time. */
    @Override
    Suite<SubscriberUnderTest> suite() {
        Suite<SubscriberUnderTest> all = SubscriberSuite.INSTANCE;
        return socket == null
                ? all
                : new Suite<>(
                        all.side(),
                        all.checks().stream()
                                .map(check -> check.in(Check.Phase.ALONE))
                                .toList());
    }

    @Override
    int atOnce() {
        if (atOnce < 1 || atOnce > 64) {
            throw new IllegalArgumentException("--at-once takes 1 to 64, not " + atOnce);
        }
        return atOnce;
    }

    @Override
    SubscriberUnderTest open() {
        if ((socket == null) == command.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "either --listen SOCKET, or the subscriber's command after --");
        }
        if (socket != null) {
            spec.commandLine().getErr().println("listening at " + socket.toAbsolutePath());
        }
        return new CommandSubscriber(patience(), socket == null ? null : socket.toAbsolutePath(), command);
    }
}
