package io.github.cuframes.subscriber.cli.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What this process is to others: its pid, and how many files it may open. */
final class ProcessCheck implements Check {

    /** How the kernel names the pid namespace that the machine starts with. */
    private static final String INITIAL = "pid:[4026531836]";

    private static final String OPEN_FILES = "Max open files";
    private static final int CAMERAS = 16;

    /** A producer's default limit. */
    private static final int SUBSCRIBERS = 32;

    /** Descriptors of JVM, driver and logs. */
    private static final int BASE = 128;

    /** Of a camera: its socket, lock, selector, input, ring and slabs. */
    private static final int EACH_CAMERA = 16;

    /** Of a subscriber in its producer: its socket and page. */
    private static final int EACH_SUBSCRIBER = 2;

    private static final long NEEDED = BASE + CAMERAS * (EACH_CAMERA + (long) SUBSCRIBERS * EACH_SUBSCRIBER);

    private final Machine machine;

    ProcessCheck(Machine machine) {
        this.machine = machine;
    }

    @Override
    public void run(Report report) throws IOException {
        report.add(namespace(report));
        report.add(openFiles(report));
    }

    private Finding namespace(Report report) throws IOException {
        List<String> pids = machine.lines("/proc/self/status").stream()
                .filter(line -> line.startsWith("NSpid:"))
                .map(line -> line.substring("NSpid:".length()).strip())
                .toList();
        // with the initial namespace's /proc there is one number for each namespace, the innermost last
        String[] numbers = pids.isEmpty() ? new String[] {"?"} : pids.get(0).split("\\s+");
        String pid = numbers[numbers.length - 1];
        Path link = machine.path("/proc/self/ns/pid");
        boolean initial = numbers.length == 1
                && Files.isSymbolicLink(link)
                && Files.readSymbolicLink(link).toString().equals(INITIAL);
        report.fact("pid", pid);
        report.fact("initialPidNamespace", initial);
        if (initial && !pid.equals("1")) {
            return Finding.ok("pid-namespace", "processes here have the machine's own pids (this one " + pid + ")");
        }
        return Finding.note(
                "pid-namespace",
                "processes here have pids of a namespace of their own (this one " + pid + "); legacy handles"
                        + " (--memory cuda-ipc) cannot be opened between two processes with equal pids, as in two"
                        + " containers where both are 1",
                "use --memory cuda, which has no such rule, or one pid namespace for both (docker: --pid=host)");
    }

    private Finding openFiles(Report report) throws IOException {
        String limit = machine.lines("/proc/self/limits").stream()
                .filter(line -> line.startsWith(OPEN_FILES))
                .map(line -> line.substring(OPEN_FILES.length()).strip().split("\\s+")[0])
                .findFirst()
                .orElse("unlimited");
        boolean unlimited = limit.equals("unlimited");
        report.fact("openFiles", unlimited ? null : Long.valueOf(limit));
        String text = "this process may open " + (unlimited ? "any number of" : limit) + " files; a producer of "
                + CAMERAS + " cameras with " + SUBSCRIBERS + " subscribers each opens some " + NEEDED;
        return unlimited || Long.parseLong(limit) >= NEEDED
                ? Finding.ok("open-files", text)
                : Finding.warning(
                        "open-files",
                        text,
                        "raise it: ulimit -n 4096, systemd LimitNOFILE=4096, docker --ulimit nofile=4096");
    }
}
