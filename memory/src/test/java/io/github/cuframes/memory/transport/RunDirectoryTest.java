package io.github.cuframes.memory.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.memory.transport.RunDirectory.Role;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try")
class RunDirectoryTest {

    @TempDir
    Path root;

    private Path resolve(Path option, Map<String, String> environment, Role role) throws IOException {
        return RunDirectory.resolve(option, environment, role, root.resolve("absent/system"), root)
                .path();
    }

    @Test
    void takesTheFirstThatIsUsable() throws IOException {
        Path option = root.resolve("option");
        Path variable = root.resolve("variable");
        Path runtime = Files.createDirectory(root.resolve("runtime"));
        Map<String, String> all =
                Map.of(RunDirectory.VARIABLE, variable.toString(), "XDG_RUNTIME_DIR", runtime.toString());
        assertEquals(option, resolve(option, all, Role.PRODUCER));
        assertEquals(variable, resolve(null, all, Role.PRODUCER));
        Map<String, String> desktop = Map.of("XDG_RUNTIME_DIR", runtime.toString());
        assertEquals(runtime.resolve("cuframes"), resolve(null, desktop, Role.PRODUCER));
        Path last = root.resolve("cuframes-" + RunDirectory.userId());
        assertEquals(last, resolve(null, Map.of(), Role.PRODUCER));
        assertEquals("rwxr-x---", PosixFilePermissions.toString(Files.getPosixFilePermissions(last)));
        Path system = Files.createDirectory(root.resolve("system"));
        assertEquals(
                system,
                RunDirectory.resolve(null, desktop, Role.SUBSCRIBER, system, root)
                        .path());
    }

    @Test
    void anExplicitOneIsUsedOrRefused() throws IOException {
        Path missing = root.resolve("no/such");
        for (Role role : Role.values()) {
            IOException e = assertThrows(IOException.class, () -> resolve(missing, Map.of(), role));
            assertTrue(e.getMessage().contains(missing + " (--run-dir)"), e.getMessage());
        }
        Path file = Files.createFile(root.resolve("file"));
        Map<String, String> environment = Map.of(RunDirectory.VARIABLE, file.toString());
        IOException e = assertThrows(IOException.class, () -> resolve(null, environment, Role.PRODUCER));
        assertTrue(e.getMessage().contains("($CUFRAMES_RUN_DIR) is no directory"), e.getMessage());
    }

    @Test
    void aSurveyShowsEachPlaceAndMakesNone() throws IOException {
        Path system = root.resolve("absent/system");
        Path last = root.resolve("cuframes-" + RunDirectory.userId());
        List<RunDirectory.Candidate> survey = RunDirectory.survey(null, Map.of(), system, root);
        assertEquals(
                List.of(system, last),
                survey.stream().map(RunDirectory.Candidate::path).toList());
        assertEquals(
                Optional.of("cannot be created, for there is no directory " + root.resolve("absent")),
                survey.get(0).forProducers());
        assertEquals(Optional.empty(), survey.get(1).forProducers());
        assertEquals(Optional.of("does not exist"), survey.get(1).forSubscribers());
        assertFalse(Files.exists(last));
        Files.createDirectory(last, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-x---")));
        assertEquals(
                Optional.empty(),
                RunDirectory.survey(null, Map.of(), system, root).get(1).forSubscribers());
        Path option = root.resolve("option");
        assertEquals(
                List.of(option),
                RunDirectory.survey(option, Map.of(), system, root).stream()
                        .map(RunDirectory.Candidate::path)
                        .toList());
        assertEquals(
                List.of(option),
                RunDirectory.survey(null, Map.of(RunDirectory.VARIABLE, option.toString()), system, root).stream()
                        .map(RunDirectory.Candidate::path)
                        .toList());
    }

    @Test
    void refusesADirectoryThatAnybodyMayWrite() throws IOException {
        Path open = Files.createDirectory(root.resolve("open"));
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        IOException e = assertThrows(IOException.class, () -> resolve(open, Map.of(), Role.SUBSCRIBER));
        assertTrue(e.getMessage().contains("written by anybody"), e.getMessage());
    }

    @Test
    void aStickyDirectoryIsOpenToPosersAllTheSame() throws IOException {
        Path open = Files.createDirectory(root.resolve("open"));
        Files.setAttribute(open, "unix:mode", 01777);
        IOException e = assertThrows(IOException.class, () -> resolve(open, Map.of(), Role.PRODUCER));
        assertTrue(e.getMessage().contains("written by anybody"), e.getMessage());
    }

    @Test
    void aProducerTrustsNoOtherUsersDirectory() throws IOException {
        assumeTrue(RunDirectory.userId() == 0, "only root can give a directory away");
        Path theirs = Files.createDirectory(root.resolve("theirs"));
        Files.setAttribute(theirs, "unix:uid", 65534);
        IOException e = assertThrows(IOException.class, () -> resolve(theirs, Map.of(), Role.PRODUCER));
        assertTrue(e.getMessage().contains("belongs to user 65534"), e.getMessage());
        assertTrue(e.getMessage().contains("--run-dir"), e.getMessage());
        assertEquals(theirs, resolve(theirs, Map.of(), Role.SUBSCRIBER), "it may be the producer's");
        // the one in /tmp is this user's own or nobody's
        Files.move(theirs, root.resolve("cuframes-0"));
        e = assertThrows(IOException.class, () -> resolve(null, Map.of(), Role.SUBSCRIBER));
        assertTrue(e.getMessage().contains("cuframes-0 belongs to user 65534"), e.getMessage());
    }

    @Test
    void theOneInTheOpenIsNoLink() throws IOException {
        Path elsewhere = Files.createDirectory(root.resolve("elsewhere"));
        Path link = Files.createSymbolicLink(root.resolve("cuframes-" + RunDirectory.userId()), elsewhere);
        IOException e = assertThrows(IOException.class, () -> resolve(null, Map.of(), Role.PRODUCER));
        assertTrue(e.getMessage().contains(link + " is a symbolic link"), e.getMessage());
    }

    @Test
    void saysWhatItTried() {
        IOException e = assertThrows(IOException.class, () -> resolve(null, Map.of(), Role.SUBSCRIBER));
        assertTrue(e.getMessage().contains("absent/system is no directory"), e.getMessage());
        assertTrue(e.getMessage().contains("cuframes-"), e.getMessage());
        assertTrue(e.getMessage().contains("--run-dir"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "a b", "ä", "a\n"})
    void refusesBadKeys(String key) throws IOException {
        RunDirectory directory = RunDirectory.resolve(root, Map.of(), Role.PRODUCER);
        assertThrows(IllegalArgumentException.class, () -> directory.socketOf(key));
    }

    @Test
    void refusesPathsThatASocketCannotHave() throws IOException {
        Path deep = Files.createDirectories(root.resolve("d".repeat(80)));
        RunDirectory directory = RunDirectory.resolve(deep, Map.of(), Role.PRODUCER);
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> directory.socketOf("k".repeat(64)));
        assertTrue(e.getMessage().contains("107 bytes"), e.getMessage());
    }

    @Test
    void listsSockets() throws IOException {
        RunDirectory directory = RunDirectory.resolve(root, Map.of(), Role.PRODUCER);
        Files.createFile(root.resolve("file.sock"));
        try (ControlServer b = ControlServer.bind(directory.socketOf("b"), ControlServer.Access.DEFAULT);
                ControlServer a = ControlServer.bind(directory.socketOf("a.1"), ControlServer.Access.DEFAULT)) {
            assertEquals(List.of("a.1", "b"), directory.list());
            assertEquals(root.toRealPath().resolve("b.sock"), b.path());
            assertEquals(root.toRealPath().resolve("a.1.sock"), a.path());
        }
        assertEquals(List.of(), directory.list());
    }
}
