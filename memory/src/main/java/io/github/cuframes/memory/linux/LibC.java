package io.github.cuframes.memory.linux;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.io.IOException;

/** The functions of the C library that are called, found in this process. Initializing this class binds them. */
final class LibC {

    static final int EINTR = 4;
    static final int EINVAL = 22;
    static final int ERANGE = 34;

    static {
        Native.register(LibC.class, NativeLibrary.getProcess());
    }

    private LibC() {}

    /** A call of the functions below; what they throw becomes an {@link IOException} with a sentence. */
    @FunctionalInterface
    interface Call<T> {
        T run();
    }

    /**
     * Makes a call.
     *
     * @param what is attempted, as the beginning of a sentence: "a socket cannot be asked who is there"
     * @throws ErrnoException if the kernel refuses
     * @throws IOException if the C library cannot be called; says why and what to do
     */
    static <T> T call(String what, Call<T> call) throws IOException {
        try {
            return call.run();
        } catch (LastErrorException e) {
            throw new ErrnoException(what, e.getErrorCode(), strerror(e.getErrorCode()));
        } catch (LinkageError e) {
            String reason = e.getMessage() == null
                    ? e.toString()
                    : e.getMessage().lines().findFirst().orElse("");
            throw new IOException(
                    what + ": the C library cannot be called (" + reason
                            + "); glibc 2.27 or later is needed, and a directory where JNA can unpack itself: "
                            + "-Djna.tmpdir=DIR, see native-jna in what doctor says",
                    e);
        }
    }

    /** The kernel's refusal. */
    static final class ErrnoException extends IOException {
        private static final long serialVersionUID = 1;

        private final int errno;

        ErrnoException(String what, int errno, String text) {
            super(what + ": " + text + " (errno " + errno + ")");
            this.errno = errno;
        }

        int errno() {
            return errno;
        }
    }

    // CHECKSTYLE:OFF named as in C
    static native int memfd_create(String name, int flags) throws LastErrorException;

    static native int fallocate(int descriptor, int mode, long offset, long length) throws LastErrorException;

    static native int fcntl(int descriptor, int command, int argument) throws LastErrorException;

    static native int close(int descriptor) throws LastErrorException;

    static native int getsockopt(int descriptor, int level, int option, int[] value, int[] length)
            throws LastErrorException;

    static native Pointer getpwnam(String name);

    static native Pointer getgrnam(String name);

    static native String strerror(int errno);
    // CHECKSTYLE:ON
}
