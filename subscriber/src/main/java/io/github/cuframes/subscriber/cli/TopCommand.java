package io.github.cuframes.subscriber.cli;

import io.github.cuframes.subscriber.cli.top.StreamRow;
import io.github.cuframes.subscriber.cli.top.TopTable;
import io.github.cuframes.subscriber.cli.top.Watch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Shows streams and subscribers as they change. */
@Command(
        name = "top",
        description =
                "Streams in the run directory and their subscribers, again and again until SIGINT: state, rate, age of"
                        + " the newest frame, slots, memory; what each subscriber gets, holds and loses. Reads counters only. The"
                        + " columns are described in docs/top.md.",
        mixinStandardHelpOptions = true)
final class TopCommand extends StoppableCommand {

    private static final double SHORTEST = 0.1;
    private static final double LONGEST = 3600;
    private static final String HOME = "\033[H";
    private static final String CLEAR_LINE = "\033[K";
    private static final String CLEAR_REST = "\033[J";

    @Option(names = "--once", description = "One table, of the rates within one interval.")
    private boolean once;

    @Option(names = "--json", description = "An object a line instead of tables.")
    private boolean json;

    @Option(
            names = "--interval",
            paramLabel = "S",
            defaultValue = "1",
            description = "Seconds from one table to the next; default ${DEFAULT-VALUE}.")
    private double interval;

    @Override
    public Integer call() throws Exception {
        if (!(interval >= SHORTEST && interval <= LONGEST)) {
            throw new IllegalArgumentException("--interval takes " + SHORTEST + " to " + LONGEST + " seconds");
        }
        boolean redraw = !json && !once && isTerminal();
        try (Watch watch = new Watch(directory())) {
            List<StreamRow> streams = stop.interruptibly(watch::look);
            if (redraw) {
                out().print(HOME + CLEAR_REST);
                print(streams, true); // without rates, but at once
            }
            do {
                await();
                streams = stop.interruptibly(watch::look);
                print(streams, redraw);
            } while (!once && !stop.isRequested());
        }
        return Main.DONE;
    }

    private void await() {
        long end = System.nanoTime() + (long) (interval * 1e9);
        for (long left = end - System.nanoTime(); left > 0 && !stop.isRequested(); left = end - System.nanoTime()) {
            LockSupport.parkNanos(Math.min(left, STEP_NANOS));
        }
    }

    private void print(List<StreamRow> streams, boolean redraw) throws IOException {
        if (json) {
            printJson(Map.of("streams", streams));
            return;
        }
        StringBuilder text = new StringBuilder(redraw ? HOME : "");
        for (String line : TopTable.lines(streams, LocalTime.now())) {
            text.append(line).append(redraw ? CLEAR_LINE : "").append('\n');
        }
        out().print(text.append(redraw ? CLEAR_REST : "\n"));
        out().flush();
    }

    /** What {@code isatty} says; the JDK's own console is there without a terminal, too, since JDK 22. */
    private static boolean isTerminal() {
        String terminal = System.getenv("TERM");
        if (terminal == null || terminal.equals("dumb")) {
            return false;
        }
        try {
            Path output = Files.readSymbolicLink(Path.of("/proc/self/fd/1"));
            return output.startsWith("/dev/pts") || output.toString().matches("/dev/(tty.*|console)");
        } catch (IOException | UnsupportedOperationException e) {
            return false; // no /proc: lines are never wrong
        }
    }
}
