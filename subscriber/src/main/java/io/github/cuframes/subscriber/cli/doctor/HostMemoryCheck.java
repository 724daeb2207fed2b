package io.github.cuframes.subscriber.cli.doctor;

import io.github.cuframes.memory.AvailableMemory;
import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.ImportedFile;
import io.github.cuframes.memory.SharedFile;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.IOException;

/** Whether host memory can be shared, and how much there is. Rings and pages need some of it for GPU frames too. */
final class HostMemoryCheck implements Check {

    private static final String ID = "memory-host";
    private static final int TRIAL_BYTES = 4096;
    private static final byte TRIAL_VALUE = 42;
    private static final long MIB = 1 << 20;

    /** Some 80 frames of 1080p are to be warned of: a few cameras may need them all. */
    private static final long LITTLE_BYTES = 256 * MIB;

    /** A frame of 1920 by 1080 in NV12. */
    private static final long FRAME_BYTES = 1920 * 1088 * 3 / 2;

    private final Machine machine;

    HostMemoryCheck(Machine machine) {
        this.machine = machine;
    }

    @Override
    public void run(Report report) {
        try {
            boolean sealed = share();
            report.works(MemoryKind.HOST);
            AvailableMemory available = AvailableMemory.below(machine.root());
            report.fact("availableMemoryBytes", available.bytes());
            report.fact("sealedAgainstWriting", sealed);
            report.add(finding(available, sealed));
        } catch (IOException | LinkageError e) {
            report.add(Finding.problem(
                    ID,
                    "host memory cannot be shared: " + e.getMessage(),
                    "see native-sockets and native-jna; Linux 3.17 or later with glibc 2.27 or later is needed"));
        }
    }

    static Finding finding(AvailableMemory available, boolean sealed) {
        String text = "can be shared; " + available.bytes() / MIB + " MiB are left by " + available.limitedBy()
                + ", enough for " + available.bytes() / FRAME_BYTES + " frames of 1080p";
        if (available.bytes() < LITTLE_BYTES) {
            return Finding.warning(
                    ID,
                    text,
                    "raise the limit to what the producers log that they need (docker: --memory), or end other programs;"
                            + " frames in GPU memory take none of it, only their rings do");
        }
        return sealed
                ? Finding.ok(ID, text)
                : Finding.note(
                        ID,
                        text + "; this kernel cannot seal it against subscribers that run as root and mean harm",
                        "Linux 5.1 or later");
    }

    /** Does with a page what producer and subscriber do with a ring. Whether readers can never write to it. */
    private static boolean share() throws IOException {
        try (SharedFile file = SharedFile.create(TRIAL_BYTES, SharedFile.Peer.READS)) {
            file.buffer().put(0, TRIAL_VALUE);
            try (ImportedFile imported = ImportedFile.readOnly(Descriptors.duplicate(file.descriptor()), TRIAL_BYTES)) {
                byte seen = imported.buffer().get(0);
                if (seen != TRIAL_VALUE) {
                    throw new IOException("what was written to a shared page was not read from it");
                }
            }
            return file.isSealedAgainstWriting();
        }
    }
}
