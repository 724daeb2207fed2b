package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Finds out what this machine can do and what is missing. Leaves nothing behind. */
public final class Doctor {

    /** Findings that must not be problems if frames are to be shared at all. */
    static final Set<String> ESSENTIAL = Set.of("run-directory", "memory-host");

    private Doctor() {}

    /**
     * Looks at this machine as this process sees it. Takes a context on each GPU for the moment, which costs some
     * hundred MiB of its memory where no other part of this process has one.
     *
     * @param runDirectory the value of {@code --run-dir}, or null
     * @throws IOException if the machine cannot be looked at
     */
    public static Report examine(Path runDirectory) throws IOException {
        Machine machine = Machine.real();
        CudaLibrary cuda = CudaLibrary.probe();
        Report report = new Report();
        for (Check check : List.of(
                new DriverCheck(machine, cuda),
                new LibrariesCheck(machine, cuda),
                new GpuCheck(cuda),
                new HostMemoryCheck(machine),
                new RunDirectoryCheck(runDirectory, machine.environment()),
                new NativeCodeCheck(machine),
                new ProcessCheck(machine))) {
            check.run(report);
        }
        return report;
    }
}
