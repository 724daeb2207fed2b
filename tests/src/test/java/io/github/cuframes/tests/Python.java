package io.github.cuframes.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The Python interpreter of the tests: {@code CUFRAMES_PYTHON}, {@code /usr/bin/python3} or {@code python3}, the first
 * that is 3.10 or later. With {@code CUFRAMES_REQUIRE_PYTHON=1} in the environment its absence fails tests.
 */
public final class Python {

    private static final String REQUIRE = "CUFRAMES_REQUIRE_PYTHON";
    private static final int PATIENCE_SECONDS = 60;

    private static Optional<String> interpreter;

    private Python() {}

    /**
     * Why there are no tests in Python here; empty if there are.
     *
     * @throws IllegalStateException if they are required
     */
    public static Optional<String> unavailable() {
        if (interpreter().isPresent()) {
            return Optional.empty();
        }
        String reason =
                "no python3 of version 3.10 or later; install the package python3, or name one by CUFRAMES_PYTHON";
        if ("1".equals(System.getenv(REQUIRE))) {
            throw new IllegalStateException(REQUIRE + "=1, but there is " + reason);
        }
        return Optional.of(reason);
    }

    private static synchronized Optional<String> interpreter() {
        if (interpreter == null) {
            List<String> candidates = new ArrayList<>();
            Optional.ofNullable(System.getenv("CUFRAMES_PYTHON")).ifPresent(candidates::add);
            candidates.addAll(List.of("/usr/bin/python3", "python3"));
            interpreter = candidates.stream().filter(Python::isRecent).findFirst();
        }
        return interpreter;
    }

    private static boolean isRecent(String command) {
        return isTrue(command, "import sys; print(sys.version_info >= (3, 10))");
    }

    private static boolean isTrue(String command, String script) {
        try {
            Process process = new ProcessBuilder(command, "-c", script)
                    .redirectErrorStream(true)
                    .start();
            process.getOutputStream().close();
            String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)
                    && answer.strip().equals("True");
        } catch (IOException e) {
            return false; // it is not there
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /** Whether the interpreter has a module. */
    public static boolean has(String module) {
        return interpreter().isPresent()
                && isTrue(
                        interpreter().get(),
                        "import importlib.util as u; print(u.find_spec('" + module + "') is not None)");
    }

    /** The directory {@code bindings/python} of the source tree, or the one that {@code cuframes.python} names. */
    public static Path binding() {
        String bundled = System.getProperty("cuframes.python");
        return bundled != null ? Path.of(bundled) : Checkout.root().resolve("bindings/python");
    }

    /** The command that runs a program of the binding's tests. */
    public static List<String> command(String program, List<String> arguments) {
        List<String> command = new ArrayList<>(interpreterWithOptions());
        command.add(binding().resolve("tests").resolve(program).toString());
        command.addAll(arguments);
        return command;
    }

    /** The command that runs a sample: of {@code samples/python} in the source tree, or packed beside the binding. */
    public static List<String> sample(String program, List<String> arguments) {
        Path directory = System.getProperty("cuframes.python") != null
                ? binding().resolve("samples")
                : Checkout.root().resolve("samples/python");
        List<String> command = new ArrayList<>(interpreterWithOptions());
        command.add(directory.resolve(program).toString());
        command.addAll(arguments);
        return command;
    }

    /** The interpreter, told to leave no bytecode in the source tree. */
    public static List<String> interpreterWithOptions() {
        return List.of(interpreter().orElseThrow(), "-B");
    }
}
