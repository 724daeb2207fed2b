package io.github.cuframes.memory.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.memory.TestProcess;
import io.github.cuframes.memory.transport.ControlServer.Access;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("try") // closing early is what is tested
class ControlServerTest {

    private static final Duration TIMEOUT = Duration.ofSeconds(5);

    @TempDir
    Path directory;

    private Path socket;

    @BeforeEach
    void name() {
        socket = directory.resolve("cam.sock");
    }

    @Test
    void hasTheModeAskedForAndNothingElseIsLeft() throws IOException {
        Access access = new Access(PosixFilePermissions.fromString("rw-rw----"), null);
        try (ControlServer server = ControlServer.bind(socket, access)) {
            assertEquals("rw-rw----", PosixFilePermissions.toString(Files.getPosixFilePermissions(server.path())));
            assertEquals(List.of("cam.lock", "cam.sock"), names());
            assertNull(server.accept());
        }
        assertEquals(List.of("cam.lock"), names());
    }

    @Test
    void aFullRunDirectoryIsNamedWithTheRemedy() throws Exception {
        Process mount = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "nr_inodes=1", "full", directory.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(mount.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(mount.waitFor() == 0, () -> "no file system can be mounted here: " + said);
        try {
            IOException e = assertThrows(IOException.class, () -> ControlServer.bind(socket, Access.DEFAULT));
            assertTrue(e.getMessage().startsWith("there can be no socket " + socket), e.getMessage());
            assertTrue(e.getMessage().contains("No space left on device"), e.getMessage());
            assertTrue(e.getMessage().endsWith("choose another run directory"), e.getMessage());
        } finally {
            assertEquals(
                    0,
                    new ProcessBuilder("umount", directory.toString()).start().waitFor());
        }
    }

    @Test
    void refusesAnUnknownGroup() {
        Access access = new Access(PosixFilePermissions.fromString("rw-rw----"), "no-such-group");
        IOException e = assertThrows(IOException.class, () -> ControlServer.bind(socket, access));
        assertTrue(e.getMessage().contains("\"no-such-group\""), e.getMessage());
    }

    @Test
    void aKeyInUseIsRefusedAndCanBeHadAfterwards() throws IOException {
        try (ControlServer server = ControlServer.bind(socket, Access.DEFAULT)) {
            KeyInUseException e =
                    assertThrows(KeyInUseException.class, () -> ControlServer.bind(socket, Access.DEFAULT));
            assertTrue(e.getMessage().contains("in use by a live producer"), e.getMessage());
            try (ControlConnection client = ControlConnection.connect(server.path(), TIMEOUT)) {
                assertNotNull(server.accept());
                assertFalse(client.isClosed());
            }
        }
        ControlServer.bind(socket, Access.DEFAULT).close();
    }

    @Test
    void anotherProcessHoldsItsKeyUntilItIsKilled() throws Exception {
        try (TestProcess producer = new TestProcess(PeerMain.class, "hold", socket.toString())) {
            assertEquals("bound", producer.line());
            assertThrows(KeyInUseException.class, () -> ControlServer.bind(socket, Access.DEFAULT));
            producer.kill();
        }
        assertTrue(Files.exists(socket));
        try (ControlServer server = ControlServer.bind(socket, Access.DEFAULT);
                ControlConnection client = ControlConnection.connect(socket, TIMEOUT)) {
            assertNotNull(server.accept());
            assertFalse(client.isClosed());
        }
    }

    @Test
    void ofTwoProcessesThatRaceForAStaleSocketOneWins() throws Exception {
        try (TestProcess dead = new TestProcess(PeerMain.class, "hold", socket.toString())) {
            assertEquals("bound", dead.line());
            dead.kill();
        }
        try (TestProcess a = new TestProcess(PeerMain.class, "race", socket.toString());
                TestProcess b = new TestProcess(PeerMain.class, "race", socket.toString())) {
            assertEquals("ready", a.line());
            assertEquals("ready", b.line());
            a.go();
            b.go();
            assertEquals(
                    List.of("bound", "in use"),
                    Stream.of(a.line(), b.line()).sorted().toList());
        }
    }

    @Test
    void aForeignServerThatAnswersIsLeftAlone() throws IOException {
        try (ServerSocketChannel foreign = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            foreign.bind(UnixDomainSocketAddress.of(socket));
            assertThrows(KeyInUseException.class, () -> ControlServer.bind(socket, Access.DEFAULT));
            assertTrue(Files.exists(socket));
        }
        ControlServer.bind(socket, Access.DEFAULT).close();
    }

    @Test
    void aFileThatIsNoSocketIsLeftAlone() throws IOException {
        Files.writeString(socket, "mine");
        IOException e = assertThrows(IOException.class, () -> ControlServer.bind(socket, Access.DEFAULT));
        assertTrue(e.getMessage().contains("no socket"), e.getMessage());
        assertEquals("mine", Files.readString(socket));
    }

    @Test
    void closeLeavesAnotherServersSocket() throws IOException {
        ControlServer server = ControlServer.bind(socket, Access.DEFAULT);
        Files.delete(socket);
        Files.writeString(socket, "another");
        server.close();
        server.close();
        assertTrue(Files.exists(socket));
    }

    @Test
    void removesWhatADeadProducerLeftWhileBinding() throws IOException {
        Path old = Files.createDirectory(directory.resolve(".bind-1"));
        Files.createFile(old.resolve("s"));
        Files.setLastModifiedTime(old, FileTime.from(Instant.now().minusSeconds(120)));
        Path young = Files.createDirectory(directory.resolve(".bind-2"));
        ControlServer.bind(socket, Access.DEFAULT).close();
        assertFalse(Files.exists(old));
        assertTrue(Files.exists(young));
    }

    @Test
    void selectorReportsConnectionsMessagesAndWakeups() throws IOException {
        try (Selector selector = ControlServer.openSelector();
                ControlServer server = ControlServer.bind(socket, Access.DEFAULT)) {
            server.register(selector, "server");
            try (ControlConnection client = ControlConnection.connect(socket, TIMEOUT)) {
                assertEquals("server", selectOne(selector).attachment());
                ControlConnection accepted = server.accept();
                PeerCredentials peer = accepted.peer();
                assertEquals(ProcessHandle.current().pid(), peer.pid());
                assertEquals(RunDirectory.userId(), peer.uid());
                accepted.register(selector, SelectionKey.OP_READ, accepted);
                selector.wakeup();
                assertEquals(0, selector.select(5_000));
                client.send(ControlConnectionTest.message(7, "hello"), TIMEOUT.toNanos());
                assertEquals(accepted, selectOne(selector).attachment());
                assertEquals(ReceiveStatus.MESSAGE, accepted.receive(0));
                assertEquals(ReceiveStatus.NOTHING, accepted.receive(0));
                client.send(ControlConnectionTest.message(8, "bye"), TIMEOUT.toNanos());
                client.close();
                assertEquals(accepted, selectOne(selector).attachment());
                assertEquals(ReceiveStatus.MESSAGE, accepted.receive(0));
                assertEquals(8, accepted.type());
                assertEquals(ReceiveStatus.END, accepted.receive(0));
                accepted.close();
            }
        }
    }

    private static SelectionKey selectOne(Selector selector) throws IOException {
        assertEquals(1, selector.select(5_000));
        SelectionKey key = selector.selectedKeys().iterator().next();
        selector.selectedKeys().clear();
        return key;
    }

    private List<String> names() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
