package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.ffmpeg.Redaction;
import picocli.CommandLine;

/** Entry of {@code java -jar cuframes-producer.jar}. Exit 0: done; 1: could not do its job; 2: wrong arguments. */
public final class Main {

    private Main() {}

    /** Runs the command and ends the process. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs the command and returns its exit code. */
    static int run(String[] arguments) {
        return new CommandLine(new ProduceCommand())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setParameterExceptionHandler(Main::wrongArguments)
                .execute(arguments);
    }

    private static int wrongArguments(CommandLine.ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        // picocli repeats what it does not understand, which may be a camera's URL
        command.getErr().println("cuframes-producer: " + Redaction.of(e.getMessage()) + " (--help lists the options)");
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }
}
