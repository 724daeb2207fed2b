package io.github.cuframes.standin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;

/**
 * Test code: builds the stand-in CUDA driver, a library with the name {@code libcuda.so.1} whose device memory lies in
 * memfds and whose streams are threads.
 *
 * <p>A process that loads it by its path has it under its name as well, so FFmpeg finds it; a child process finds it
 * when {@code LD_LIBRARY_PATH} is its {@linkplain Path#getParent() directory}. The constants name environment variables
 * that the library reads when it is loaded; {@link StandInControl} changes the same settings later. Thread-safe.
 */
public final class StandInDriver {

    /** Number of devices, 0 to 16; 1 by default. {@code CUDA_VISIBLE_DEVICES} chooses among them. */
    public static final String GPUS = "CUFRAMES_STANDIN_GPUS";

    /** Bytes of each device that one process may allocate; 4 GiB by default. */
    public static final String MEMORY = "CUFRAMES_STANDIN_MEMORY";

    /** Microseconds that each operation of a stream waits before it runs; 0 by default. */
    public static final String DELAY_US = "CUFRAMES_STANDIN_DELAY_US";

    /** Injected failures, {@code function:nth:code[,...]}; nth counts from 1, 0 is every call. */
    public static final String FAIL = "CUFRAMES_STANDIN_FAIL";

    /** 1: devices cannot reach each other's memory. */
    public static final String NO_PEER = "CUFRAMES_STANDIN_NO_PEER";

    /** 1: memory cannot be exported as a descriptor. */
    public static final String NO_VMM_FD = "CUFRAMES_STANDIN_NO_VMM_FD";

    /** What {@code cuDriverGetVersion} says; 13000 by default. */
    public static final String VERSION = "CUFRAMES_STANDIN_VERSION";

    private static final String REQUIRE = "CUFRAMES_REQUIRE_STANDIN";
    private static final String NAME = "libcuda.so.1";
    private static final String HEADER = "standin.h";
    private static final List<String> SOURCES = List.of(
            "control.c",
            "device.c",
            "context.c",
            "memory.c",
            "pointer.c",
            "vmm.c",
            "ipc.c",
            "stream.c",
            "event.c",
            "copy.c",
            "unsupported.c");
    private static final List<String> COMPILER = List.of(
            "cc",
            "-std=gnu11",
            "-O2",
            "-g",
            "-fPIC",
            "-shared",
            "-pthread",
            "-fvisibility=hidden",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wl,-soname," + NAME,
            // its threads outlive a dlclose
            "-Wl,-z,nodelete,-z,defs,-Bsymbolic");

    private static Path built;
    private static Optional<String> obstacle;

    private StandInDriver() {}

    /**
     * Why the library cannot be built here, for a test to skip itself with; empty if it can.
     *
     * @throws IllegalStateException if it cannot be built and the environment has {@code CUFRAMES_REQUIRE_STANDIN=1}
     */
    public static synchronized Optional<String> unavailable() {
        if (obstacle == null) obstacle = lookForObstacle();
        if (obstacle.isPresent() && "1".equals(System.getenv(REQUIRE)))
            throw new IllegalStateException(REQUIRE + "=1, but " + obstacle.get());
        return obstacle;
    }

    private static Optional<String> lookForObstacle() {
        String remedy = "the stand-in CUDA driver cannot be built; install gcc and libc6-dev: ";
        try {
            Path probe = Files.createTempFile("cuframes-standin-probe", ".c");
            try {
                Files.writeString(probe, "#include <pthread.h>\nint main(void) { return 0; }\n");
                String complaint = run(List.of("cc", "-fsyntax-only", probe.toString()));
                return complaint.isEmpty() ? Optional.empty() : Optional.of(remedy + complaint);
            } finally {
                Files.delete(probe);
            }
        } catch (IOException e) {
            return Optional.of(remedy + e.getMessage());
        }
    }

    /**
     * The library, compiled unless an earlier build left the same one below {@code target/standin} of the working
     * directory. Any number of processes may build at once.
     *
     * @return its absolute path, which ends with {@code libcuda.so.1}
     * @throws IllegalStateException if the compiler refuses the source, with what it says
     * @throws UncheckedIOException if the compiler cannot be started or the file not be written
     */
    public static synchronized Path build() {
        if (built == null) {
            try {
                built = buildOnce();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return built;
    }

    private static Path buildOnce() throws IOException {
        Path base = Path.of("target", "standin").toAbsolutePath();
        Path library = base.resolve(digest()).resolve(NAME);
        if (Files.exists(library)) return library;
        Files.createDirectories(library.getParent());
        Path work = Files.createTempDirectory(base, "build");
        List<String> command = new ArrayList<>(COMPILER);
        Files.writeString(work.resolve(HEADER), source(HEADER));
        for (String name : SOURCES) {
            Files.writeString(work.resolve(name), source(name));
            command.add(work.resolve(name).toString());
        }
        command.addAll(List.of("-o", work.resolve(NAME).toString(), "-ldl"));
        String complaint = run(command);
        if (!complaint.isEmpty()) throw new IllegalStateException("cc refuses the stand-in CUDA driver: " + complaint);
        // a rename, so that another process sees a whole library or none
        Files.move(work.resolve(NAME), library, StandardCopyOption.ATOMIC_MOVE);
        return library;
    }

    private static String digest() throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((COMPILER + System.getProperty("os.arch")).getBytes(StandardCharsets.UTF_8));
            digest.update(source(HEADER).getBytes(StandardCharsets.UTF_8));
            for (String name : SOURCES) digest.update(source(name).getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private static String source(String name) throws IOException {
        try (InputStream in = StandInDriver.class.getResourceAsStream(name)) {
            if (in == null) throw new IOException("resource " + name + " is missing");
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    /** What the command says if it fails, else nothing. */
    private static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            int status = process.waitFor();
            return status == 0 ? "" : output + " (status " + status + ")";
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while cc ran", e);
        }
    }
}
