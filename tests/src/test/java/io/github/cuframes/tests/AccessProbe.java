package io.github.cuframes.tests;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.frame.DeliveryMode;
import io.github.cuframes.protocol.frame.MemoryKind;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import io.github.cuframes.protocol.message.Role;
import io.github.cuframes.subscriber.Frame;
import io.github.cuframes.subscriber.Subscriber;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A process that tries what it should not be able to do. Its arguments are commands:
 *
 * <ul>
 *   <li>{@code connect=SOCKET}: says HELLO; writes {@code connected}, or {@code refused} and the reason
 *   <li>{@code read=SOCKET}: subscribes and writes {@code frame sequence=… first=…} of the first frame
 *   <li>{@code attack=SOCKET}: takes the descriptors and tries to do harm with them; writes {@code attack what=… result=…}
 *   <li>{@code descriptors=PID}: tries to look at another process's descriptors; writes the same
 * </ul>
 *
 * <p>Result is {@code refused} where the kernel said no, {@code done} where it did not. The last line is {@code finished}.
 */
public final class AccessProbe {

    private static final Duration WAIT = Await.DEADLINE;

    private final PrintStream out = System.out;

    private AccessProbe() {}

    /** Does what it is told, in order. */
    public static void main(String[] arguments) throws IOException {
        AccessProbe probe = new AccessProbe();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String where = argument.substring(equals + 1);
            switch (argument.substring(0, equals)) {
                case "connect" -> probe.connect(Path.of(where));
                case "read" -> probe.read(Path.of(where));
                case "attack" -> probe.attack(Path.of(where));
                case "descriptors" -> probe.descriptorsOf(where);
                default -> throw new IllegalArgumentException(argument);
            }
        }
        probe.out.println("finished");
    }

    private static String keyOf(Path socket) {
        return socket.getFileName().toString().replace(".sock", "");
    }

    private static ControlConnection hello(Path socket) throws IOException {
        ControlConnection connection = ControlConnection.connect(socket, WAIT);
        Message.Hello hello = new Message.Hello(
                ProtocolVersion.CURRENT,
                "probe/1",
                keyOf(socket),
                "probe",
                Role.SUBSCRIBER,
                DeliveryMode.LATEST,
                0,
                2,
                MemoryKind.HOST.bit(),
                0,
                List.of());
        ByteBuffer message = MessageCodec.encode(hello, 0);
        connection.send(
                ByteBuffer.allocateDirect(message.remaining()).put(message).flip(), WAIT.toNanos());
        return connection;
    }

    private static Message receive(ControlConnection connection) throws IOException {
        if (connection.receive(WAIT.toNanos()) != ReceiveStatus.MESSAGE) {
            throw new IOException("no message came");
        }
        return MessageCodec.decode(connection.type(), connection.body());
    }

    private void connect(Path socket) {
        try (ControlConnection connection = hello(socket)) {
            Message answer = receive(connection);
            out.println(
                    answer instanceof Message.Failure failure
                            ? "refused code=" + failure.code() + " " + failure.text()
                            : "connected key=" + keyOf(socket));
        } catch (IOException e) {
            out.println("refused code=none " + e.getMessage());
        }
    }

    private void read(Path socket) {
        try (Subscriber subscriber = Subscriber.builder(keyOf(socket))
                        .runDirectory(socket.getParent())
                        .connectTimeout(WAIT)
                        .connect();
                Frame frame = subscriber.next(WAIT)) {
            out.println(
                    frame == null
                            ? "frame none"
                            : "frame sequence=" + frame.sequence() + " first="
                                    + frame.plane(0).get(0));
        }
    }

    private void attack(Path socket) throws IOException {
        try (ControlConnection connection = hello(socket)) {
            Message answer = receive(connection);
            List<FileDescriptor> greeting = connection.takeDescriptors();
            if (!(answer instanceof Message.Welcome) || greeting.size() != 2) {
                throw new IOException("instead of a greeting came " + answer);
            }
            List<FileDescriptor> slabs = new ArrayList<>();
            while (slabs.isEmpty()) {
                if (receive(connection) instanceof Message.Memory) {
                    slabs.addAll(connection.takeDescriptors());
                }
            }
            attackReadOnly("ring", greeting.get(0));
            attackReadOnly("slab", slabs.get(0));
            attackLength("page", greeting.get(1));
        }
    }

    private void attackReadOnly(String name, FileDescriptor descriptor) throws IOException {
        Path path = Descriptors.path(descriptor);
        attempt(name + "-write", () -> new FileOutputStream(descriptor).write(1));
        attempt(name + "-reopen", () -> new RandomAccessFile(path.toFile(), "rw").write(1));
        attempt(name + "-map", () -> {
            try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                channel.map(MapMode.READ_WRITE, 0, 4096).put(0, (byte) 1);
            }
        });
        attackLength(name, descriptor);
    }

    private void attackLength(String name, FileDescriptor descriptor) throws IOException {
        Path path = Descriptors.path(descriptor);
        for (long length : new long[] {0, Files.size(path) - 1}) {
            attempt(name + "-truncate", () -> {
                try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                    channel.truncate(length);
                }
            });
        }
        attempt(name + "-chmod", () -> Files.setAttribute(path, "unix:mode", 0666));
    }

    private void descriptorsOf(String pid) throws IOException {
        Path directory = Path.of("/proc", pid, "fd");
        attempt("list-descriptors", () -> {
            try (DirectoryStream<Path> list = Files.newDirectoryStream(directory)) {
                list.iterator().next();
            }
        });
        for (int number = 0; number < 1024; number++) {
            Path path = directory.resolve(Integer.toString(number));
            if (Files.isReadable(path)) {
                attempt("open-descriptor", () -> Files.newInputStream(path).close());
            }
        }
        attempt("memory", () -> new RandomAccessFile("/proc/" + pid + "/mem", "r").close());
    }

    private interface Attempt {
        void run() throws IOException;
    }

    private void attempt(String what, Attempt attempt) {
        try {
            attempt.run();
            out.println("attack what=" + what + " result=done");
        } catch (IOException e) {
            out.println("attack what=" + what + " result=refused " + e.getMessage());
        }
    }
}
