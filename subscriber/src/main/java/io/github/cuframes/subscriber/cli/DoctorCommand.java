package io.github.cuframes.subscriber.cli;

import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.subscriber.cli.doctor.Doctor;
import io.github.cuframes.subscriber.cli.doctor.Finding;
import io.github.cuframes.subscriber.cli.doctor.Report;
import java.io.IOException;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Says what this machine can do and what is missing. */
@Command(
        name = "doctor",
        description = "What this machine can do and what is missing, each with its remedy: driver, libraries, GPUs and"
                + " what they decode, memory that can be shared, run directory, namespaces, limits. Takes some hundred"
                + " MiB of each GPU's memory for a moment. Exit status 1 if frames cannot be shared at all.",
        mixinStandardHelpOptions = true)
final class DoctorCommand extends StoppableCommand {

    private static final String ROW = "%-8s %-20s %s%n";

    @Option(names = "--json", description = "One object instead of a table.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        Report report = Doctor.examine(runDirectory);
        if (json) {
            printJson(report.toMap());
        } else {
            print(report);
        }
        for (Finding fatal : report.fatal()) {
            err().println(fatal.id() + ": " + fatal.text() + "; " + fatal.remedy());
        }
        return report.fatal().isEmpty() ? Main.DONE : Main.FAILED;
    }

    private void print(Report report) {
        out().printf(ROW, "STATUS", "FINDING", "");
        for (Finding finding : report.findings()) {
            out().printf(ROW, finding.status().label(), finding.id(), finding.text());
            if (finding.remedy() != null) {
                out().printf(ROW, "", "", "-> " + finding.remedy());
            }
        }
        String kinds = report.memory().stream().map(MemoryKind::label).collect(Collectors.joining(", "));
        out().println(
                        report.fatal().isEmpty()
                                ? "frames can be shared in memory of kind: " + kinds
                                : "frames cannot be shared");
    }
}
