package io.github.cuframes.tests.faults;

import io.github.cuframes.tests.Report;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;

/**
 * The harness as a command; {@code scripts/faults} and {@code scripts/soak} start it, {@code --help} lists the options.
 * Exit status 0: nothing was found; 1: something was; 2: wrong arguments.
 */
public final class Faults {

    private static final String HELP = """
            Hurts producers, subscribers and cameras by a seeded plan and judges how the others fare.
              --seed N          what is done follows from it alone (1)
              --steps N         ends after so many steps (100)
              --minutes T       ends after that time instead
              --replay STEP     takes this step only, of the plan of --seed
              --plan            prints the plan and does nothing
              --memory KIND     host, or cuda: memory of a GPU (host)
              --driver WHICH    of --memory cuda: stand-in, or real: the machine's own (stand-in)
              --shared-gpu      others use the GPU too: its free memory says nothing about leaks
              --cameras N       producers of test patterns (2)
              --subscribers N   of each (3)
              --only LABELS     takes steps of these kinds only, a,b,c
              --no-rtsp         no camera of real RTSP
              --pause MILLIS    between two steps (0)
              --allowance MILLIS   what the load of this machine may add to a recovery, for which 2 s are given (0)
              --quiet           prints only steps that fail, and the report
              --results FILE    writes there what FaultsSummary reads
              --compile DIR     only compiles into DIR what is in C; -Dcuframes.faults.natives=DIR takes it from there
              --help            prints this
            """;

    private Faults() {}

    /** Runs the plan. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        System.exit(run(arguments, System.out));
    }

    static int run(String[] arguments, PrintStream out) throws IOException {
        Options options;
        try {
            options = Options.parse(arguments);
        } catch (IllegalArgumentException e) {
            out.println("faults: " + e.getMessage() + "; see --help");
            return 2;
        }
        if (options.help()) {
            out.print(HELP);
            return 0;
        }
        if (options.compile() != null) {
            Natives.compile(options.compile());
            return 0;
        }
        if (options.plan()) {
            for (int i = 1; i <= options.steps(); i++) {
                out.println(Step.of(options.seed(), i, options.kinds()));
            }
            return 0;
        }
        Run run = new Run(options, out);
        try {
            run.perform();
        } catch (CancellationException e) {
            out.println("faults: " + e.getMessage());
            return 1;
        }
        boolean good = run.report();
        if (options.results() != null) {
            run.results().write(options.results());
        }
        return good ? 0 : 1;
    }

    /** The command line. */
    record Options(
            long seed,
            int steps,
            Duration time,
            int replay,
            boolean plan,
            Theatre.Size size,
            Set<Fault> kinds,
            long pauseMillis,
            long allowanceMillis,
            boolean quiet,
            Path results,
            Path compile,
            boolean help) {

        /** What a line that takes a step again begins with; a bundle has another command. */
        private static final String COMMAND = System.getProperty("cuframes.faults.command", "scripts/faults");

        static Options parse(String[] arguments) {
            Report given = Report.parse("options " + join(arguments));
            for (String name : given.fields().keySet()) {
                if (!HELP.contains("--" + name + " ")) {
                    throw new IllegalArgumentException("there is no option --" + name);
                }
            }
            String memory = choice(given, "memory", "host", "cuda");
            String driver = choice(given, "driver", "stand-in", "real");
            if (driver.equals("real") && memory.equals("host")) {
                throw new IllegalArgumentException("--driver real goes with --memory cuda");
            }
            boolean shared = given.fields().containsKey("shared-gpu");
            return new Options(
                    number(given, "seed", 1),
                    (int) number(given, "steps", 100),
                    given.fields().containsKey("minutes")
                            ? Duration.ofMillis((long) (Double.parseDouble(given.text("minutes")) * 60_000))
                            : null,
                    (int) number(given, "replay", 0),
                    given.fields().containsKey("plan"),
                    new Theatre.Size(memory, driver.equals("real"), shared, (int) number(given, "cameras", 2), (int)
                            number(given, "subscribers", 3)),
                    kinds(given),
                    number(given, "pause", 0),
                    number(given, "allowance", 0),
                    given.fields().containsKey("quiet"),
                    path(given, "results"),
                    path(given, "compile"),
                    given.fields().containsKey("help"));
        }

        /** {@code --name value} and {@code --flag} as {@code name=value} and {@code flag=yes}. */
        private static String join(String[] arguments) {
            StringBuilder joined = new StringBuilder();
            for (int i = 0; i < arguments.length; i++) {
                if (!arguments[i].startsWith("--")) {
                    throw new IllegalArgumentException("\"" + arguments[i] + "\" is no option");
                }
                boolean valued = i + 1 < arguments.length && !arguments[i + 1].startsWith("--");
                joined.append(arguments[i].substring(2)).append('=');
                joined.append(valued ? arguments[++i] : "yes").append(' ');
            }
            return joined.toString();
        }

        private static Path path(Report given, String name) {
            String text = given.fields().get(name);
            return text == null ? null : Path.of(text);
        }

        private static String choice(Report given, String name, String otherwise, String other) {
            String text = given.fields().getOrDefault(name, otherwise);
            if (!text.equals(otherwise) && !text.equals(other)) {
                throw new IllegalArgumentException("--" + name + " is " + otherwise + " or " + other + ", not " + text);
            }
            return text;
        }

        private static Set<Fault> kinds(Report given) {
            Set<Fault> kinds = EnumSet.allOf(Fault.class);
            String only = given.fields().get("only");
            if (only != null) {
                kinds.clear();
                for (String label : only.split(",")) {
                    kinds.add(Fault.of(label));
                }
            }
            if (given.fields().containsKey("no-rtsp")) {
                kinds.removeIf(Fault::isRtsp);
            }
            if (kinds.isEmpty()) {
                throw new IllegalArgumentException("no kind of step is left");
            }
            return kinds;
        }

        private static long number(Report given, String name, long otherwise) {
            String text = given.fields().get(name);
            try {
                long number = text == null ? otherwise : Long.parseLong(text);
                if (number < 0) {
                    throw new IllegalArgumentException("--" + name + " is not negative: " + number);
                }
                return number;
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("--" + name + " takes a number, not " + text, e);
            }
        }

        /** The command that takes a step again. */
        String replayOf(int step) {
            String which = kinds.size() == Fault.values().length
                    ? ""
                    : kinds.containsAll(Fault.withoutRtsp())
                            ? " --no-rtsp"
                            : " --only " + kinds.stream().map(Fault::label).collect(Collectors.joining(","));
            return COMMAND + " --seed " + seed + " --memory " + size.memory()
                    + (size.realDriver() ? " --driver real" : "") + " --cameras " + size.cameras()
                    + " --subscribers " + size.subscribers() + which + " --replay " + step;
        }
    }
}
