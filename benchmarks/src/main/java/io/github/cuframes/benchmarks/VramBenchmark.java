package io.github.cuframes.benchmarks;

import io.github.cuframes.producer.Memory;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What live cameras in one producer process take from the GPU, beside what their publishers say. */
@Command(
        name = "vram",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "GPU memory of a producer process with live cameras: the driver's figure beside the publishers'.")
public final class VramBenchmark implements Callable<Integer> {

    private static final double MEBI = 1 << 20;
    private static final double MOST_BYTES = 1.3e9;
    private static final double MOST_DIFFERENCE = 0.05;

    private static final int WRITER_SLOTS = 3;

    @Spec
    private CommandSpec spec;

    @Option(names = "--clip", paramLabel = "FILE", required = true, description = "What the cameras show.")
    private Path clip;

    @Option(names = "--cameras", defaultValue = "16", description = "Default: ${DEFAULT-VALUE}.")
    private int count;

    @Option(
            names = "--subscribers",
            split = ",",
            defaultValue = "1,3",
            description = "Subscribers of each camera, with the credits that they get by default. Default:"
                    + " ${DEFAULT-VALUE}.")
    private List<Integer> subscribers;

    @Option(
            names = "--memory",
            defaultValue = "cuda",
            converter = MemoryConverter.class,
            description = "Where the rings are: cuda or cuda-ipc. Default: ${DEFAULT-VALUE}.")
    private Memory memory;

    @Option(names = "--markdown", description = "Print the table as Markdown.")
    private boolean markdown;

    private final List<String> notes = new ArrayList<>();
    private final Table table = new Table(
            "step", "slots", "frame memory", "taken from the GPU", "since the step before", "nvidia-smi, the process");
    private Wall wall;
    private long takenBefore;

    /** Runs the benchmark and ends the process. */
    public static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        return new CommandLine(new VramBenchmark());
    }

    @Override
    public Integer call() throws IOException {
        if (memory == Memory.HOST) {
            throw new CommandLine.ParameterException(spec.commandLine(), "host memory is none of the GPU's");
        }
        PrintWriter out = spec.commandLine().getOut();
        out.printf(
                "GPU memory in MiB of a process with %d live cameras, %s, %s memory:%n%n",
                count, clip.getFileName(), memory);
        out.flush();
        try (TemporaryDirectory directory = new TemporaryDirectory();
                Wall opened = new Wall(directory.path(), memory)) {
            wall = opened;
            measure();
        }
        table.print(out, markdown);
        notes.forEach(out::println);
        out.println();
        out.flush();
        return 0;
    }

    private void measure() throws IOException {
        ChildJvm cameras = wall.cameras();
        cameras.ask("context");
        step("context", 0, 0);

        long before = takenBefore;
        String[] rings = cameras.ask("rings " + count + " " + WRITER_SLOTS).split(" ");
        long bytes = Long.parseLong(rings[1]);
        step(count + " rings of 1080p alone", Long.parseLong(rings[0]), bytes);
        compare("rings alone", bytes, takenBefore - before);
        cameras.ask("no-rings");
        step("rings closed", 0, 0);

        cameras.ask("open " + count + " " + clip);
        Cameras.Account alone = step("cameras");
        long takenAlone = takenBefore;
        judgeAll("without subscribers");
        for (int each : subscribers) {
            wall.audience("join " + each + Cameras.keys(count));
            Cameras.Account followed = step("cameras, subscribers each: " + each);
            compare(
                    "what subscribers add, each: " + each,
                    followed.memoryBytes() - alone.memoryBytes(),
                    takenBefore - takenAlone);
            judgeAll("subscribers each: " + each);
            wall.audience("leave");
        }
        step("subscribers gone");
        cameras.ask("closed");
        step("cameras closed", 0, 0);
    }

    private Cameras.Account step(String name) throws IOException {
        Cameras.Account account = wall.account();
        step(name, account.slots(), account.memoryBytes());
        return account;
    }

    private void step(String name, long slots, long bytes) throws IOException {
        long taken = wall.taken();
        OptionalLong process = GpuGauge.ofProcess(wall.cameras().pid());
        table.add(
                name,
                slots,
                bytes / MEBI,
                taken / MEBI,
                (taken - takenBefore) / MEBI,
                process.isPresent() ? (Object) (process.getAsLong() / MEBI) : "-");
        takenBefore = taken;
    }

    private void compare(String what, long counted, long driver) {
        long difference = Math.abs(counted - driver);
        notes.add(String.format(
                Locale.ROOT,
                "- %s: the publishers say %.1f MiB, the driver %.1f; %.1f apart, aim at most %.0f %%: %s",
                what,
                counted / MEBI,
                driver / MEBI,
                difference / MEBI,
                100 * MOST_DIFFERENCE,
                difference <= MOST_DIFFERENCE * driver ? "met" : "MISSED"));
    }

    private void judgeAll(String when) {
        notes.add(String.format(
                Locale.ROOT,
                "- the process in all, %s: %.2f GB, aim at most %.1f: %s",
                when,
                takenBefore / 1e9,
                MOST_BYTES / 1e9,
                takenBefore <= MOST_BYTES ? "met" : "MISSED"));
    }
}
