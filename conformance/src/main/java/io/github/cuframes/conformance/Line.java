package io.github.cuframes.conformance;

import io.github.cuframes.memory.Descriptors;
import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.FramingException;
import io.github.cuframes.memory.transport.ReceiveStatus;
import java.io.FileDescriptor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * One end of a control socket: sends any bytes, and closes the descriptors of what nobody took. One thread at a time.
 *
 * <p>A connection that the peer has ended is no exception here: what is sent is lost, and {@link #next} tells the end.
 */
public final class Line implements AutoCloseable {

    private static final int HEADER = 8;

    private final ControlConnection connection;
    /** Of a connection that does not block, else null. */
    private final Selector selector;

    private final long patienceNanos;
    private final List<FileDescriptor> received = new ArrayList<>();
    private boolean ended;

    private Line(ControlConnection connection, Selector selector, Duration patience) {
        this.connection = connection;
        this.selector = selector;
        this.patienceNanos = patience.toNanos();
    }

    /** Connects to a publisher's socket. */
    public static Line connect(Path socket, Duration patience) throws IOException {
        return new Line(ControlConnection.connect(socket, patience), null, patience);
    }

    /** Takes over a connection that a {@link ControlServer} accepted. */
    public static Line accepted(ControlConnection connection, Duration patience) throws IOException {
        Selector selector = ControlServer.openSelector();
        connection.register(selector, SelectionKey.OP_READ, null);
        return new Line(connection, selector, patience);
    }

    /** A message as the page frames it. */
    public static byte[] message(String type, Body body, int descriptors) {
        return message(Document.type(type), body.bytes(), descriptors);
    }

    /** A message of any type. */
    public static byte[] message(int type, byte[] body, int descriptors) {
        return header(body.length, type, descriptors, body);
    }

    /** A header that says anything, and bytes behind it. */
    public static byte[] header(int length, int type, int descriptors, byte[] rest) {
        return ByteBuffer.allocate(HEADER + rest.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(length)
                .putShort((short) type)
                .putShort((short) descriptors)
                .put(rest)
                .array();
    }

    /** Several arrays as one. */
    public static byte[] concat(byte[]... parts) {
        ByteBuffer all = ByteBuffer.allocate(
                java.util.Arrays.stream(parts).mapToInt(part -> part.length).sum());
        for (byte[] part : parts) {
            all.put(part);
        }
        return all.array();
    }

    /** Sends a message without descriptors. */
    public void send(String type, Body body) throws IOException {
        send(message(type, body, 0));
    }

    /** Sends bytes in one piece, with descriptors on the first of them; they stay the caller's. */
    public void send(byte[] bytes, FileDescriptor... files) throws IOException {
        if (ended) {
            return;
        }
        ByteBuffer direct = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
        try {
            if (selector == null) {
                connection.send(direct, patienceNanos, files);
            } else {
                long deadline = System.nanoTime() + patienceNanos;
                boolean taken = connection.trySend(direct, files);
                while (!taken || connection.hasUnsent()) {
                    if (deadline - System.nanoTime() < 0) {
                        throw new IOException("the peer does not read what it is sent");
                    }
                    selector.select(1);
                    selector.selectedKeys().clear();
                    taken = taken || connection.trySend(direct, files);
                    connection.flush();
                }
            }
        } catch (IOException e) {
            // the next receive finds out whether it left a last word
            if (connection.isClosed()) {
                ended = true;
            }
        }
    }

    /** The next message, or the end, or null if there is none within the patience. */
    public Incoming next() throws Failed, IOException {
        return next(patienceNanos);
    }

    /**
     * The next message.
     *
     * @return {@link Incoming#END} at the end, null if nothing came in time
     * @throws Failed if what came is no message
     */
    public Incoming next(long nanos) throws Failed, IOException {
        if (ended) {
            return Incoming.END;
        }
        long deadline = System.nanoTime() + nanos;
        while (true) {
            ReceiveStatus status;
            try {
                status = connection.receive(selector == null ? deadline - System.nanoTime() : 0);
            } catch (FramingException e) {
                ended = true;
                throw new Failed("messages as section 3 frames them", e.getMessage());
            } catch (IOException e) {
                ended = true; // reset: the peer closed without reading all
                return Incoming.END;
            }
            if (status == ReceiveStatus.END) {
                ended = true;
                return Incoming.END;
            }
            if (status == ReceiveStatus.MESSAGE) {
                byte[] bytes = new byte[connection.body().remaining()];
                connection.body().duplicate().get(bytes);
                List<FileDescriptor> files = connection.takeDescriptors();
                received.addAll(files);
                return new Incoming(connection.type(), bytes, files);
            }
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return null;
            }
            if (selector != null) {
                selector.select(Math.max(1, left / 1_000_000));
                selector.selectedKeys().clear();
            }
        }
    }

    /** The next message, which must be of a type. */
    public Incoming expect(String type) throws Failed, IOException {
        Incoming incoming = next();
        Failed.unless(incoming != null && incoming.is(type), type, orNothing(incoming));
        return incoming;
    }

    private Object orNothing(Incoming incoming) {
        return incoming == null ? "nothing within " + patienceNanos / 1_000_000_000.0 + " s" : incoming;
    }

    /**
     * What the peer says last, after messages that were on their way.
     *
     * @return the ERROR, or the end if it says nothing more
     * @throws Failed if the connection goes on, or goes on after an ERROR
     */
    public Incoming last() throws Failed, IOException {
        long deadline = System.nanoTime() + patienceNanos;
        while (true) {
            Incoming incoming = next(Math.max(1, deadline - System.nanoTime()));
            Failed.unless(
                    incoming != null,
                    "the end of the connection",
                    "it goes on for " + patienceNanos / 1_000_000_000.0 + " s");
            if (incoming.isEnd()) {
                return incoming;
            }
            if (incoming.is("ERROR")) {
                Incoming after = next();
                Failed.unless(
                        after != null && after.isEnd(), "the end of the connection after ERROR", orNothing(after));
                return incoming;
            }
            Failed.unless(
                    !incoming.is("WELCOME") && !incoming.is("HELLO") && deadline - System.nanoTime() > 0,
                    "the end of the connection",
                    incoming);
        }
    }

    /** Expects ERROR with one of these numbers and a sentence, and the end. */
    public void expectError(int... codes) throws Failed, IOException {
        Incoming last = last();
        Failed.unless(last.is("ERROR"), "ERROR " + list(codes) + " and the end", last);
        requireError(last, codes);
    }

    /** Expects the end that follows a breach; ERROR is due if the peer can still say it, and then has its number. */
    public void expectBreach(int... codes) throws Failed, IOException {
        Incoming last = last();
        if (!last.isEnd()) {
            requireError(last, codes.length == 0 ? new int[] {1} : codes);
        }
    }

    private static void requireError(Incoming error, int... codes) throws Failed {
        Body body = error.body();
        int code = body.intAt("ERROR", 0);
        Failed.unless(java.util.Arrays.stream(codes).anyMatch(wanted -> wanted == code), "ERROR " + list(codes), error);
        Failed.unless(!body.textOf("TEXT").isBlank(), "an ERROR with a sentence for people", "one without");
        Failed.unless(body.intAt("PROTOCOL", 0) == Body.MAGIC, "PROTOCOL with its magic in ERROR", "another");
    }

    private static String list(int... codes) {
        return String.join(
                " or ",
                java.util.Arrays.stream(codes).mapToObj(Integer::toString).toList());
    }

    /** The process at the other end in this process's namespace; 0 if it cannot be seen from here. */
    public long peerPid() throws IOException {
        return connection.peer().pid();
    }

    /** Closes the socket and every descriptor that came; a second call does nothing. */
    @Override
    public void close() throws IOException {
        received.forEach(Descriptors::close);
        received.clear();
        connection.close();
        if (selector != null) {
            selector.close();
        }
    }
}
