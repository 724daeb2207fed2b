package io.github.cuframes.subscriber;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.memory.transport.RunDirectory;
import io.github.cuframes.protocol.layout.Ring;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageType;
import io.github.cuframes.protocol.message.Role;
import java.io.FileDescriptor;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * Reads a publisher's counters and takes no frames. Any thread may read the ring; one thread at a time calls {@link
 * #isAlive()}.
 */
public final class Observer implements AutoCloseable {

    private final ControlConnection connection;
    private final Ring ring;
    private boolean ended;

    private Observer(ControlConnection connection, Ring ring) {
        this.connection = connection;
        this.ring = ring;
    }

    /**
     * Connects.
     *
     * @param directory where the publisher has its socket
     * @param key the stream's name
     * @param timeout how long to wait for the connection, and again for the answer, so that a publisher that is stopped keeps nobody
     * @throws IOException if nobody answers in time, or not what the protocol says; one sentence with what to do
     * @throws SubscriberException if the publisher says no
     */
    public static Observer connect(RunDirectory directory, String key, Duration timeout) throws IOException {
        ControlConnection connection = ControlConnection.connect(directory.socketOf(key), timeout);
        // not before: the first connection of a process loads the socket library, which takes a second on a busy
        // machine
        long deadline = System.nanoTime() + Connector.toNanos(timeout);
        try {
            String name = "observer " + ProcessHandle.current().pid();
            Incoming.send(connection, Incoming.hello(key, name, Role.OBSERVER));
            return new Observer(connection, greet(connection, key, deadline));
        } catch (IOException | RuntimeException e) {
            connection.close();
            throw e;
        }
    }

    private static boolean isAnswer(ControlConnection connection) {
        return connection.type() == MessageType.WELCOME.code() || connection.type() == MessageType.ERROR.code();
    }

    private static Ring greet(ControlConnection connection, String key, long deadline) throws IOException {
        while (true) {
            long left = deadline - System.nanoTime();
            ReceiveStatus status = connection.receive(left);
            // a late answer counts, but one that talks of other things until then has none
            if (status == ReceiveStatus.NOTHING || left <= 0 && !isAnswer(connection)) {
                throw new IOException(
                        "the producer of \"" + key + "\" does not answer; see whether its process is stopped");
            }
            if (status == ReceiveStatus.END) {
                throw new IOException("the producer of \"" + key + "\" ended the connection; try again");
            }
            Message message = Incoming.decode(connection);
            if (message instanceof Message.Failure failure) {
                throw new SubscriberException(
                        "the producer of \"" + key + "\" refuses (" + failure.code() + "): " + failure.printableText(),
                        failure.code(),
                        null);
            }
            if (message instanceof Message.Welcome welcome) {
                List<FileDescriptor> files = connection.takeDescriptors();
                Incoming.requireDescriptors(welcome, files, 1);
                return Incoming.ring(files.get(0), welcome, key);
            }
            if (message != null) {
                throw Incoming.violation("a " + message.type() + " message came before WELCOME");
            }
        }
    }

    /** The publisher's counters; stays readable after its death and after {@link #close()}. */
    public Ring ring() {
        return ring;
    }

    /** Whether the publisher still has this connection open; does not wait. */
    public boolean isAlive() throws IOException {
        // bounded, also for a publisher that never stops talking
        for (int i = 0; i < Session.MOST_AT_ONCE && !ended; i++) {
            ReceiveStatus status = connection.receive(0);
            if (status == ReceiveStatus.NOTHING) {
                return true;
            }
            if (status == ReceiveStatus.END) {
                ended = true;
            } else {
                Message message = Incoming.decode(connection);
                ended = message instanceof Message.Bye || message instanceof Message.Failure;
            }
        }
        return !ended;
    }

    /** Ends the connection; a second call does nothing. */
    @Override
    public void close() throws IOException {
        connection.close();
    }
}
