package io.github.cuframes.subscriber.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.subscriber.Subscriber;
import io.github.cuframes.subscriber.SubscriberBuilder;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What the commands have in common: the run directory, their output, and an end when a signal comes. */
abstract class StoppableCommand implements Callable<Integer> {

    /** A wait is looked after this often, in nanoseconds. */
    static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(
            names = "--run-dir",
            paramLabel = "DIR",
            description = "Where producers have their sockets; default $CUFRAMES_RUN_DIR, /run/cuframes,"
                    + " $XDG_RUNTIME_DIR/cuframes, /tmp/cuframes-UID, the first that is there.")
    Path runDirectory;

    @Spec
    CommandSpec spec;

    /** Set before the command runs. */
    Stop stop;

    RunDirectory directory() throws IOException {
        return RunDirectory.resolve(runDirectory, System.getenv(), RunDirectory.Role.SUBSCRIBER);
    }

    SubscriberBuilder subscribe(String key, String name, Duration wait) {
        SubscriberBuilder builder = Subscriber.builder(key).name(name).connectTimeout(wait);
        return runDirectory == null ? builder : builder.runDirectory(runDirectory);
    }

    PrintWriter out() {
        return spec.commandLine().getOut();
    }

    PrintWriter err() {
        return spec.commandLine().getErr();
    }

    void printJson(Object value) throws JsonProcessingException {
        out().println(JSON.writeValueAsString(value));
    }

    /** Whether writing failed because the reader has had enough, as {@code head} has: an orderly end. */
    static boolean isBrokenPipe(IOException e) {
        return e.getMessage() != null && e.getMessage().contains("Broken pipe");
    }

    /** What a person is told of a failure: one sentence, no trace. */
    static String sentence(Throwable failure) {
        String message = failure.getMessage();
        return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
    }
}
