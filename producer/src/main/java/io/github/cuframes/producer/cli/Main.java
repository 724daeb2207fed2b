package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.ffmpeg.Redaction;
import java.util.List;
import picocli.CommandLine;

/** Entry of {@code java -jar cuframes-producer.jar}. Exit 0: done; 1: could not do its job; 2: wrong arguments; 3: native calls hang. */
public final class Main {

    private Main() {}

    /** Runs the command and ends the process. */
    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    /** Runs the command and returns its exit code. */
    static int run(String[] arguments) {
        List<String> all = List.of(arguments);
        boolean supervise = !all.isEmpty() && all.get(0).equals(SuperviseCommand.NAME);
        List<String> own = supervise ? all.subList(1, all.size()) : all;
        CommandLine command = supervise
                ? SuperviseCommand.parser()
                : GroupCommand.Probe.isWanted(own) ? GroupCommand.parser() : parser(new ProduceCommand(own));
        return command.setParameterExceptionHandler(Main::wrongArguments).execute(own.toArray(String[]::new));
    }

    static CommandLine parser(ProduceCommand command) {
        return new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true);
    }

    private static int wrongArguments(CommandLine.ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        // picocli repeats what it does not understand, which may be a camera's URL
        command.getErr().println("cuframes-producer: " + Redaction.of(e.getMessage()) + " (--help lists the options)");
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }
}
