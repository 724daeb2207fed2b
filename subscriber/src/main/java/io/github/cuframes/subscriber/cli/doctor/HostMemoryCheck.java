package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.FrameMemory;
import io.github.cuframes.memory.HostMemoryAllocator;
import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether host memory can be shared, and how much there is. Rings and pages need some of it for GPU frames too. */
final class HostMemoryCheck implements Check {

    private static final String ID = "memory-host";
    private static final int TRIAL_BYTES = 4096;
    private static final byte TRIAL_VALUE = 42;
    private static final long MIB = 1 << 20;

    /** Docker's default of 64 MiB, some 20 frames of 1080p, is to be warned of: one camera may need them all. */
    private static final long LITTLE_BYTES = 256 * MIB;

    /** A frame of 1920 by 1080 in NV12. */
    private static final long FRAME_BYTES = 1920 * 1088 * 3 / 2;

    private final Machine machine;

    HostMemoryCheck(Machine machine) {
        this.machine = machine;
    }

    @Override
    public void run(Report report) {
        Path directory = Path.of(machine.property(SharedFile.DIRECTORY_PROPERTY)
                .or(() -> machine.variable(SharedFile.DIRECTORY_VARIABLE))
                .orElse("/dev/shm"));
        report.fact("sharedMemoryDirectory", directory.toString());
        try {
            share(directory);
            report.works(MemoryKind.HOST);
            long size = Files.getFileStore(directory).getTotalSpace();
            long free = Files.getFileStore(directory).getUsableSpace();
            report.fact("sharedMemoryBytes", size);
            report.fact("sharedMemoryFreeBytes", free);
            report.add(space(directory, size, free));
        } catch (IOException | LinkageError e) {
            report.add(Finding.problem(
                    ID,
                    "host memory cannot be shared: " + e.getMessage(),
                    "see native-sockets; mount a tmpfs on /dev/shm that this user can write (docker: --shm-size), or"
                            + " name another with " + SharedFile.DIRECTORY_VARIABLE));
        }
    }

    static Finding space(Path directory, long size, long free) {
        String text = directory + " can be shared; " + free / MIB + " of its " + size / MIB
                + " MiB are free, enough for " + free / FRAME_BYTES + " frames of 1080p";
        return free < LITTLE_BYTES
                ? Finding.warning(
                        ID,
                        text,
                        "enlarge it to what the producers log that they need (docker: --shm-size=1g), or name another"
                                + " tmpfs with " + SharedFile.DIRECTORY_VARIABLE
                                + "; frames in GPU memory take none of it, only their rings do")
                : Finding.ok(ID, text);
    }

    /** Does with a page what producer and subscriber do with a ring. */
    private static void share(Path directory) throws IOException {
        try (FrameMemory memory = new HostMemoryAllocator(directory).allocate(TRIAL_BYTES)) {
            memory.slice(0, 1).put(TRIAL_VALUE);
            FileDescriptor sent = Descriptors.duplicate(memory.descriptor().orElseThrow());
            try (ImportedMemory imported = ImportedMemory.map(MemoryKind.HOST, sent, TRIAL_BYTES)) {
                byte seen = imported.slice(0, 1).get();
                if (seen != TRIAL_VALUE) {
                    throw new IOException("what was written to a shared page was not read from it");
                }
            }
        }
    }
}
