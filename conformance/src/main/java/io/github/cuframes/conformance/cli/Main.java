package io.github.cuframes.conformance.cli;

import io.github.cuframes.conformance.Document;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Spec;

/**
 * The command of the runnable jar.
 *
 * <p>Exit status: 0 no clause failed; 1 one did, or the peer could not be reached, with a sentence on stderr; 2 wrong arguments.
 */
@Command(
        name = "cuframes-conformance",
        description = "Checks publishers and subscribers of any implementation against docs/protocol.md.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {PublisherCommand.class, SubscriberCommand.class})
public final class Main implements Runnable {

    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_ARGUMENTS = 2;

    @Spec
    private CommandLine.Model.CommandSpec spec;

    /** The version in the jar's manifest, and that of the protocol that is inside. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {
                "cuframes-conformance " + (version == null ? "(not packaged)" : version) + ", protocol "
                        + Document.PROTOCOL.version()
            };
        }
    }

    /** Runs a command and ends the JVM. */
    public static void main(String[] arguments) {
        System.exit(run(
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                arguments));
    }

    /** Runs a command; its exit status. */
    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = new CommandLine(new Main());
        line.setOut(out);
        line.setErr(err);
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            command.getErr().println(failure.getMessage() == null ? failure.toString() : failure.getMessage());
            return failure instanceof IllegalArgumentException ? WRONG_ARGUMENTS : FAILED;
        });
        line.setParameterExceptionHandler((wrong, given) -> {
            CommandLine command = wrong.getCommandLine();
            command.getErr()
                    .println(wrong.getMessage() + "; see "
                            + command.getCommandSpec().qualifiedName() + " --help");
            return WRONG_ARGUMENTS;
        });
        return line.execute(arguments);
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(), "which side is under test? publisher-under-test or subscriber-under-test");
    }
}
