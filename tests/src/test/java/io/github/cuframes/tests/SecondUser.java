package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.memory.transport.RunDirectory;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Starts JVMs as a user without rights, who owns nothing and can read only what everybody can. */
final class SecondUser implements AutoCloseable {

    static final int UID = 65_534;

    /** What a subscriber does not need and is large. */
    private static final List<String> LEFT_OUT = List.of("bytedeco", "ffmpeg", "javacpp", "archunit", "gluegen");

    private final Path home;
    private final String classPath;

    /** Skips the test, and says why, where a process cannot become another user. */
    SecondUser() throws IOException, InterruptedException {
        assumeTrue(RunDirectory.userId() == 0, "only root can start a process as another user");
        String refusal =
                refusalOf(setpriv("--clear-groups", "test", "-x", System.getProperty("java.home") + "/bin/java"));
        assumeTrue(refusal.isEmpty(), () -> "setpriv (util-linux) cannot start this JVM as another user: " + refusal);
        home = Files.createTempDirectory("cuframes-second-user");
        Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
        classPath = readableClassPath();
    }

    private static String refusalOf(List<String> command) throws InterruptedException {
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            boolean ended = process.waitFor(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS);
            return ended && process.exitValue() == 0 ? "" : "failed " + output;
        } catch (IOException e) {
            return e.getMessage();
        }
    }

    /** A copy of the class path, which lies in somebody's home as a rule. */
    private String readableClassPath() throws IOException {
        Map<Path, Path> copies = new LinkedHashMap<>();
        String own = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        for (String entry : own.split(":")) {
            Path path = Path.of(entry);
            if (Files.exists(path) && LEFT_OUT.stream().noneMatch(entry::contains)) {
                Path copy = home.resolve(copies.size() + "-" + path.getFileName());
                copyTree(path, copy);
                copies.put(path, copy);
            }
        }
        return copies.values().stream().map(Path::toString).collect(Collectors.joining(":"));
    }

    private static void copyTree(Path from, Path to) throws IOException {
        List<Path> files;
        try (Stream<Path> walk = Files.walk(from)) {
            files = walk.toList();
        }
        for (Path file : files) {
            Path target = to.resolve(from.relativize(file).toString());
            if (Files.isDirectory(file)) {
                Files.createDirectories(target);
                Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rwxr-xr-x"));
            } else {
                Files.copy(file, target);
                Files.setPosixFilePermissions(target, PosixFilePermissions.fromString("rw-r--r--"));
            }
        }
    }

    private static List<String> setpriv(String... more) {
        List<String> command = new ArrayList<>(List.of("setpriv", "--reuid=" + UID, "--regid=" + UID));
        command.addAll(List.of(more));
        return command;
    }

    /** How a JVM is started that has no group but its own. */
    Launch launch() {
        return launch(setpriv("--clear-groups"));
    }

    /** How a JVM is started that is in another group, too. */
    Launch launchInGroup(int gid) {
        return launch(setpriv("--groups=" + gid));
    }

    private Launch launch(List<String> command) {
        return Launch.PLAIN
                .by(command)
                .with(Map.of("HOME", home.toString()))
                .with("-cp", classPath, "-Djava.io.tmpdir=" + home, "-Djna.tmpdir=" + home);
    }

    @Override
    public void close() throws IOException {
        List<Path> left = new ArrayList<>();
        try (Stream<Path> walk = Files.walk(home)) {
            walk.sorted(Comparator.reverseOrder()).forEach(left::add);
        }
        for (Path path : left) {
            if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
                Files.delete(path);
            }
        }
    }
}
