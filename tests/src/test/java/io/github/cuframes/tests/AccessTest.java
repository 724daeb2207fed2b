package io.github.cuframes.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.producer.cli.Main;
import io.github.cuframes.producer.publish.FrameInfo;
import io.github.cuframes.producer.publish.Publisher;
import io.github.cuframes.producer.publish.PublisherBuilder;
import io.github.cuframes.producer.publish.Slot;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.Colour;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.FrameLayout;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.frame.PixelFormat;
import io.github.cuframes.protocol.frame.Rational;
import io.github.cuframes.protocol.frame.StreamConfig;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who may subscribe, and what those who may can do with what they get: with processes of a second user. */
@Timeout(300)
class AccessTest {

    /** A group that need not have a name. */
    private static final int GROUP = 54_321;

    private static final List<String> NAMESPACES =
            List.of("unshare", "--pid", "--ipc", "--mount", "--net", "--fork", "--kill-child", "--mount-proc");

    private static PublisherBuilder builder(Stage stage, String key, String mode) {
        return Publisher.builder(key)
                .runDirectory(stage.runDirectory())
                .access(new ControlServer.Access(PosixFilePermissions.fromString(mode), null));
    }

    private static void publish(Publisher publisher, int value) throws IOException {
        publisher.configure(
                new StreamConfig(
                        FrameLayout.of(PixelFormat.GRAY8, 64, 48, 64),
                        new Rational(1, 1000),
                        new Rational(25, 1),
                        Colour.UNSPECIFIED),
                1);
        Slot slot = publisher.acquire();
        for (int i = 0; i < slot.layout().size(); i++) {
            slot.buffer().put(i, (byte) value);
        }
        slot.publish(new FrameInfo());
        slot.release();
    }

    @Test
    void modeGroupAndListDecideAndWhoIsLetInCanOnlyRead() throws Exception {
        try (SecondUser second = new SecondUser();
                Stage stage = new Stage();
                Publisher own = builder(stage, "own", "rw-rw----").open();
                Publisher shared = builder(stage, "shared", "rw-rw----").open();
                Publisher listed = builder(stage, "listed", "rw-rw-rw-")
                        .allowUser("root")
                        .allowGroup(Integer.toString(GROUP))
                        .open()) {
            Files.setPosixFilePermissions(stage.runDirectory(), PosixFilePermissions.fromString("rwxr-xr-x"));
            // as --socket-group does for a group that has a name
            Files.setAttribute(stage.socketOf("shared"), "unix:gid", GROUP);
            publish(own, 1);
            publish(shared, 2);
            publish(listed, 3);
            List<String> sockets = List.of(
                    "connect=" + stage.socketOf("own"),
                    "connect=" + stage.socketOf("shared"),
                    "connect=" + stage.socketOf("listed"));

            Child stranger = stage.start("stranger", AccessProbe.class, second.launch(), sockets);
            stranger.await("finished", any -> true);
            List<String> refusals = stranger.output();
            assertEquals(4, refusals.size(), stranger::toString);
            for (int i = 0; i < 2; i++) { // by mode, by group
                assertTrue(refusals.get(i).startsWith("refused code=none"), stranger::toString);
                assertTrue(refusals.get(i).contains("Permission denied"), stranger::toString);
                assertTrue(refusals.get(i).contains("your permission to write to the socket"), stranger::toString);
            }
            assertTrue(refusals.get(2).startsWith("refused code=NOT_ALLOWED"), stranger::toString);
            assertTrue(refusals.get(2).contains("user 65534 may not"), stranger::toString);
            assertTrue(refusals.get(2).contains("--allow-user 65534"), stranger::toString);

            try (Subscriber other = Subscriber.builder("listed")
                            .runDirectory(stage.runDirectory())
                            .connect();
                    Frame held = other.next(Await.DEADLINE)) {
                long self = ProcessHandle.current().pid();
                Child member = stage.start(
                        "member",
                        AccessProbe.class,
                        second.launchInGroup(GROUP),
                        List.of(
                                sockets.get(0),
                                sockets.get(1),
                                "read=" + stage.socketOf("shared"),
                                "read=" + stage.socketOf("listed"),
                                "attack=" + stage.socketOf("listed"),
                                "descriptors=" + self));
                member.await("finished", any -> true);
                assertTrue(member.output().get(0).startsWith("refused code=none"), member::toString);
                assertTrue(member.output().get(1).startsWith("connected"), member::toString);
                assertEquals(
                        List.of("2", "3"),
                        member.reports("frame").stream()
                                .map(frame -> frame.text("first"))
                                .toList(),
                        member::toString);
                List<Report> attacks = member.reports("attack");
                // write, reopen, map, twice truncate, chmod; twice truncate, chmod; list and memory
                assertEquals(6 + 6 + 3 + 2, attacks.size(), member::toString);
                for (Report attack : attacks) {
                    assertEquals("refused", attack.text("result"), member::toString);
                }
                assertEquals(3, held.plane(0).get(0));
            }
        }
    }

    @Test
    void aProducerInNamespacesOfItsOwnIsReadFromOutside() throws Exception {
        assumeTrue(RunDirectory.userId() == 0, "only root can make namespaces here");
        Process trial = new ProcessBuilder(
                        concat(NAMESPACES, List.of("mount", "-t", "tmpfs", "-o", "size=4k", "none", "/dev/shm")))
                .redirectErrorStream(true)
                .start();
        String refusal = new String(trial.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assumeTrue(
                trial.waitFor(Await.DEADLINE.toSeconds(), TimeUnit.SECONDS) && trial.exitValue() == 0,
                () -> "no namespaces here: " + refusal);
        List<String> isolated =
                concat(NAMESPACES, List.of("sh", "-c", "mount -t tmpfs -o size=4k none /dev/shm && exec \"$@\"", "sh"));
        try (Stage stage = new Stage()) {
            Child producer = stage.start(
                    "producer",
                    Main.class,
                    Launch.PLAIN.by(isolated),
                    List.of("--key=cam", "--test-pattern=640x360@25", "--run-dir=" + stage.runDirectory()));
            try (Subscriber subscriber = Subscriber.builder("cam")
                            .runDirectory(stage.runDirectory())
                            .connectTimeout(Await.DEADLINE)
                            .connect();
                    Frame frame = subscriber.next(Await.DEADLINE)) {
                assertEquals(640, frame.width(), producer::toString);
            }
        }
    }

    private static List<String> concat(List<String> first, List<String> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }

    @Test
    void aCamerasPasswordIsNowhereToBeSeen() throws Exception {
        String secret = "hunter2-secret";
        try (Stage stage = new Stage()) {
            Path arguments = Files.createTempFile("cuframes", ".arguments");
            Files.writeString(
                    arguments,
                    "--key=cam\n--retry\n-v\n--rtsp=rtsp://admin:" + secret + "@127.0.0.1:1/s?password=" + secret
                            + "\n");
            try {
                Child producer = stage.start(
                        "producer", Main.class, List.of("@" + arguments, "--run-dir", stage.runDirectory() + ""));
                Await.until(() -> "it says that the camera refuses; " + producer, () -> producer.errors().stream()
                        .anyMatch(line -> line.contains("refuses the connection")));
                assertFalse(Proc.commandLineOf(producer.pid()).contains(secret));
                byte[] ring = ringOf(stage.socketOf("cam"));
                assertTrue(new String(ring, StandardCharsets.ISO_8859_1).contains("cam"));
                assertFalse(new String(ring, StandardCharsets.ISO_8859_1).contains(secret));
                producer.signal("TERM");
                producer.awaitExit();
                assertFalse(producer.toString().contains(secret), producer::toString);
            } finally {
                Files.delete(arguments);
            }
        }
    }

    /** Every byte that an observer gets. */
    private static byte[] ringOf(Path socket) throws IOException {
        try (ControlConnection connection = ControlConnection.connect(socket, Await.DEADLINE)) {
            ByteBuffer hello = MessageCodec.encode(
                    new Message.Hello(
                            ProtocolVersion.CURRENT,
                            "raw/1",
                            "cam",
                            "raw",
                            Role.OBSERVER,
                            DeliveryMode.LATEST,
                            0,
                            0,
                            MemoryKind.HOST.bit(),
                            0,
                            List.of()),
                    0);
            connection.send(
                    ByteBuffer.allocateDirect(hello.remaining()).put(hello).flip(), Await.DEADLINE.toNanos());
            connection.receive(Await.DEADLINE.toNanos());
            FileDescriptor ring = connection.takeDescriptors().get(0);
            try (FileInputStream bytes =
                    new FileInputStream(Descriptors.path(ring).toFile())) {
                return bytes.readAllBytes();
            } finally {
                Descriptors.close(ring);
            }
        }
    }
}
