package io.github.cuframes.fuzz;

import io.github.cuframes.memory.transport.ControlConnection;
import io.github.cuframes.memory.transport.ControlServer;
import io.github.cuframes.memory.transport.ReceiveStatus;
import io.github.cuframes.protocol.ProtocolVersion;
import io.github.cuframes.protocol.message.ErrorCode;
import io.github.cuframes.protocol.message.Message;
import io.github.cuframes.protocol.message.MessageCodec;
import java.io.File;
import java.io.FileDescriptor;
import java.io.IOException;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.Selector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The socket of a publisher for subscribers that are fuzzed, one at a time: a thread answers each HELLO as the input says.
 * What is said and written afterwards is for the target.
 */
final class GreetingPublisher {

    static final String KEY = "cam";

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
    private static final int MOST_DESCRIPTORS = 256;

    /**
     * What is said to a subscriber.
     *
     * @param name the subscriber's; one of another name is of an input that is over
     * @param bytes the answer to its HELLO
     * @param files descriptors that go with it
     * @param last whether an ERROR and the connection's end follow
     */
    record Greeting(String name, byte[] bytes, FileDescriptor[] files, boolean last) {}

    private final Path directory = Files.createTempDirectory("cuframes-fuzz");
    private final ControlServer server =
            ControlServer.bind(directory.resolve(KEY + ".sock"), ControlServer.Access.DEFAULT);
    private final BlockingQueue<ControlConnection> accepted = new LinkedBlockingQueue<>();
    private volatile Greeting greeting;

    GreetingPublisher() throws IOException {
        Thread thread = new Thread(this::accept, "fuzz-accept");
        thread.setDaemon(true);
        thread.start();
    }

    /** The run directory. */
    Path directory() {
        return directory;
    }

    /** What the next subscriber is to be told. */
    void greetWith(Greeting next) {
        greeting = next;
    }

    /** The connection that was accepted last, those before it closed; null if there is none. */
    ControlConnection newest() throws IOException {
        ControlConnection newest = accepted.poll();
        while (!accepted.isEmpty()) {
            newest.close();
            newest = accepted.poll();
        }
        return newest;
    }

    /** Ends an input: closes its connection, which may be null, and those that nobody took. */
    void end(ControlConnection serving) throws IOException {
        if (serving != null) {
            serving.close();
        }
        for (ControlConnection left = accepted.poll(); left != null; left = accepted.poll()) {
            left.close();
        }
    }

    private void accept() {
        try (Selector selector = ControlServer.openSelector()) {
            server.register(selector, null);
            while (true) {
                ControlConnection next = server.accept();
                if (next == null) {
                    selector.select(1_000);
                    selector.selectedKeys().clear();
                } else {
                    greet(next);
                }
            }
        } catch (IOException e) {
            throw new AssertionError("no connection can be accepted", e);
        }
    }

    private void greet(ControlConnection next) throws IOException {
        long begin = System.nanoTime();
        ReceiveStatus status;
        while ((status = next.receive(0)) == ReceiveStatus.NOTHING && System.nanoTime() - begin < PATIENCE_NANOS) {
            Thread.yield();
        }
        Greeting say = greeting;
        if (status != ReceiveStatus.MESSAGE
                || !(MessageCodec.decode(next.type(), next.body()) instanceof Message.Hello hello)
                || !hello.name().equals(say.name())) {
            next.close(); // of an input that is over
            return;
        }
        accepted.add(next); // before the subscriber can know of it
        send(next, say.bytes(), say.files());
        if (say.last()) {
            send(next, bytes(failure(), 0));
            next.close();
        }
    }

    /** An ERROR. */
    static Message failure() {
        return new Message.Failure(ProtocolVersion.CURRENT, ErrorCode.NOT_ALLOWED, "that was all");
    }

    /** A message as it is sent with some descriptors. */
    static byte[] bytes(Message message, int descriptors) {
        ByteBuffer encoded = MessageCodec.encode(message, descriptors);
        byte[] bytes = new byte[encoded.remaining()];
        encoded.get(bytes);
        return bytes;
    }

    /** Sends, if the subscriber still listens. */
    static void send(ControlConnection to, byte[] bytes, FileDescriptor... descriptors) {
        try {
            if (bytes.length > 0) {
                to.trySend(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip(), descriptors);
            }
        } catch (IOException e) {
            require(isClosed(e), "the publisher's side failed: " + e);
        }
    }

    /** Whether the subscriber has closed the connection, as it may. */
    static boolean isClosed(IOException e) {
        return e instanceof SocketException || e instanceof ClosedChannelException;
    }

    /** Fails where this process has more descriptors open than an input needs. */
    static void requireNoLeak() {
        require(new File("/proc/self/fd").list().length < MOST_DESCRIPTORS, "descriptors leak");
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
