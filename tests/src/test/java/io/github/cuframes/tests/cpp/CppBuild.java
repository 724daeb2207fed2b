package io.github.cuframes.tests.cpp;

import io.github.cuframes.tests.Checkout;
import java.io.IOException;
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
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

/** Compiles the tests' programs of {@code bindings/cpp}, once for each sanitizer and state of the sources. */
public final class CppBuild {

    /** Whether a compiler must be there. */
    static final String REQUIRE = "CUFRAMES_REQUIRE_CPP";

    /** What the programs watch themselves with. */
    enum Sanitizer {
        /** AddressSanitizer, its leak check and UndefinedBehaviorSanitizer. */
        ADDRESS("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        /** ThreadSanitizer. */
        THREAD("-fsanitize=thread");

        private final List<String> flags;

        Sanitizer(String... flags) {
            this.flags = List.of(flags);
        }
    }

    private static final List<String> COMPILER = List.of(
            "g++",
            "-std=c++17",
            "-O0",
            "-g1",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Wconversion",
            "-Wshadow",
            "-Werror",
            "-pthread");

    private CppBuild() {}

    static Path directory() {
        return Checkout.root().resolve("bindings/cpp");
    }

    /**
     * Why a tool cannot be used, for a test to skip itself with; empty if it can.
     *
     * @throws IllegalStateException if it cannot and the environment has {@code CUFRAMES_REQUIRE_CPP=1}
     */
    public static Optional<String> missing(String tool, String debianPackage) {
        String complaint;
        try {
            complaint = run(List.of(tool, "--version"));
        } catch (IOException e) {
            complaint = e.getMessage();
        }
        if (complaint.isEmpty()) {
            return Optional.empty();
        }
        String reason = tool + " cannot be used, install the package " + debianPackage + ": " + complaint;
        if ("1".equals(System.getenv(REQUIRE))) {
            throw new IllegalStateException(REQUIRE + "=1, but " + reason);
        }
        return Optional.of(reason);
    }

    /** The programs, built at the same time. Their order is that of the sanitizers. */
    public static List<Path> programs() {
        List<CompletableFuture<Path>> builds = Stream.of(Sanitizer.values())
                .map(sanitizer -> CompletableFuture.supplyAsync(() -> build(sanitizer)))
                .toList();
        return builds.stream().map(CompletableFuture::join).toList();
    }

    private static Path build(Sanitizer sanitizer) {
        try {
            Path base = Path.of("target", "cpp").toAbsolutePath();
            String name = sanitizer.name().toLowerCase(java.util.Locale.ROOT) + "-" + digest(sanitizer);
            Path program = base.resolve(name);
            if (Files.exists(program)) {
                return program;
            }
            Files.createDirectories(base);
            Path part = Files.createTempFile(base, name, ".part");
            List<String> command = new ArrayList<>(COMPILER);
            command.addAll(sanitizer.flags);
            command.addAll(List.of(
                    "-I" + directory().resolve("include"),
                    directory().resolve("tests/main.cpp").toString(),
                    "-o",
                    part.toString(),
                    "-ldl"));
            String complaint = run(command);
            if (!complaint.isEmpty()) {
                throw new IllegalStateException("the C++ tests cannot be compiled: " + complaint);
            }
            // a rename, so that another process sees a whole program or none
            Files.move(part, program, StandardCopyOption.ATOMIC_MOVE);
            return program;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String digest(Sanitizer sanitizer) throws IOException {
        try (Stream<Path> files = Files.walk(directory())) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((COMPILER + "" + sanitizer.flags).getBytes(StandardCharsets.UTF_8));
            for (Path file : files.filter(file -> file.toString().matches(".*\\.[ch]pp"))
                    .sorted()
                    .toList()) {
                digest.update(Files.readAllBytes(file));
            }
            return HexFormat.of().formatHex(digest.digest(), 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** What the command says if it fails, else nothing. */
    static String run(List<String> command) throws IOException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        try {
            int status = process.waitFor();
            return status == 0 ? "" : output + " (status " + status + ")";
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while " + command.get(0) + " ran", e);
        }
    }
}
