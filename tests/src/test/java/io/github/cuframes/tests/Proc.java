package io.github.cuframes.tests;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What the kernel says of a process. */
public final class Proc {

    private Proc() {}

    /** The letter of its state: R, S, T (stopped), Z, … */
    public static char stateOf(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
            // the name in parentheses may contain anything, parentheses too
            return stat.charAt(stat.lastIndexOf(')') + 2);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its arguments as others see them; empty if it has ended. */
    public static String commandLineOf(long pid) throws IOException {
        try {
            return Files.readString(Path.of("/proc/" + pid + "/cmdline"), StandardCharsets.ISO_8859_1)
                    .replace('\0', ' ');
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    /** Threads that it has. */
    public static int threadsOf(long pid) throws IOException {
        return count(Path.of("/proc/" + pid + "/task"));
    }

    /** Descriptors that it has open; the JVM's own come and go. */
    public static int descriptorsOf(long pid) throws IOException {
        return count(Path.of("/proc/" + pid + "/fd"));
    }

    /** Memory that it has mapped, in the number of mappings. */
    public static long mappingsOf(long pid) throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid + "/maps"), StandardCharsets.ISO_8859_1)) {
            return lines.count();
        }
    }

    private static int count(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return (int) entries.count();
        }
    }
}
