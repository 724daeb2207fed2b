package io.github.cuframes.memory.linux;

import com.sun.jna.LastErrorException;
import java.io.IOException;

/**
 * Memory that is a file without a name ({@code memfd_create(2)}), whose length is settled once and for all. Descriptors are
 * numbers here, and the caller's to close. Any thread may call any method.
 */
public final class Memfd {

    private static final int CLOEXEC = 0x1;
    private static final int ALLOW_SEALING = 0x2;
    private static final int NOEXEC_SEAL = 0x8;

    private static final int ADD_SEALS = 1033;
    private static final int GET_SEALS = 1034;

    private static final int SEAL_SEAL = 0x1;
    private static final int SEAL_SHRINK = 0x2;
    private static final int SEAL_GROW = 0x4;
    private static final int SEAL_WRITE = 0x8;
    private static final int SEAL_FUTURE_WRITE = 0x10;

    private Memfd() {}

    /**
     * Makes memory of zeros and has the kernel give it all of its pages now, so that none can be missing later.
     *
     * @param name what {@code /proc/PID/maps} shows
     * @param size bytes
     * @return a descriptor for reading and writing, closed on exec
     * @throws IOException if it cannot be had; nothing is left then
     */
    public static int create(String name, long size) throws IOException {
        String what = size + " bytes of shared memory cannot be had";
        int descriptor = LibC.call(what, () -> LibC.memfd_create(name, CLOEXEC | ALLOW_SEALING | NoExec.FLAG));
        try {
            allocate(what, descriptor, size);
            return descriptor;
        } catch (IOException e) {
            LibC.close(descriptor);
            throw e;
        }
    }

    /**
     * Memory that nobody can execute: since Linux 6.3, and what an administrator may insist on ({@code vm.memfd_noexec}). Tried
     * once, for an older kernel refuses the flag.
     */
    private static final class NoExec {
        static final int FLAG = flag();

        private static int flag() {
            try {
                LibC.close(LibC.memfd_create("cuframes-trial", CLOEXEC | NOEXEC_SEAL));
                return NOEXEC_SEAL;
            } catch (LastErrorException e) {
                return 0;
            }
        }
    }

    private static void allocate(String what, int descriptor, long size) throws IOException {
        while (true) {
            try {
                LibC.call(what, () -> LibC.fallocate(descriptor, 0, 0, size));
                return;
            } catch (LibC.ErrnoException e) {
                if (e.errno() != LibC.EINTR) {
                    throw e;
                }
            }
        }
    }

    /**
     * Settles the length for ever, and the seals themselves.
     *
     * @param forReaders whether nobody is to write from now on but through mappings that exist already; a kernel before
     *     Linux 5.1 cannot promise that, and is not asked to
     */
    public static void seal(int descriptor, boolean forReaders) throws IOException {
        int seals = SEAL_SEAL | SEAL_SHRINK | SEAL_GROW;
        if (forReaders) {
            try {
                add(descriptor, seals | SEAL_FUTURE_WRITE);
                return;
            } catch (LibC.ErrnoException e) {
                if (e.errno() != LibC.EINVAL) {
                    throw e;
                }
            }
        }
        add(descriptor, seals);
    }

    private static void add(int descriptor, int seals) throws IOException {
        LibC.call("shared memory cannot be sealed", () -> LibC.fcntl(descriptor, ADD_SEALS, seals));
    }

    /** Whether a file can never become shorter, whoever wants it. */
    public static boolean cannotShrink(int descriptor) throws IOException {
        return (seals(descriptor) & SEAL_SHRINK) != 0;
    }

    /** Whether nobody can write to a file any more but through mappings that exist already. */
    public static boolean cannotBeWritten(int descriptor) throws IOException {
        return (seals(descriptor) & (SEAL_WRITE | SEAL_FUTURE_WRITE)) != 0;
    }

    private static int seals(int descriptor) throws IOException {
        try {
            return LibC.call("a file cannot be asked for its seals", () -> LibC.fcntl(descriptor, GET_SEALS, 0));
        } catch (LibC.ErrnoException e) {
            if (e.errno() == LibC.EINVAL) {
                return 0; // of a kind that has none
            }
            throw e;
        }
    }
}
