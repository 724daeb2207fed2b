package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.ProtocolVersion;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Spec;

/**
 * The command of the runnable jar.
 *
 * <p>Exit status: 0 done, also after SIGINT or SIGTERM; 1 it could not do its job, with a sentence on stderr that says why
 * and what to do; 2 wrong arguments.
 */
@Command(
        name = "cuframes-subscriber",
        description = "Reads the frames of cuframes producers on this machine.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class,
        subcommands = {
            ListCommand.class,
            TopCommand.class,
            StatsCommand.class,
            SnapshotCommand.class,
            PipeCommand.class,
            PacketsCommand.class,
            DoctorCommand.class
        })
public final class Main implements Runnable {

    static final int DONE = 0;
    static final int FAILED = 1;
    static final int WRONG_ARGUMENTS = 2;

    @Spec
    private CommandLine.Model.CommandSpec spec;

    /** The version in the jar's manifest, and that of the protocol. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {
                "cuframes-subscriber " + (version == null ? "(not packaged)" : version) + ", protocol "
                        + ProtocolVersion.CURRENT
            };
        }
    }

    /** Runs a command and ends the JVM. */
    public static void main(String[] arguments) {
        if (System.getProperty("logback.configurationFile") == null) {
            System.setProperty("logback.configurationFile", "cuframes-subscriber-logback.xml");
        }
        System.setProperty("java.awt.headless", "true");
        Stop stop = Stop.onSignals();
        int status = run(
                stop,
                new PrintWriter(System.out, true, StandardCharsets.UTF_8),
                new PrintWriter(System.err, true, StandardCharsets.UTF_8),
                arguments);
        stop.finished(status);
        System.exit(status);
    }

    /** Runs a command; its exit status. */
    static int run(Stop stop, PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = new CommandLine(new Main());
        line.getSubcommands().values().forEach(sub -> {
            if (sub.getCommand() instanceof StoppableCommand stoppable) {
                stoppable.stop = stop;
            }
        });
        line.setCaseInsensitiveEnumValuesAllowed(true);
        line.setOut(out);
        line.setErr(err);
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            if (stop.isRequested()) {
                return DONE; // a wait was interrupted, as it was to be
            }
            command.getErr().println(StoppableCommand.sentence(failure));
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
                spec.commandLine(), "which command? list, top, stats, snapshot, pipe, packets or doctor");
    }
}
