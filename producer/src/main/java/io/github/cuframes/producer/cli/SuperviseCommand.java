package io.github.cuframes.producer.cli;

import io.github.cuframes.producer.isolate.Supervisor;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Several cameras, a process each. */
@Command(
        name = "cuframes-producer supervise",
        mixinStandardHelpOptions = true,
        versionProvider = ProduceCommand.Version.class,
        sortOptions = false,
        description = "Keeps one producer process for each camera. One that crashes or hangs is started again, and the"
                + " others do not notice. On a GPU each process has a CUDA context of its own, which takes VRAM.",
        footer = {
            "",
            "A FILE has the arguments of one producer, as @FILE has.",
            "Exit status: 0 all ended, or a signal came and all ended in time, 1 one of them was given up or had to be"
                    + " killed, 2 wrong arguments."
        })
final class SuperviseCommand implements Callable<Integer> {

    /** The first argument that makes it this command. */
    static final String NAME = "supervise";

    /** The option that makes a producer a worker. */
    static final String WORKER = "--worker";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "The arguments of a producer, one FILE a camera.")
    private List<String> files;

    @Option(
            names = "--max-restarts",
            paramLabel = "N",
            defaultValue = "0",
            description = "Give a camera up after N restarts in a row; 0, the default, never.")
    private int mostRestarts;

    @Option(
            names = "--log-format",
            defaultValue = "text",
            description = "Logs on stderr as ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Logging.Format logFormat;

    @Option(
            names = {"-v", "--verbose"},
            description = "Log more.")
    private boolean verbose;

    @Override
    public Integer call() {
        Logging.configure(logFormat, verbose, null);
        Supervisor supervisor = new Supervisor();
        for (String file : files) {
            List<String> arguments = List.of("@" + file);
            ProduceCommand producer = new ProduceCommand(arguments);
            try {
                Main.parser(producer).parseArgs(arguments.toArray(String[]::new));
                producer.superviseBy(supervisor, mostRestarts);
            } catch (ParameterException e) {
                throw new ParameterException(spec.commandLine(), file + ": " + e.getMessage(), e);
            }
        }
        return Supervision.run(supervisor);
    }

    static CommandLine parser() {
        return new CommandLine(new SuperviseCommand()).setCaseInsensitiveEnumValuesAllowed(true);
    }
}
