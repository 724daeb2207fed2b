package io.github.cuframes.memory.cuda;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.util.List;
import java.util.Optional;

/** Whether native libraries can be loaded in this process, for diagnosis. Any thread may ask. */
public final class SharedLibraries {

    private SharedLibraries() {}

    /** Why JNA, which calls all the others, cannot be used; empty if it can. */
    public static Optional<String> binderProblem() {
        try {
            return Native.POINTER_SIZE == Long.BYTES
                    ? Optional.empty()
                    : Optional.of("this is no 64-bit JVM, which cuframes needs");
        } catch (LinkageError e) {
            return Optional.of(reason(e));
        }
    }

    /**
     * Why a library cannot be loaded; empty if it can, and then it stays loaded.
     *
     * @param name as {@code dlopen} takes it, such as {@code libcuda.so.1}
     */
    public static Optional<String> problem(String name) {
        try {
            NativeLibrary.getInstance(name);
            return Optional.empty();
        } catch (LinkageError e) {
            return Optional.of(reason(e));
        }
    }

    /** JNA's first line names the library, the second says what the loader said; then come all other places it tried. */
    private static String reason(LinkageError e) {
        String message = e.getMessage();
        if (message == null) {
            return e.getClass().getSimpleName();
        }
        List<String> lines = message.lines().toList();
        return lines.size() > 1 ? lines.get(1) : message;
    }
}
