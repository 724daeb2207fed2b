package io.github.cuframes.memory.transport;

import io.github.cuframes.memory.ImportedMemory;
import io.github.cuframes.protocol.frame.MemoryKind;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The other process of the tests. */
final class PeerMain {

    private static final PrintStream OUT = System.out;

    private PeerMain() {}

    public static void main(String[] arguments) throws Exception {
        Path socket = Path.of(arguments[1]);
        switch (arguments[0]) {
            case "hold" -> hold(socket);
            case "race" -> {
                OUT.println("ready");
                System.in.read();
                hold(socket);
            }
            case "map" -> map(socket);
            default -> throw new IllegalArgumentException(arguments[0]);
        }
    }

    private static void hold(Path socket) throws IOException {
        try (ControlServer server = ControlServer.bind(socket, ControlServer.Access.DEFAULT)) {
            OUT.println(server.path().equals(socket) ? "bound" : "bound at " + server.path());
            System.in.read();
        } catch (KeyInUseException e) {
            OUT.println("in use");
        }
    }

    /** Maps the memory that it is sent and prints its first long, now and whenever a message says so. */
    private static void map(Path socket) throws Exception {
        long timeout = TimeUnit.SECONDS.toNanos(20);
        try (ControlConnection connection = ControlConnection.connect(socket, Duration.ofSeconds(5))) {
            if (connection.receive(timeout) != ReceiveStatus.MESSAGE) {
                throw new IllegalStateException("no message");
            }
            FileDescriptor descriptor = connection.takeDescriptors().get(0);
            OUT.println(writes(descriptor));
            ByteBuffer memory = ImportedMemory.map(
                            MemoryKind.HOST, descriptor, connection.body().getLong(0))
                    .slice(0, 8);
            OUT.println(memory.getLong(0));
            while (connection.receive(timeout) == ReceiveStatus.MESSAGE) {
                OUT.println(memory.getLong(0));
            }
            OUT.println("end");
        }
    }

    private static String writes(FileDescriptor descriptor) {
        // not closed: the descriptor is still to be mapped
        FileChannel channel = new FileOutputStream(descriptor).getChannel();
        try {
            channel.write(ByteBuffer.allocateDirect(8), 0);
            return "written";
        } catch (IOException e) {
            return "refused";
        }
    }
}
