package io.github.cuframes.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** What the figures were measured on. */
final class Machine {

    private static final String MODEL = "model name";

    private Machine() {}

    static int processors() {
        return Runtime.getRuntime().availableProcessors();
    }

    /** CPU time of all threads of this process, the JVM's included. */
    static long cpuNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Sleeps until then, by {@link System#nanoTime()}; returns the time. */
    static long awaitTime(long due) {
        long now = System.nanoTime();
        while (now - due < 0) {
            LockSupport.parkNanos(due - now);
            now = System.nanoTime();
        }
        return now;
    }

    static void print(PrintWriter out) throws IOException {
        out.println("- processors: " + processors() + " of " + processorModel());
        out.println(
                "- load before: " + ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
        out.println("- kernel: " + System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch"));
        out.println("- JVM: " + System.getProperty("java.vm.name") + " " + Runtime.version() + ", flags "
                + ManagementFactory.getRuntimeMXBean().getInputArguments());
        out.println();
        out.flush();
    }

    private static String processorModel() throws IOException {
        try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
            return lines.filter(line -> line.startsWith(MODEL))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).trim())
                    .orElse("an unnamed model");
        }
    }
}
