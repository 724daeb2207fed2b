package io.github.cuframes.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * A real RTSP server, {@code scripts/rtsp-server}, in a process of its own on the loopback interface.
 *
 * <p>Where GStreamer's server is not installed, {@link Builder#start()} skips the test with the reason, or fails it if
 * the environment has {@code CUFRAMES_REQUIRE_RTSP=1}, as in continuous integration. For the thread that made it.
 */
public final class RtspServer implements AutoCloseable {

    private static final String REQUIRE = "CUFRAMES_REQUIRE_RTSP";
    private static final int NOT_INSTALLED = 3;
    private static final long START_SECONDS = 60;
    private static final long STOP_SECONDS = 10;

    private final List<String> options;
    private final String login;
    private final Path errors;
    private Process process;
    private int port;

    private RtspServer(Builder builder) throws IOException {
        options = List.copyOf(builder.options);
        login = builder.login;
        errors = Files.createTempFile("cuframes-rtsp-server", ".log");
    }

    /** Begins to describe a server. */
    public static Builder builder() {
        return new Builder();
    }

    /** What a server is to do. */
    public static final class Builder {
        private final List<String> options = new ArrayList<>();
        private String login = "";

        private Builder() {}

        private Builder option(String... words) {
            options.addAll(List.of(words));
            return this;
        }

        /** Serves a file at a path such as {@code /cam1}; with several, {@link RtspServer#signal} USR1 goes to the next. */
        public Builder mount(String path, Path... files) {
            return option(
                    "--mount", path + "=" + Stream.of(files).map(Path::toString).collect(Collectors.joining(",")));
        }

        /** Plays the files over and over, with timestamps that go on. */
        public Builder loop() {
            return option("--loop");
        }

        /** Ends each client's session after so many frames. */
        public Builder frames(int count) {
            return option("--frames", Integer.toString(count));
        }

        /** Offers one transport only: {@code tcp} or {@code udp}. */
        public Builder protocol(String transport) {
            return option("--protocols", transport);
        }

        /** Asks clients for a name and a password. */
        public Builder login(String user, String password) {
            login = user + ":" + password + "@";
            return option("--user", user, "--password", password);
        }

        /**
         * Starts the server on a free port and waits until it accepts connections.
         *
         * @throws IOException if it does not come up; says what it wrote
         */
        public RtspServer start() throws IOException {
            RtspServer server = new RtspServer(this);
            try {
                server.launch();
            } catch (IOException | RuntimeException | Error e) {
                server.close();
                throw e;
            }
            return server;
        }
    }

    private void launch() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Checkout.root().resolve("scripts/rtsp-server").toString());
        command.addAll(List.of("--port", Integer.toString(port)));
        command.addAll(options);
        try {
            process = new ProcessBuilder(command).redirectError(errors.toFile()).start();
        } catch (IOException e) {
            skip("scripts/rtsp-server cannot be run: " + e.getMessage());
        }
        String ready = firstLine();
        if (ready == null) {
            String said = Files.readString(errors).strip();
            if (exitStatus() == NOT_INSTALLED) {
                skip(said);
            }
            throw new IOException("the RTSP server did not start: " + said);
        }
        port = URI.create(ready).getPort();
    }

    /** What the process prints when it is ready; null if it ends before. */
    private String firstLine() throws IOException {
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        try {
            return CompletableFuture.supplyAsync(() -> {
                        try {
                            return output.readLine();
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .get(START_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            kill();
            throw new IOException("the RTSP server did not start within " + START_SECONDS + " s", e);
        } catch (ExecutionException e) {
            throw new IOException("the RTSP server's output cannot be read", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the RTSP server started", e);
        }
    }

    private static void skip(String reason) {
        if ("1".equals(System.getenv(REQUIRE))) {
            throw new AssertionError(REQUIRE + "=1, but " + reason);
        }
        Assumptions.abort(reason);
    }

    /** The address of a mount point, without login. */
    public String url(String path) {
        return "rtsp://127.0.0.1:" + port + path;
    }

    /** The address of a mount point, with the login if the server asks for one. */
    public String urlWithLogin(String path) {
        return "rtsp://" + login + "127.0.0.1:" + port + path;
    }

    /** The port, the same after {@link #restart()}. */
    public int port() {
        return port;
    }

    /**
     * Changes what all clients get: {@code USR1} goes to the next file of their mount, {@code USR2} between the clip's frame
     * rate and half of it.
     */
    public void signal(String signal) throws IOException {
        try {
            Process kill = new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .inheritIO()
                    .start();
            if (kill.waitFor() != 0) {
                throw new IOException("kill -" + signal + " of the RTSP server failed");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    /** Ends the server without warning (SIGKILL), as a power failure would; does nothing if it has ended. */
    public void kill() {
        process.destroyForcibly();
        exitStatus();
    }

    /**
     * Starts the server again on the same port, after {@link #kill()} or in its place.
     *
     * @throws IOException if it does not come up; says what it wrote
     */
    public void restart() throws IOException {
        kill();
        launch();
    }

    /**
     * Asks the server to end (SIGTERM) and waits.
     *
     * @return its exit status
     */
    public int stop() {
        process.destroy();
        return exitStatus();
    }

    private int exitStatus() {
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new IllegalStateException("the RTSP server did not end within " + STOP_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        return process.isAlive() ? -1 : process.exitValue();
    }

    @Override
    public void close() throws IOException {
        try {
            if (process != null) {
                stop();
            }
        } finally {
            Files.deleteIfExists(errors);
        }
    }
}
