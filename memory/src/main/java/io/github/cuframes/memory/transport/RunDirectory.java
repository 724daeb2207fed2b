package io.github.cuframes.memory.transport;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The directory where producers have their sockets, one for each key. Immutable.
 *
 * <p>Whoever may write to it may put a socket of their own there and pose as a producer. So it is refused when everybody may
 * write to it, sticky or not, and a producer refuses one that belongs to another user than root and its own. A subscriber
 * does not, for a producer may be another user; it has to trust the directory that it is told. The group is trusted where it
 * may write. The directories above are not looked at.
 */
public final class RunDirectory {

    /** The environment variable that names the directory where no option does. */
    public static final String VARIABLE = "CUFRAMES_RUN_DIR";

    /** The most bytes of a socket's path: {@code sun_path} less its final zero. */
    public static final int MAX_PATH = 107;

    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9._-]{1,64}");
    private static final String SUFFIX = ".sock";
    private static final int WRITABLE_BY_OTHERS = 0002;

    private final Path path;

    private RunDirectory(Path path) {
        this.path = path;
    }

    /** Who looks for the directory, and so what usable means. */
    public enum Role {
        /** It is to be created if missing, and sockets are to be made in it. */
        PRODUCER,
        /** It is to exist. */
        SUBSCRIBER
    }

    /**
     * Finds the directory: the option, {@code $CUFRAMES_RUN_DIR}, {@code /run/cuframes},
     * {@code $XDG_RUNTIME_DIR/cuframes}, {@code /tmp/cuframes-UID}, whichever is usable first. One that is named by
     * the option or the variable is used or refused, never passed over.
     *
     * @param option the value of {@code --run-dir}, or null
     * @param environment as of {@link System#getenv()}
     * @throws IOException if the directory named, or none of those tried, is usable; says why and what to do
     */
    public static RunDirectory resolve(Path option, Map<String, String> environment, Role role) throws IOException {
        return resolve(option, environment, role, Path.of("/run/cuframes"), Path.of("/tmp"));
    }

    static RunDirectory resolve(Path option, Map<String, String> environment, Role role, Path system, Path temporary)
            throws IOException {
        String named = environment.get(VARIABLE);
        if (option != null) {
            return explicit(option, "--run-dir", role);
        }
        if (named != null && !named.isBlank()) {
            return explicit(Path.of(named), "$" + VARIABLE, role);
        }
        Map<Path, String> refused = new TreeMap<>();
        for (Path candidate : candidates(environment, system, temporary)) {
            String problem = problemOf(candidate, role);
            if (problem == null) {
                return new RunDirectory(candidate);
            }
            refused.put(candidate, problem);
        }
        throw new IOException("no run directory is usable: "
                + String.join(
                        "; ",
                        refused.entrySet().stream()
                                .map(e -> e.getKey() + " " + e.getValue())
                                .toList())
                + "; name one with --run-dir or $" + VARIABLE);
    }

    private static List<Path> candidates(Map<String, String> environment, Path system, Path temporary)
            throws IOException {
        List<Path> candidates = new ArrayList<>();
        candidates.add(system);
        String runtime = environment.get("XDG_RUNTIME_DIR");
        if (runtime != null && !runtime.isBlank()) {
            candidates.add(Path.of(runtime, "cuframes"));
        }
        candidates.add(temporary.resolve("cuframes-" + userId()));
        return candidates;
    }

    private static RunDirectory explicit(Path path, String source, Role role) throws IOException {
        String problem = problemOf(path, role);
        if (problem != null) {
            throw new IOException("the run directory " + path + " (" + source + ") " + problem
                    + "; create it for this user, or name another with --run-dir");
        }
        return new RunDirectory(path);
    }

    /**
     * A place where the directory may be.
     *
     * @param path where
     * @param forProducers what keeps a producer from using it, as the end of a sentence; empty if nothing does
     * @param forSubscribers the same for a subscriber, for whom it has to exist
     */
    public record Candidate(Path path, Optional<String> forProducers, Optional<String> forSubscribers) {}

    /**
     * Looks at the places where {@link #resolve} looks, in its order, and makes none of them.
     *
     * @param option the value of {@code --run-dir}, or null
     * @param environment as of {@link System#getenv()}
     */
    public static List<Candidate> survey(Path option, Map<String, String> environment) throws IOException {
        return survey(option, environment, Path.of("/run/cuframes"), Path.of("/tmp"));
    }

    static List<Candidate> survey(Path option, Map<String, String> environment, Path system, Path temporary)
            throws IOException {
        String named = environment.get(VARIABLE);
        List<Path> places;
        if (option != null) {
            places = List.of(option);
        } else if (named != null && !named.isBlank()) {
            places = List.of(Path.of(named));
        } else {
            places = candidates(environment, system, temporary);
        }
        List<Candidate> survey = new ArrayList<>();
        for (Path place : places) {
            String forProducer =
                    Files.exists(place) ? problemOf(place, Role.PRODUCER) : problemOfParent(place.toAbsolutePath());
            String forSubscriber = Files.exists(place) ? problemOf(place, Role.SUBSCRIBER) : "does not exist";
            survey.add(new Candidate(place, Optional.ofNullable(forProducer), Optional.ofNullable(forSubscriber)));
        }
        return survey;
    }

    /** Why a directory could not be created, or null if it could. */
    private static String problemOfParent(Path path) throws IOException {
        Path parent = path.getParent();
        if (!Files.isDirectory(parent)) {
            return "cannot be created, for there is no directory " + parent;
        }
        return Files.isWritable(parent)
                ? null
                : "cannot be created, for user " + userId() + " cannot write to " + parent;
    }

    /** Why a directory cannot be used, or null if it can; makes it for a producer. */
    private static String problemOf(Path path, Role role) throws IOException {
        if (!Files.exists(path) && role == Role.PRODUCER) {
            try {
                Files.createDirectory(
                        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-x---")));
            } catch (FileAlreadyExistsException e) {
                return problemOf(path, role); // another producer was quicker
            } catch (IOException e) {
                return "cannot be created (" + e.getClass().getSimpleName() + " " + e.getMessage() + ")";
            }
        }
        if (!Files.isDirectory(path)) {
            return "is no directory";
        }
        String access = problemOfAccess(path, role);
        if (access != null) {
            return access;
        }
        if (!Files.isExecutable(path) || !Files.isReadable(path)) {
            return "cannot be read by user " + userId();
        }
        if (role == Role.PRODUCER && !Files.isWritable(path)) {
            return "cannot be written by user " + userId();
        }
        return null;
    }

    /** Why others could put sockets of their own there, or null if they cannot. */
    private static String problemOfAccess(Path path, Role role) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:mode,uid");
        if (((Integer) attributes.get("mode") & WRITABLE_BY_OTHERS) != 0) {
            return "can be written by anybody, who could then pose as a producer";
        }
        // of the name that is looked for in /tmp, where anybody can make it
        boolean inTheOpen = path.getFileName().toString().equals("cuframes-" + userId());
        if (inTheOpen && Files.isSymbolicLink(path)) {
            return "is a symbolic link, which anybody can make in " + path.getParent();
        }
        int owner = (Integer) attributes.get("uid");
        if (owner == 0 || owner == userId()) {
            return null;
        }
        return role == Role.PRODUCER || inTheOpen
                ? "belongs to user " + owner + ", who could put other sockets in place of its own"
                : null;
    }

    /** The numeric id of the user that runs this process. */
    public static int userId() throws IOException {
        return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /**
     * The socket of a key.
     *
     * @throws IllegalArgumentException if it is no valid key, or the path is longer than a socket's may be
     */
    public Path socketOf(String key) {
        requireKey(key);
        Path socket = path.resolve(key + SUFFIX);
        requireLength(socket);
        return socket;
    }

    /** Checks a key as users give it. */
    public static void requireKey(String key) {
        if (!KEY.matcher(key).matches() || key.equals(".") || key.equals("..")) {
            throw new IllegalArgumentException("\"" + key
                    + "\" is no valid key; use 1 to 64 letters, digits, dots, underscores and hyphens, not only dots");
        }
    }

    static void requireLength(Path socket) {
        int length = socket.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_PATH) {
            throw new IllegalArgumentException("the path of a socket may have " + MAX_PATH + " bytes, and " + socket
                    + " has " + length + "; choose a shorter --run-dir or key");
        }
    }

    /** The keys that have a socket, in order; whether somebody answers there shows when one connects. */
    public List<String> list() throws IOException {
        List<String> keys = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path, "*" + SUFFIX)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                String key = name.substring(0, name.length() - SUFFIX.length());
                if (KEY.matcher(key).matches() && !Files.isRegularFile(file)) {
                    keys.add(key);
                }
            }
        }
        keys.sort(null);
        return keys;
    }
}
